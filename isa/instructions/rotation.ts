import type { Algebra, Value } from "../algebra.ts";
import type { Width } from "../registers.ts";
import { highestBitOf, resize } from "./forms.ts";
import { isWord, type Shift, type Shifted, unitOf } from "./shift-unit.ts";

/** Bytes and words rotate by the count modulo their width; doublewords and quadwords have it below their width already. */
const moduloWidth = (m: Algebra, count: Value, width: Width): Value =>
  width < 32 ? m.and(count, m.constant(count.width, width - 1)) : count;

const from = (m: Algebra, whole: number, count: Value): Value => m.subtract(m.constant(count.width, whole), count);

export const rotateLeft: Shift = (m, value, count, width) => {
  const wide = resize(m, value, unitOf(width));
  const by = moduloWidth(m, count, width);
  const result = m.truncate(m.or(m.shiftLeft(wide, by), m.shiftRight(wide, from(m, width, by))), width);
  const carry = m.bit(result, 0);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), carry) };
};

export const rotateRight: Shift = (m, value, count, width) => {
  const wide = resize(m, value, unitOf(width));
  const by = moduloWidth(m, count, width);
  const result = m.truncate(m.or(m.shiftRight(wide, by), m.shiftLeft(wide, from(m, width, by))), width);
  const carry = highestBitOf(m, result);
  return { result, carry, overflow: m.xor(carry, m.bit(result, width - 2)) };
};

/** The number of `width + 1` bits that CF and a byte or word make, to be rotated modulo its length. */
function withCarry(m: Algebra, value: Value, count: Value, width: Width) {
  const carry = m.shiftLeft(m.zeroExtend(m.flags.get("CF"), 32), m.constant(32, width));
  const by = m.remainder(count, m.constant(32, width + 1), false);
  return { whole: m.or(carry, m.zeroExtend(value, 32)), by };
}

const split = (m: Algebra, whole: Value, width: Width) => ({
  result: m.truncate(whole, width),
  carry: m.bit(whole, width),
});

function left(m: Algebra, value: Value, count: Value, width: Width): Omit<Shifted, "overflow"> {
  if (isWord(width)) {
    const { whole, by } = withCarry(m, value, count, width);
    return split(m, m.or(m.shiftLeft(whole, by), m.shiftRight(whole, from(m, width + 1, by))), width);
  }
  const one = m.constant(width, 1);
  const rest = from(m, width, count);
  const carryIn = m.shiftLeft(m.zeroExtend(m.flags.get("CF"), width), m.subtract(count, one));
  const around = m.shiftRight(m.shiftRight(value, one), rest);
  return {
    result: m.or(m.or(m.shiftLeft(value, count), carryIn), around),
    carry: m.truncate(m.shiftRight(value, rest), 1),
  };
}

function right(m: Algebra, value: Value, count: Value, width: Width): Omit<Shifted, "overflow"> {
  if (isWord(width)) {
    const { whole, by } = withCarry(m, value, count, width);
    return split(m, m.or(m.shiftRight(whole, by), m.shiftLeft(whole, from(m, width + 1, by))), width);
  }
  const one = m.constant(width, 1);
  const rest = from(m, width, count);
  const carryIn = m.shiftLeft(m.zeroExtend(m.flags.get("CF"), width), rest);
  const around = m.shiftLeft(m.shiftLeft(value, one), rest);
  return {
    result: m.or(m.or(m.shiftRight(value, count), carryIn), around),
    carry: m.truncate(m.shiftRight(value, m.subtract(count, one)), 1),
  };
}

export const rotateLeftThroughCarry: Shift = (m, value, count, width) => {
  const { result, carry } = left(m, value, count, width);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), carry) };
};

export const rotateRightThroughCarry: Shift = (m, value, count, width) => {
  const { result, carry } = right(m, value, count, width);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), m.bit(result, width - 2)) };
};
