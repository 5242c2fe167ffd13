import type { Algebra, Value } from "../algebra.ts";
import type { Family } from "../family.ts";
import { type Row, type RowFacts, row, type Semantics } from "../instruction.ts";
import { type FarPointer, type Memory, type Operand, type Relative, valueWidth } from "../operands.ts";
import type { Width } from "../registers.ts";

/** What an instruction does on a processor that never executes it: its row has a `feature` that ours does not. */
export const absent: Semantics = (m) => m.raise("UD");

/** Sizes of the operands that are not bytes. */
export const words = [16, 32, 64] as const;
export type Word = (typeof words)[number];

/** Writes rows of one family. */
export const rowsOf =
  (family: Family) =>
  (opcode: string, syntax: string, facts: RowFacts): Row =>
    row(family, opcode, syntax, facts);

/** The accumulator, by width. */
export const accumulator = { 8: "AL", 16: "AX", 32: "EAX", 64: "RAX" } as const;

/** How an immediate of a word operation is written and encoded: 64-bit operations sign-extend 32 bits. */
export const immediate = {
  16: { code: "iw", syntax: "imm16" },
  32: { code: "id", syntax: "imm32" },
  64: { code: "id", syntax: "simm32" },
} as const;

/** Two upper-case hexadecimal digits, as opcodes are written. */
export const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");

/** A 64-bit operand size exists in 64-bit mode only. */
export const modesOf = (width: Width): { readonly modes: "all" | "only-64" } => ({
  modes: width === 64 ? "only-64" : "all",
});

/** The operand as the kind that the row's syntax promises. */
export function memory(operand: Operand): Memory {
  if (operand.kind !== "memory") throw new TypeError(`expected a memory operand, not a ${operand.kind}`);
  return operand;
}

export function relative(operand: Operand): Relative {
  if (operand.kind !== "relative") throw new TypeError(`expected a branch target, not a ${operand.kind} operand`);
  return operand;
}

export function far(operand: Operand): FarPointer {
  if (operand.kind !== "far") throw new TypeError(`expected a far pointer, not a ${operand.kind} operand`);
  return operand;
}

/** The address `bytes` further on, wrapping at its width. */
export const offsetBy = (m: Algebra, address: Value, bytes: number): Value =>
  m.add(address, m.constant(address.width, bytes));

/** The value at another width: cut, or extended with zeros. */
export function resize(m: Algebra, value: Value, width: Width): Value {
  if (value.width === width) return value;
  return value.width > width ? m.truncate(value, width) : m.zeroExtend(value, width);
}

/** Width of a value that is no truth value. */
export function widthOf(value: Value): Width {
  if (value.width === 1) throw new TypeError("expected a value of 8 bits or more");
  return value.width;
}

/** Width of a register or memory operand that has one. */
export function operandWidth(operand: Operand): Width {
  if (operand.kind !== "register" && operand.kind !== "memory")
    throw new TypeError(`expected a register or memory operand, not a ${operand.kind}`);
  return valueWidth(operand);
}

/** Two 32-bit registers as one value of 64 bits. */
export const registerPair = (m: Algebra, high: number, low: number): Value =>
  m.or(m.shiftLeft(m.zeroExtend(m.register(high, 32), 64), m.constant(64, 32)), m.zeroExtend(m.register(low, 32), 64));

/** Splits a value of 64 bits into two 32-bit registers. */
export function setRegisterPair(m: Algebra, high: number, low: number, value: Value): void {
  m.setRegister(low, m.truncate(value, 32));
  m.setRegister(high, m.truncate(m.shiftRight(value, m.constant(64, 32)), 32));
}

export const isNotZero = (m: Algebra, value: Value): Value => m.not(m.isZero(value));
export const highestBitOf = (m: Algebra, value: Value): Value => m.bit(value, value.width - 1);
