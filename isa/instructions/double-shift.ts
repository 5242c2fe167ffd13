import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { hex, highestBitOf, modesOf, resize, rowsOf, widthOf, words } from "./forms.ts";
import { byCount, isWord, minusOne, type Shifted } from "./shift-unit.ts";

const row = rowsOf("shift");

/** Shifts `value`, filling from the register value `from`. */
type DoubleShift = (m: Algebra, value: Value, from: Value, count: Value) => Shifted;

/**
 * Words by more than 16, which the manual leaves undefined and processors do differently, go on with the destination's
 * own bits: so destination, source and destination stand in a row.
 */
const wordsInARow = (m: Algebra, value: Value, from: Value): Value => {
  const at = (word: Value, bit: number) => m.shiftLeft(m.zeroExtend(word, 64), m.constant(64, bit));
  return m.or(m.or(at(value, 32), at(from, 16)), m.zeroExtend(value, 64));
};

const left: DoubleShift = (m, value, from, count) => {
  const width = widthOf(value);
  if (isWord(width)) {
    const shifted = m.shiftLeft(wordsInARow(m, value, from), resize(m, count, 64));
    const result = m.truncate(m.shiftRight(shifted, m.constant(64, 32)), 16);
    const carry = m.bit(shifted, 48);
    return { result, carry, overflow: m.xor(highestBitOf(m, result), carry) };
  }
  const rest = m.subtract(m.constant(width, width), count);
  const result = m.or(m.shiftLeft(value, count), m.shiftRight(from, rest));
  const carry = m.truncate(m.shiftRight(value, rest), 1);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), carry) };
};

const right: DoubleShift = (m, value, from, count) => {
  const width = widthOf(value);
  if (isWord(width)) {
    const almost = m.shiftRight(wordsInARow(m, value, from), minusOne(m, resize(m, count, 64)));
    const result = m.truncate(m.shiftRight(almost, m.constant(64, 1)), 16);
    return { result, carry: m.bit(almost, 0), overflow: m.xor(highestBitOf(m, result), m.bit(result, 14)) };
  }
  const rest = m.subtract(m.constant(width, width), count);
  const result = m.or(m.shiftRight(value, count), m.shiftLeft(from, rest));
  const carry = m.truncate(m.shiftRight(value, minusOne(m, count)), 1);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), m.bit(result, width - 2)) };
};

const shiftBy =
  (shift: DoubleShift): Semantics =>
  (m, destination, source, by) => {
    const value = m.read(destination);
    const from = m.read(source);
    byCount(m, destination, value, by, (count) => {
      const { result, carry, overflow } = shift(m, value, from, count);
      m.write(destination, result);
      m.flags.ofShift(result, carry, overflow);
    });
  };

const doubleShift = (opcode: number, mnemonic: string, facts: RowFacts): Row[] =>
  words.flatMap((width) => [
    row(`0F ${hex(opcode)} /r ib`, `${mnemonic} r/m${width}, r${width}, imm8`, { ...facts, ...modesOf(width) }),
    row(`0F ${hex(opcode + 1)} /r`, `${mnemonic} r/m${width}, r${width}, CL`, { ...facts, ...modesOf(width) }),
  ]);

export const doubleShifts: readonly Row[] = [
  ...doubleShift(0xa4, "SHLD", {
    doc: "Shifts the destination to the left, filling from the high bits of the source.",
    undefinedFlags: ["AF", "OF"],
    semantics: shiftBy(left),
  }),
  ...doubleShift(0xac, "SHRD", {
    doc: "Shifts the destination to the right, filling from the low bits of the source.",
    undefinedFlags: ["AF", "OF"],
    semantics: shiftBy(right),
  }),
];
