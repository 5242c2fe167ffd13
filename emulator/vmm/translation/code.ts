import { select } from "../../../isa/encode.ts";
import { registerNamed } from "../../../isa/registers.ts";
import type { WrittenMemory, WrittenOperand } from "../../../isa/statement.ts";

/** Operands of the instructions that the translator writes itself. */
export type Operand = WrittenOperand;

const named = (name: string) => {
  const register = registerNamed(name);
  if (!register) throw new Error(`no register ${name}`);
  return register;
};

export const register = (name: string): Operand => ({ kind: "register", register: named(name) });
export const number = (value: number): Operand => ({
  kind: "number",
  value: BigInt.asUintN(32, BigInt(value)),
  size: 32,
  strict: true,
});
export const byteNumber = (value: number): Operand => ({ kind: "number", value: BigInt(value) });

interface Parts {
  readonly base?: string;
  readonly index?: string;
  readonly scale?: number;
  readonly displacement?: number;
  readonly segment?: "gs";
  readonly size?: 8 | 16 | 32;
}

export function memory({ base, index, scale = 1, displacement = 0, segment, size }: Parts): WrittenMemory {
  return {
    kind: "memory",
    ...(size && { size }),
    ...(segment && { segment }),
    ...(base && { base: named(base) }),
    ...(index && { index: named(index), scale }),
    displacement: BigInt(displacement),
  };
}

/** The VMM's data. */
export const vmm = (
  displacement: number,
  size: 8 | 16 | 32 = 32,
  parts: Omit<Parts, "segment" | "size"> = {},
): Operand => memory({ ...parts, displacement, size, segment: "gs" });

/** The machine code of an instruction of 32-bit code. */
export function code(mnemonic: string, ...operands: readonly Operand[]): readonly number[] {
  const encoded = select({ mnemonic, operands }, { bits: 32 });
  if (encoded.kind === "refusal") throw new Error(`the translator's own ${mnemonic}: ${encoded.message}`);
  return [...encoded.bytes];
}

const bytes32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Bytes of the jumps that are patched. */
export const jumpBytes = 5;
/** UD2: raises #UD, which is the VMM's. */
export const trapCode = [0x0f, 0x0b] as const;
/** The same, with room for a jump in its place. */
export const longTrapCode = [...trapCode, 0x90, 0x90, 0x90] as const;

/** JMP rel32 at `at`. */
export const jumpCode = (at: number, target: number): readonly number[] => [
  0xe9,
  ...bytes32(target - (at + jumpBytes)),
];
/** Jcc rel32; `condition` is the low half of the opcode. */
export const conditionalCode = (condition: number, at: number, target: number): readonly number[] => [
  0x0f,
  0x80 | condition,
  ...bytes32(target - (at + 6)),
];
