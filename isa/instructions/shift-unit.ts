import type { Algebra, Value } from "../algebra.ts";
import type { Operand } from "../operands.ts";
import type { Width } from "../registers.ts";
import { isNotZero, resize, widthOf } from "./forms.ts";

/** What a shift by a count of at least one gives: a value of the operand's width, and two of width 1. */
export interface Shifted {
  readonly result: Value;
  readonly carry: Value;
  readonly overflow: Value;
}

/** Shifts `value` of `width` bits by `count`, which is not zero and has the width of the shift unit. */
export type Shift = (m: Algebra, value: Value, count: Value, width: Width) => Shifted;

/** Bytes and words: narrower than the shift unit, so that counts may exceed their width. */
export const isWord = (width: Width): width is 8 | 16 => width < 32;

/** The shift unit is 32 or 64 bits wide. */
export const unitOf = (width: Width): 32 | 64 => (width === 64 ? 64 : 32);

export const minusOne = (m: Algebra, count: Value): Value => m.subtract(count, m.constant(count.width, 1));

/**
 * Calls `shift` with the count, taken modulo 32 (64 for 64-bit operands), as wide as the shift unit. By zero nothing
 * changes, except that in 64-bit mode a 32-bit register is zero-extended as by any write.
 */
export function byCount(
  m: Algebra,
  destination: Operand,
  value: Value,
  by: Operand,
  shift: (count: Value) => void,
): void {
  const unit = unitOf(widthOf(value));
  const count = m.and(m.read(by), m.constant(8, unit - 1));
  const extends64 = m.instruction.bits === 64 && destination.kind === "register" && destination.width === 32;
  m.when(
    isNotZero(m, count),
    () => shift(resize(m, count, unit)),
    extends64 ? () => m.write(destination, value) : undefined,
  );
}
