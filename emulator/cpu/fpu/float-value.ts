/**
 * A floating-point value taken apart, of any precision. A finite value is (-1)^sign × significand × 2^exponent, exactly,
 * or, with `sticky`, that and a little more in magnitude (less than one unit of the last place of the significand).
 */
export interface FloatValue {
  readonly class: "zero" | "finite" | "infinity" | "quiet" | "signaling" | "unsupported";
  readonly sign: 0 | 1;
  /** Of a NaN: its 64-bit significand in the extended format, integer bit included. */
  readonly significand: bigint;
  readonly exponent: number;
  readonly sticky: boolean;
  /** It came from a denormal encoding. */
  readonly denormal: boolean;
}

/** Exception flags, at their bits in the x87 status word and in MXCSR. */
export const exception = {
  invalid: 1,
  denormal: 2,
  zeroDivide: 4,
  overflow: 8,
  underflow: 16,
  precision: 32,
} as const;

/** Rounding control, by its number in the control words. */
export type Rounding = 0 | 1 | 2 | 3;
export const rounding = { nearest: 0, down: 1, up: 2, truncate: 3 } as const;

/** All values are made here, alike in shape. */
const make = (
  kind: FloatValue["class"],
  sign: 0 | 1,
  significand: bigint,
  exponent: number,
  sticky: boolean,
  isDenormal: boolean,
): FloatValue => ({ class: kind, sign, significand, exponent, sticky, denormal: isDenormal });

export const zero = (sign: 0 | 1): FloatValue => make("zero", sign, 0n, 0, false, false);
export const infinity = (sign: 0 | 1): FloatValue => make("infinity", sign, 0n, 0, false, false);
export const finite = (sign: 0 | 1, significand: bigint, exponent: number, sticky = false): FloatValue =>
  significand === 0n && !sticky ? zero(sign) : make("finite", sign, significand, exponent, sticky, false);
export const denormal = (sign: 0 | 1, significand: bigint, exponent: number): FloatValue =>
  make("finite", sign, significand, exponent, false, true);

const quietBit = 1n << 62n;
/** A NaN from its 64-bit significand; the quiet bit says of which kind. */
export const nan = (sign: 0 | 1, significand: bigint): FloatValue =>
  make((significand & quietBit) === 0n ? "signaling" : "quiet", sign, significand, 0, false, false);
export const unsupported: FloatValue = make("unsupported", 0, 0n, 0, false, false);
/** The NaN that invalid operations give: negative, quiet, no payload. */
export const indefinite: FloatValue = nan(1, 3n << 62n);

export const isNan = ({ class: kind }: FloatValue): boolean => kind === "quiet" || kind === "signaling";
export const quieted = (value: FloatValue): FloatValue =>
  value.class === "signaling" ? nan(value.sign, value.significand | quietBit) : value;
export const withSign = (value: FloatValue, sign: 0 | 1): FloatValue =>
  make(value.class, sign, value.significand, value.exponent, value.sticky, value.denormal);
export const negated = (value: FloatValue): FloatValue => withSign(value, value.sign === 0 ? 1 : 0);

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);

/** Number of bits of a non-negative integer; 0 for 0. */
export function bitLength(value: bigint): number {
  number[0] = Number(value);
  const exponent = words[1]! >>> 20;
  if (exponent === 0) return 0;
  if (exponent === 0x7ff) return 512 + bitLength(value >> 512n);
  const length = exponent - 1022;
  // A power of two may come from a number a little below it.
  const rounded = (words[1]! & 0xf_ffff) === 0 && words[0] === 0;
  return rounded && value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** Exponent of the leading bit of a finite value. */
export const magnitude = ({ significand, exponent }: FloatValue): number => exponent + bitLength(significand) - 1;
