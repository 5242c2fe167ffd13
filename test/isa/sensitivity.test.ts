import { describe, expect, test } from "vitest";
import { isVirtualizationHole, type Row } from "../../isa/instruction.ts";
import type { Operand } from "../../isa/operands.ts";
import { segmentNames } from "../../isa/registers.ts";
import { gradeOf } from "../../isa/sensitivity.ts";
import { holes, rows } from "../../isa/table.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";

/** Robin and Irvine's list (USENIX Security 2000), by entry: the mnemonics of its forms. */
const robinIrvine = [
  "sgdt",
  "sidt",
  "sldt",
  "smsw",
  "pushf pushfd pushfq",
  "popf popfd popfq",
  "lar",
  "lsl",
  "verr verw",
  "pop",
  "push",
  "call",
  "jmp",
  "int",
  "retf",
  "str",
  "mov",
];

const entryOf = ({ sensitivity }: Row): number | undefined =>
  sensitivity.kind === "innocuous" ? undefined : sensitivity.robinIrvine;

const mnemonicsOf = (entry: number): string =>
  [...new Set(rows.filter((row) => entryOf(row) === entry).map((row) => row.mnemonic))].sort().join(" ");

describe("Robin and Irvine's 17", () => {
  test.each(robinIrvine.map((mnemonics, n) => [n + 1, mnemonics] as const))("entry %i is %s", (entry, mnemonics) => {
    expect(mnemonicsOf(entry)).toBe(mnemonics);
  });

  test("there are no other entries", () => {
    const entries = new Set(rows.map(entryOf).filter((entry) => entry !== undefined));
    expect([...entries].sort((a, b) => a - b)).toEqual(robinIrvine.map((_, n) => n + 1));
  });

  test("each is a hole: sensitive, and unprivileged as the processor comes out of reset", () => {
    const listed = rows.filter((row) => entryOf(row) !== undefined);
    expect(listed.filter((row) => !isVirtualizationHole(row))).toEqual([]);
    expect(listed.filter((row) => !holes.includes(row))).toEqual([]);
  });

  test("the near forms of calls, jumps and returns are not on it", () => {
    const near = rows.filter((row) => /^(call|jmp|ret)$/.test(row.mnemonic) && row.default64);
    expect(near.length).toBeGreaterThan(5);
    expect(near.filter((row) => row.sensitivity.kind !== "innocuous")).toEqual([]);
  });
});

test("a privileged or innocuous instruction is no hole", () => {
  for (const name of ["lgdt", "hlt", "cli", "in", "wrmsr", "clts", "invlpg", "add", "mov r32, crn", "nop"])
    expect(holes.filter((row) => row.mnemonic === name || row.syntax.toLowerCase() === name)).toEqual([]);
});

function rowOf(syntax: string): Row {
  const found = rows.find((row) => row.syntax === syntax);
  if (!found) throw new Error(`no row ${syntax}`);
  return found;
}

const segment = (name: (typeof segmentNames)[number]): Operand => ({
  kind: "register",
  class: "segment",
  number: segmentNames.indexOf(name),
  width: 16,
});

const ax: Operand = { kind: "register", class: "general", number: 0, width: 16 };

/** Instructions as a row and the segment register among their operands, if any; grade where the kernel is deprivileged. */
const graded: readonly [syntax: string, operands: readonly Operand[], grade: string][] = [
  ["SGDT m16&32", [], "warning"],
  ["SIDT m16&64", [], "warning"],
  ["SLDT r16", [], "warning"],
  ["SMSW m16", [], "warning"],
  ["STR r32", [], "warning"],
  ["PUSHF", [], "warning"],
  ["POPFD", [], "warning"],
  ["LAR r32, r/m16", [], "warning"],
  ["LSL r16, r/m16", [], "warning"],
  ["VERR r/m16", [], "warning"],
  ["VERW r/m16", [], "warning"],
  ["PUSH CS", [segment("cs")], "warning"],
  ["PUSH DS", [segment("ds")], "information"],
  ["PUSH SS", [segment("ss")], "warning"],
  ["MOV r16, Sreg", [ax, segment("cs")], "warning"],
  ["MOV r16, Sreg", [ax, segment("ss")], "warning"],
  ["MOV r16, Sreg", [ax, segment("ds")], "information"],
  ["MOV Sreg, r/m16", [segment("ss"), ax], "information"],
  ["MOV Sreg, r/m16", [segment("ds")], "information"],
  ["POP ES", [segment("es")], "information"],
  ["CALL ptr16:16", [], "information"],
  ["JMP m16:32", [], "information"],
  ["INT imm8", [], "information"],
  ["RETF", [], "information"],
  ["IRETD", [], "information"],
  ["CPUID", [], "information"],
  ["LGDT m16&32", [], "none"],
  ["HLT", [], "none"],
  ["CLI", [], "none"],
  ["IN AL, DX", [], "none"],
  ["ADD r/m32, r32", [], "none"],
  ["CALL rel32", [], "none"],
];

/** Where the guest kernel runs deprivileged and its code is run as it is. */
const deprivileged: readonly TechniqueId[] = ["trap-and-emulate", "paravirtualization"];

describe.each(techniques.map(({ id }) => id))("under %s", (technique) => {
  test.each(graded)("%s %j", (syntax, operands, grade) => {
    const grading = gradeOf({ row: rowOf(syntax), operands }, technique);
    expect(grading.grade).toBe(deprivileged.includes(technique) ? grade : "none");
    expect(grading.sentence).toMatch(/^It .+\.$/);
  });
});

test.each(graded)(
  "where no technique is settled %s %j is graded for those it breaks under",
  (syntax, operands, grade) => {
    expect(gradeOf({ row: rowOf(syntax), operands }, undefined).grade).toBe(grade);
  },
);

describe("the sentence", () => {
  const sentence = (syntax: string, technique: TechniqueId) =>
    gradeOf({ row: rowOf(syntax), operands: [] }, technique).sentence;

  test("says what is revealed, why it goes wrong, and what would make it trap", () => {
    expect(sentence("SGDT m16&32", "trap-and-emulate")).toBe(
      "It stores the base and limit of the monitor's global descriptor table. Under trap and emulate the kernel runs at " +
        "CPL > 0, where this does not trap, so the guest silently gets another result than on its own machine. " +
        "With CR4.UMIP set it raises #GP at CPL > 0 and can be emulated.",
    );
  });

  test("says why it is harmless, and where it is not", () => {
    expect(sentence("POPFQ", "vtx-ept")).toBe(
      "It changes IF only if CPL ≤ IOPL and IOPL only at CPL 0, and otherwise ignores them without a trap. Under VT-x " +
        "with EPT the guest runs at CPL 0 in non-root operation, with these registers and tables of its own: harmless. " +
        "It breaks guests under trap and emulate and paravirtualization.",
    );
  });

  test("says that a privileged instruction traps", () => {
    expect(sentence("HLT", "trap-and-emulate")).toBe(
      "It gives up the processor, which others could use. It traps at CPL > 0 (#GP), so a monitor can emulate it.",
    );
  });
});

test("an unknown technique is refused", () => {
  expect(() => gradeOf({ row: rowOf("NOP"), operands: [] }, "vmware" as TechniqueId)).toThrow(RangeError);
});
