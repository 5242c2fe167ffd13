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

const blank = { significand: 0n, exponent: 0, sticky: false, denormal: false } as const;

export const zero = (sign: 0 | 1): FloatValue => ({ ...blank, class: "zero", sign });
export const infinity = (sign: 0 | 1): FloatValue => ({ ...blank, class: "infinity", sign });
export const finite = (sign: 0 | 1, significand: bigint, exponent: number, sticky = false): FloatValue =>
  significand === 0n && !sticky
    ? zero(sign)
    : { class: "finite", sign, significand, exponent, sticky, denormal: false };
export const denormal = (sign: 0 | 1, significand: bigint, exponent: number): FloatValue => ({
  class: "finite",
  sign,
  significand,
  exponent,
  sticky: false,
  denormal: true,
});

const quietBit = 1n << 62n;
/** A NaN from its 64-bit significand; the quiet bit says of which kind. */
export const nan = (sign: 0 | 1, significand: bigint): FloatValue => ({
  ...blank,
  class: (significand & quietBit) === 0n ? "signaling" : "quiet",
  sign,
  significand,
});
export const unsupported: FloatValue = { ...blank, class: "unsupported", sign: 0 };
/** The NaN that invalid operations give: negative, quiet, no payload. */
export const indefinite: FloatValue = nan(1, 3n << 62n);

export const isNan = ({ class: kind }: FloatValue): boolean => kind === "quiet" || kind === "signaling";
export const quieted = (value: FloatValue): FloatValue =>
  value.class === "signaling" ? nan(value.sign, value.significand | quietBit) : value;
export const negated = (value: FloatValue): FloatValue => ({ ...value, sign: value.sign === 0 ? 1 : 0 });
export const withSign = (value: FloatValue, sign: 0 | 1): FloatValue => ({ ...value, sign });

/** Number of bits of a non-negative integer; 0 for 0. */
export function bitLength(value: bigint): number {
  let rest = value;
  let length = 0;
  while (rest > 0xffff_ffff_ffffn) {
    rest >>= 32n;
    length += 32;
  }
  const low = Number(rest);
  const high = Math.floor(low / 0x1_0000_0000);
  return length + (high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low));
}

/** Exponent of the leading bit of a finite value. */
export const magnitude = ({ significand, exponent }: FloatValue): number => exponent + bitLength(significand) - 1;
