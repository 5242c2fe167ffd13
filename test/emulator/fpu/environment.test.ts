import { describe, expect, it } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { type Bits, codeAt, createProcessor } from "../../support/processor.ts";

const dataAt = 0x3000;

/** The environment that FNSTENV stores after an instruction with memory and a division by zero that is not masked. */
function environment(bits: Bits, base: number, prefix: "" | "o16 " | "o32 "): number[] {
  const source = `bits ${bits}
org ${codeAt}
fninit
mov word [${dataAt}], 37Bh
fldcw [${dataAt}]
fldz
fld1
fdiv dword [${dataAt + 16}]
${prefix}fnstenv [${dataAt}]
`;
  const { bytes, problems } = assemble({ file: "test.asm", text: source });
  expect(problems).toEqual([]);
  const { cpu, engine } = createProcessor({ bits, code: bytes, base });
  for (let steps = 0; steps < 7; steps++) engine.interpret();
  expect(cpu.rip).toBe(codeAt + bytes.length);
  expect(cpu.u32[layout.x87Control >> 2]).toBe(0x37f);
  const wide = prefix === "o32 " || (prefix === "" && bits === 32);
  const at = ramBase + base + dataAt;
  return Array.from({ length: 7 }, (_, n) =>
    wide ? cpu.view.getUint32(at + 4 * n, true) : cpu.view.getUint16(at + 2 * n, true),
  );
}

/** Where FDIV is: after FNINIT, MOV, FLDCW, FLDZ and FLD1. */
const dividesAt = { 16: codeAt + 2 + 6 + 4 + 2 + 2, 32: codeAt + 2 + 9 + 6 + 2 + 2 } as const;
const operand = dataAt + 16;
/** D8 /6 with an address of the mode's size. */
const opcode = { 16: 0x036, 32: 0x035 } as const;

// SDM Vol. 1, figures 8-9 to 8-12.
describe("FNSTENV", () => {
  it("in 32-bit protected mode", () => {
    expect(environment(32, 0, "")).toEqual([
      0xffff_037b,
      0xffff_b084,
      0xffff_4fff,
      dividesAt[32],
      (opcode[32] << 16) | 8,
      operand,
      0xffff_0010,
    ]);
  });

  it("in 16-bit format in protected mode", () => {
    expect(environment(32, 0, "o16 ")).toEqual([0x037b, 0xb084, 0x4fff, dividesAt[32], 8, operand, 0x10]);
  });

  it("in real-address mode, with linear addresses", () => {
    const linear = 0x2_0000 + dividesAt[16];
    expect(environment(16, 0x2_0000, "")).toEqual([
      0x037b,
      0xb084,
      0x4fff,
      linear & 0xffff,
      (2 << 12) | opcode[16],
      operand,
      2 << 12,
    ]);
  });

  it("in 32-bit format in real-address mode", () => {
    const linear = 0x2_0000 + dividesAt[16];
    expect(environment(16, 0x2_0000, "o32 ")).toEqual([
      0xffff_037b,
      0xffff_b084,
      0xffff_4fff,
      0xffff_0000 + (linear & 0xffff),
      (2 << 12) | opcode[16],
      0xffff_0000 + operand,
      2 << 12,
    ]);
  });
});
