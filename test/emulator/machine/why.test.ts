import { describe, expect, test } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { machineWith } from "./program.ts";

const protectedMode = (body: string) => `bits 32\norg 8000h\n%pragma ringside mode protected\n${body}`;

/** Runs until the instruction that was meant is about to run and, under VT-x, its page is mapped. */
function reach(machine: Machine, technique: TechniqueId, text: string): Machine {
  for (let n = 0; n < 200; n++) {
    const outlook = machine.pendingExit === undefined ? machine.why() : undefined;
    if (outlook?.what.startsWith(text)) return machine;
    machine.step();
  }
  throw new Error(`${text} is never reached under ${technique}`);
}

type Row = readonly [
  what: string,
  before: string,
  body: string,
  technique: TechniqueId,
  outcome: string,
  sentence: RegExp,
  rule: RegExp,
];

const rows: readonly Row[] = [
  ["out dx", "mov dx, 3F8h", "out dx, al", "bare-metal", "runs", /no hypervisor/, /CPL 0/],
  ["out dx", "mov dx, 3F8h", "out dx, al", "trap-and-emulate", "leaves", /OUT needs CPL ≤ IOPL/, /CPL 1 > IOPL 0/],
  ["out 3F8h", "mov dx, 3F8h", "out dx, al", "vtx-ept", "leaves", /bit of port 3F8h/, /2000h\), byte 7Fh, bit 0 = 1$/],
  ["out 80h", "nop", "out 80h, al", "vtx-ept", "runs", /lets port 80h through/, /2000h\), byte 10h, bit 0 = 0$/],
  ["popfd", "pushfd", "popfd", "bare-metal", "runs", /no hypervisor/, /CPL 0/],
  ["popfd", "pushfd", "popfd", "trap-and-emulate", "runs", /does not trap.*silently/, /CPL 1/],
  ["popfd", "pushfd", "popfd", "vtx-ept", "runs", /no control exists/, /^no control exists$/],
  ["hlt", "nop", "hlt", "vtx-ept", "leaves", /HLT leaves the guest/, /4002h, bit 7: HLT exiting = 1$/],
  ["hlt", "nop", "hlt", "trap-and-emulate", "leaves", /HLT is privileged/, /CPL 1 > 0/],
  ["rdmsr 174h", "mov ecx, 174h", "rdmsr", "vtx-ept", "runs", /read bit .* is 0/, /read-low, byte 2Eh, bit 4 = 0$/],
  ["rdmsr 277h", "mov ecx, 277h", "rdmsr", "vtx-ept", "leaves", /read bit .* is 1/, /read-low, byte 4Eh, bit 7 = 1$/],
  ["rdmsr 5000h", "mov ecx, 5000h", "rdmsr", "vtx-ept", "leaves", /no bit in the MSR bitmaps/, /outside 0 to 1FFFh/],
  [
    "mov cr0",
    "mov eax, 33h",
    "mov cr0, eax",
    "vtx-ept",
    "leaves",
    /bits 20h of CR0/,
    /6000h = 20h, .*6004h = 11h: .* 20h$/,
  ],
  ["mov cr0", "mov eax, 13h", "mov cr0, eax", "vtx-ept", "runs", /no bit of CR0/, /differing owned bits 0h$/],
  ["mov eax, cr4", "nop", "mov eax, cr4", "vtx-ept", "runs", /read shadow/, /6002h = 2000h, read shadow 6006h = 0h$/],
  ["mov eax, cr3", "nop", "mov eax, cr3", "vtx-ept", "runs", /does not leave/, /bit 16: CR3-store exiting = 0$/],
  ["lmsw", "mov dword [9000h], 1", "lmsw [9000h]", "vtx-ept", "runs", /no bit of CR0/, /differing owned bits 0h$/],
  ["sgdt", "nop", "sgdt [9000h]", "vtx-ept", "runs", /belong to the guest/, /bit 2: Descriptor-table exiting = 0$/],
  ["sgdt", "nop", "sgdt [9000h]", "trap-and-emulate", "runs", /does not trap.*silently/, /CPL 1/],
  ["vmcall", "nop", "vmcall", "vtx-ept", "leaves", /always leaves/, /unconditional/],
  ["popfd", "pushfd", "popfd", "binary-translation", "runs", /in place of POPFD/, /translation unit/],
  ["int 0x30", "nop", "int 30h", "trap-and-emulate", "leaves", /gates of the VMM's IDT/, /DPL 0 < CPL 1/],
  ["mov edi, 5", "nop", "mov edi, 5", "vtx-ept", "runs", /stays in the guest/, /no control exists/],
];

describe("what becomes of the instruction about to run, and why", () => {
  test.each(rows)("%s (%s) %s under %s: %s", (what, before, body, technique, outcome, sentence, rule) => {
    const machine = reach(machineWith(protectedMode(`${before}\n${body}`), { technique }), technique, what);
    const bytes = machine.bytes.slice();
    const { lastSequence } = machine;
    const outlook = machine.why()!;
    expect({ outcome: outlook.outcome, sensitive: outlook.sensitive }).toEqual({
      outcome,
      sensitive: what !== "mov edi, 5",
    });
    expect(outlook.why.sentence).toMatch(sentence);
    expect(outlook.why.rule).toMatch(rule);
    expect(machine.lastSequence).toBe(lastSequence);
    expect(Buffer.compare(machine.bytes, bytes)).toBe(0);
  });

  test.each(rows.filter(([, , , technique]) => technique === "vtx-ept"))(
    "%s (%s) %s: what happens then is what was said",
    (what, before, body, technique, outcome) => {
      const machine = reach(machineWith(protectedMode(`${before}\n${body}`), { technique }), technique, what);
      // Pages that the instruction is the first to touch leave the guest for reasons of their own.
      do machine.step();
      while (machine.pendingExit?.kind === "exit" && machine.pendingExit.reason === "EPT_VIOLATION" && machine.step());
      expect(machine.pendingExit !== undefined).toBe(outcome === "leaves");
    },
  );

  test("of an exit that is pending it tells why it exited", () => {
    const machine = reach(machineWith(protectedMode("hlt"), { technique: "vtx-ept" }), "vtx-ept", "hlt");
    while (machine.pendingExit?.kind !== "exit" || machine.pendingExit.reason !== "HLT") machine.step();
    expect(machine.why()).toMatchObject({ outcome: "leaves", why: machine.pendingExit.why });
  });

  test("nothing where no instruction can be fetched", () => {
    const machine = machineWith("bits 64\norg 8000h\nmov rax, 1 << 40\njmp rax");
    machine.run({ steps: 2 });
    expect(machine.why()).toBeUndefined();
  });
});
