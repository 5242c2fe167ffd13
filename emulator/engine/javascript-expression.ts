import type { Value } from "../../isa/algebra.ts";
import type { Width } from "../../isa/registers.ts";
import { checkSse } from "../cpu/fpu/availability.ts";

/**
 * A value as text of a JavaScript expression that has no effects and costs nothing to repeat. Widths up to 16 are unsigned
 * numbers, 32 an int32, 64 an unsigned bigint, 1 is 0 or 1.
 */
export interface Text extends Value {
  readonly text: string;
  /** Width 1 only: the text is a JavaScript boolean, not 0 or 1. */
  readonly truth?: boolean;
  /** It is the high half of the 64-bit value of this text. */
  readonly highOf?: string;
}

/** What `Algebra` computes, as expressions. `s32` and `s64` are two views of the same eight bytes of scratch. */
export type Binary = (a: Text, b: Text) => string;

export const textOf = (value: Value): string => {
  const { text, truth } = value as Text;
  return truth ? `(${text} ? 1 : 0)` : text;
};

/** As a condition. */
export const truthOf = (value: Value): string => {
  const { text, truth } = value as Text;
  return truth ? text : `${text} !== 0`;
};

const maskOf = (width: Width | 1): number => 2 ** width - 1;

/** Wraps an expression that may have left the width. */
function wrap(width: Width | 1, text: string): string {
  if (width === 64) return `BigInt.asUintN(64, ${text})`;
  return width === 32 ? `(${text}) | 0` : `(${text}) & ${maskOf(width)}`;
}

/** As a number with the sign of the width's top bit. */
function signed({ width, text }: Text): string {
  if (width === 64) return `BigInt.asIntN(64, ${text})`;
  return width === 32 ? text : `(${text} << ${32 - width} >> ${32 - width})`;
}

/** As a number that is never negative. */
const unsigned = ({ width, text }: Text): string => (width === 32 ? `(${text} >>> 0)` : text);

const operator =
  (symbol: string): Binary =>
  (a, b) =>
    wrap(a.width, `${textOf(a)} ${symbol} ${textOf(b)}`);

export const add = operator("+");
export const subtract = operator("-");
export const and = operator("&");
export const or = operator("|");
export const xor = operator("^");
export const multiply: Binary = (a, b) =>
  a.width === 64 ? wrap(64, `${a.text} * ${b.text}`) : wrap(a.width, `Math.imul(${a.text}, ${b.text})`);
export const multiplyHigh = (a: Text, b: Text, isSigned: boolean): string =>
  `${isSigned ? "signedHigh" : "unsignedHigh"}(${a.text}, ${b.text})`;

const dividing =
  (symbol: string) =>
  (a: Text, b: Text, isSigned: boolean): string => {
    const as = isSigned ? signed : unsigned;
    return wrap(a.width, `${as(a)} ${symbol} ${as(b)}`);
  };
export const divide = dividing("/");
export const remainder = dividing("%");

const allOnes = `${2n ** 64n - 1n}n`;

// For bigints V8 has quick code for two-operand operations only.
export function not(a: Text): string {
  if (a.width === 1) return `${textOf(a)} ^ 1`;
  return a.width === 64 ? wrap(64, `${a.text} ^ ${allOnes}`) : wrap(a.width, `~${a.text}`);
}
export const negate = (a: Text): string => wrap(a.width, a.width === 64 ? `0n - ${a.text}` : `-${a.text}`);
/** For shifts of bigints by an unknown count V8 has no quick code: they go by halves. */
const shifting =
  (wide: string, narrow: Binary): Binary =>
  (a, b) =>
    a.width === 64 ? `${wide}(${a.text}, ${countOf(b)})` : narrow(a, b);

/** A 64-bit count as a number. */
const countOf = ({ text }: Text): string => (/^\d+n$/.test(text) ? text.slice(0, -1) : `(s64[0] = ${text}, s32[0])`);
export const shiftLeft = shifting("shiftedLeft", operator("<<"));
export const shiftRight = shifting("shiftedRight", (a, b) =>
  a.width === 32 ? `${a.text} >>> ${b.text} | 0` : `${a.text} >> ${b.text}`,
);
export const shiftRightSigned = shifting("shiftedRightSigned", (a, b) => wrap(a.width, `${signed(a)} >> ${b.text}`));

// Comparisons: JavaScript booleans.
export const equal: Binary = (a, b) => `${textOf(a)} === ${textOf(b)}`;
export const lessUnsigned: Binary = (a, b) => `${unsigned(a)} < ${unsigned(b)}`;
export const lessSigned: Binary = (a, b) => `${signed(a)} < ${signed(b)}`;
export const isZero = (a: Text): string =>
  a.width === 64 ? `${a.text} === 0n` : a.truth ? `!${a.text}` : `${a.text} === 0`;

export const bit = (a: Text, index: number): string => {
  if (a.width !== 64) return `${textOf(a)} >>> ${index} & 1`;
  return `(s64[0] = ${a.text}, s32[${index >> 5}] >>> ${index & 31} & 1)`;
};

export function zeroExtend(a: Text, width: Width): string {
  if (width === 64 && a.width !== 64) return `(s32[0] = ${textOf(a)}, s32[1] = 0, s64[0])`;
  return textOf(a);
}

