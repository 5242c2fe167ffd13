import { Decoder, DecoderOptions } from "iced-x86";
import { describe, expect, it } from "vitest";
import { encode } from "../../isa/encode.ts";
import type { Row } from "../../isa/instruction.ts";
import { forms, holes } from "../../isa/table.ts";
import { modes, samplesOf } from "./samples.ts";

/** What iced knows of the privilege and the VM exits of a row, by its first sample. */
interface Facts {
  readonly isPrivileged: boolean;
  readonly mayRequireCpl0: boolean;
  readonly exits: boolean;
  readonly mayExit: boolean;
}

function icedFacts(form: (typeof forms)[number]): Facts | undefined {
  for (const bits of [...modes].reverse())
    for (const { statement } of samplesOf(form, bits).slice(0, 1)) {
      const encoding = encode(form.row, statement, { bits });
      if (encoding.kind === "refusal") continue;
      const decoder = new Decoder(bits, encoding.bytes, DecoderOptions.None);
      const instruction = decoder.decode();
      const info = instruction.opCode;
      const { isPrivileged, mayRequireCpl0, intelVmExit, intelMayVmExit } = info;
      for (const object of [info, instruction, decoder]) object.free();
      return { isPrivileged, mayRequireCpl0, exits: intelVmExit, mayExit: intelMayVmExit };
    }
  return undefined;
}

/** Where we differ from iced on purpose. */
const privilegeDiffers: readonly (readonly [mnemonics: RegExp, because: string])[] = [
  [/^cpuid$/, "CPUID faulting, an option of some processors, is not modelled"],
  [/^(monitor|mwait)$/, "#UD at other levels than 0; that an MSR can allow them is AMD's"],
  [/^(umwait|tpause)$/, "#GP(0) with CR4.TSD, as for RDTSC (SDM Vol. 2, TPAUSE)"],
  [/^getsec$/, "its leaf functions that change anything ask for CPL 0 themselves"],
];
const exitsDiffer: readonly (readonly [mnemonics: RegExp, because: string])[] = [
  [/^smsw$/, "reads CR0 through the read shadow and never exits (SDM Vol. 3, 26.1.3)"],
  [/^rsm$/, "it exits in system-management mode only (SDM Vol. 3, 26.1.3)"],
  [/^senduipi$/, "what it writes to the APIC may exit"],
  [/^(int3|int1|icebp|ud[012]|into|bound)$/, "the exception exits, by the exception bitmap; not the instruction"],
  [/^(int|iret[dq]?|call|jmp|retf)$/, "only a task switch exits; what is not one never does"],
];
const isKnown = (list: typeof exitsDiffer, row: Row): boolean => list.some(([names]) => names.test(row.mnemonic));

const privilegeOf = ({ isPrivileged, mayRequireCpl0 }: Facts): string =>
  isPrivileged ? "privileged" : mayRequireCpl0 ? "by a control bit" : "none";
const ownPrivilege = ({ privilege }: Row): string => {
  if (privilege === "none") return "none";
  return ["umip", "tsd", "pce"].includes(privilege) ? "by a control bit" : "privileged";
};
const exitsOf = ({ exits, mayExit }: Facts): string => (exits ? "always" : mayExit ? "when" : "never");

describe("privilege and VM exits agree with iced", () => {
  const all = forms.flatMap((form) => {
    const facts = icedFacts(form);
    return facts ? [{ row: form.row, facts }] : [];
  });

  it("privilege", () => {
    const differences = all.filter(
      ({ row, facts }) => privilegeOf(facts) !== ownPrivilege(row) && !isKnown(privilegeDiffers, row),
    );
    expect(differences.map(({ row, facts }) => `${row.syntax}: ${row.privilege}, iced ${privilegeOf(facts)}`)).toEqual(
      [],
    );
  });

  it("exits", () => {
    const differences = all.filter(({ row, facts }) => exitsOf(facts) !== row.exits.kind && !isKnown(exitsDiffer, row));
    expect(differences.map(({ row, facts }) => `${row.syntax}: ${row.exits.kind}, iced ${exitsOf(facts)}`)).toEqual([]);
  });

  it("every known difference is one", () => {
    const differs = (list: typeof exitsDiffer, unequal: (row: Row, facts: Facts) => boolean) =>
      list.filter(([names]) => !all.some(({ row, facts }) => names.test(row.mnemonic) && unequal(row, facts)));
    expect(differs(privilegeDiffers, (row, facts) => privilegeOf(facts) !== ownPrivilege(row))).toEqual([]);
    expect(differs(exitsDiffer, (row, facts) => exitsOf(facts) !== row.exits.kind)).toEqual([]);
  });

  it("iced looked at every row but those that cannot be written", () => {
    expect(forms.length - all.length).toBeLessThan(forms.length / 20);
  });
});

describe("Robin and Irvine's list", () => {
  it("has its 17 entries among the holes, and nothing else claims to be on it", () => {
    const entries = new Set(
      holes.flatMap(({ sensitivity }) => (sensitivity.kind === "innocuous" ? [] : (sensitivity.robinIrvine ?? []))),
    );
    expect([...entries].sort((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, n) => n + 1));
  });
});
