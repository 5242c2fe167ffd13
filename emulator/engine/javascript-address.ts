import type { Value } from "../../isa/algebra.ts";
import type { Memory } from "../../isa/operands.ts";
import { layout } from "../cpu/layout.ts";
import type { JavaScriptArithmetic } from "./javascript-arithmetic.ts";
import { textOf } from "./javascript-expression.ts";

const ripWord = layout.rip >> 2;
const two32 = 4294967296;

/** Text of the signed number in the 64-bit register whose low word is at `word`. */
export const signedWord = (word: string | number): string => `(r32[${word} + 1] * ${two32} + u32[${word}])`;

const displacementOf = (operand: Memory, popped: number): string =>
  popped !== 0 && operand.base === 4 ? `d.displacement + ${popped}` : "d.displacement";

/** Text of the signed number that a 64-bit value stands for. */
const signedValue = (value: Value): string => `(s64[0] = ${textOf(value)}, s32[1] * ${two32} + (s32[0] >>> 0))`;

/** An address as memory accesses want it. */
export function offsetOf(address: Value): string {
  if (address.width === 64) return signedValue(address);
  return address.width === 32 ? `${textOf(address)} >>> 0` : textOf(address);
}

/** Computes an operand's offset as memory accesses want it, and gives its name. A base of rSP counts as moved by `popped` bytes. */
export const offsetText = (m: JavaScriptArithmetic, operand: Memory, popped: number): string =>
  operand.addressSize === 64 ? wideOffset(m, operand, popped) : narrowOffset(m, operand, popped);

function narrowOffset(m: JavaScriptArithmetic, operand: Memory, popped: number): string {
  const parts = [displacementOf(operand, popped)];
  if (operand.ripRelative) parts.push(`r32[${ripWord}]`);
  if (operand.base !== undefined) parts.push("r32[d.base]");
  if (operand.index !== undefined) parts.push("(r32[d.index] << d.scale)");
  const wrap = operand.addressSize === 16 ? "& 0xffff" : ">>> 0";
  return m.temporary(operand.addressSize, `(${parts.join(" + ")}) ${wrap}`).text;
}

/**
 * A 64-bit offset as a signed number. Without an index a double is good enough: where it rounds, the sum is not
 * canonical anyway.
 */
function wideOffset(m: JavaScriptArithmetic, operand: Memory, popped: number): string {
  if (operand.index !== undefined) {
    const { low, high } = halves(m, operand, popped);
    return m.temporary(64, `${high} * ${two32} + (${low} >>> 0)`).text;
  }
  const parts = [displacementOf(operand, popped)];
  if (operand.ripRelative) parts.push(signedWord(ripWord));
  if (operand.base !== undefined) parts.push(signedWord("d.base"));
  return m.temporary(64, parts.join(" + ")).text;
}

/** The halves of a 64-bit address: a number whose low 32 bits are the low half, and an int32. */
export function halves(
  m: JavaScriptArithmetic,
  operand: Memory,
  popped: number,
): { readonly low: string; readonly high: string } {
  const lows = [displacementOf(operand, popped)];
  const highs: string[] = [];
  if (operand.ripRelative) {
    lows.push(`u32[${ripWord}]`);
    highs.push(`r32[${ripWord + 1}]`);
  }
  if (operand.base !== undefined) {
    lows.push("u32[d.base]");
    highs.push("r32[d.base + 1]");
  }
  if (operand.index !== undefined) {
    lows.push("u32[d.index] * (1 << d.scale)");
    highs.push("(r32[d.index + 1] << d.scale)");
  }
  const low = m.temporary(64, lows.join(" + ")).text;
  const high = [...highs, `Math.floor(${low} / ${two32})`].join(" + ");
  return { low, high: m.temporary(32, `${high} | 0`).text };
}