export function signExtend(a: Text, width: Width): string {
  const from = a.width === 1 ? `-${textOf(a)}` : signed(a);
  if (a.width === width) return textOf(a);
  if (width === 64) return `(s32[0] = ${from}, s32[1] = s32[0] >> 31, s64[0])`;
  return width === 32 ? from : wrap(width, from);
}

const highHalf = (text: string): string => `(s64[0] = ${text}, s32[1])`;

export function truncate(a: Text, width: Width | 1): string {
  if (a.width === width) return textOf(a);
  const low = a.highOf ? highHalf(a.highOf) : a.width === 64 ? `(s64[0] = ${a.text}, s32[0])` : textOf(a);
  return width === 32 ? low : wrap(width, low);
}

export const select = (condition: Value, a: Text, b: Text): string =>
  `${truthOf(condition)} ? ${textOf(a)} : ${textOf(b)}`;

/** Of a nonzero value. The 64-bit forms look at the halves. */
export function lowestBit(a: Text): string {
  const lowest = (of: string): string => `31 - Math.clz32(${of} & -${of})`;
  if (a.width !== 64) return lowest(a.text);
  return `(s64[0] = ${a.text}, s32[0] = s32[0] !== 0 ? ${lowest("s32[0]")} : 32 + ${lowest("s32[1]")}, s32[1] = 0, s64[0])`;
}

export function highestBit(a: Text): string {
  const highest = (of: string): string => `31 - Math.clz32(${of})`;
  if (a.width !== 64) return highest(a.text);
  return `(s64[0] = ${a.text}, s32[0] = s32[1] !== 0 ? 32 + ${highest("s32[1]")} : ${highest("s32[0]")}, s32[1] = 0, s64[0])`;
}

/** Count of ones, by the free function `ones` of an int32. */
export const bitCount = (a: Text): string =>
  a.width === 64 ? `(s64[0] = ${a.text}, s32[0] = ones(s32[0]) + ones(s32[1]), s32[1] = 0, s64[0])` : `ones(${a.text})`;

/** Bytes reversed, by the free function `swapped` of an int32. */
export function byteSwap(a: Text): string {
  if (a.width === 32) return `swapped(${a.text})`;
  if (a.width === 16) return `swapped(${a.text}) >>> 16`;
  return a.width === 8 ? a.text : `(s64[0] = ${a.text}, s64[0] = pair(swapped(s32[1]), swapped(s32[0])))`;
}

const s64 = new BigUint64Array(1);
const s32 = new Int32Array(s64.buffer);

function ones(value: number): number {
  const pairs = value - ((value >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

const swapped = (value: number): number =>
  (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);

function pair(low: number, high: number): bigint {
  s32[0] = low;
  s32[1] = high;
  return s64[0]!;
}

function shiftedLeft(value: bigint, count: number): bigint {
  s64[0] = value;
  const low = s32[0]!;
  if (count >= 32) return pair(0, low << count);
  return count === 0 ? value : pair(low << count, (s32[1]! << count) | (low >>> -count));
}

function shiftedRight(value: bigint, count: number): bigint {
  s64[0] = value;
  const high = s32[1]!;
  if (count >= 32) return pair(high >>> count, 0);
  return count === 0 ? value : pair((s32[0]! >>> count) | (high << -count), high >>> count);
}

function shiftedRightSigned(value: bigint, count: number): bigint {
  s64[0] = value;
  const high = s32[1]!;
  if (count >= 32) return pair(high >> count, high >> 31);
  return count === 0 ? value : pair((s32[0]! >>> count) | (high << -count), high >> count);
}

/** High half of an unsigned product of 32 bits, unsigned, by halves of 16 bits. */
function highWord(a: number, b: number): number {
  const aLow = a & 0xffff;
  const bLow = b & 0xffff;
  const aHigh = a >>> 16;
  const bHigh = b >>> 16;
  const middle = Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16);
  const other = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) >>> 0) + (middle >>> 16) + (other >>> 16);
}

const two32 = 4294967296;
const signBit = 2n ** 63n;

/** High half of an unsigned product of 64 bits, by halves of 32: V8 has no quick code for bigints of 128 bits. */
function unsignedHigh(a: bigint, b: bigint): bigint {
  s64[0] = a;
  const aLow = s32[0]!;
  const aHigh = s32[1]!;
  s64[0] = b;
  const bLow = s32[0]!;
  const bHigh = s32[1]!;
  const middle = highWord(aLow, bLow) + (Math.imul(aLow, bHigh) >>> 0) + (Math.imul(aHigh, bLow) >>> 0);
  const carries = highWord(aLow, bHigh) + highWord(aHigh, bLow) + Math.floor(middle / two32);
  const low = (Math.imul(aHigh, bHigh) >>> 0) + carries;
  return pair(low, highWord(aHigh, bHigh) + Math.floor(low / two32));
}

/** A signed product differs by the operands that stand opposite a negative one. */
function signedHigh(a: bigint, b: bigint): bigint {
  const high = unsignedHigh(a, b);
  const once = (a & signBit) === 0n ? high : BigInt.asUintN(64, high - b);
  return (b & signBit) === 0n ? once : BigInt.asUintN(64, once - a);
}

/** What the expressions name beside their values. */
export const freeNames = {
  s32,
  s64,
  ones,
  swapped,
  pair,
  shiftedLeft,
  shiftedRight,
  shiftedRightSigned,
  unsignedHigh,
  signedHigh,
  checkSse,
} as const;
