import { denormal, type FloatValue, finite, infinity, magnitude, nan, unsupported, zero } from "./float-value.ts";

const integerBit = 1n << 63n;

/** Where a format rounds and where it ends. */
export interface Format {
  /** Bits of the significand, the leading one included. */
  readonly precision: number;
  /** Exponent of the leading bit of the smallest and of the greatest normal number. */
  readonly smallest: number;
  readonly greatest: number;
}

export const single: Format = { precision: 24, smallest: -126, greatest: 127 };
export const double: Format = { precision: 53, smallest: -1022, greatest: 1023 };
export const extended: Format = { precision: 64, smallest: -16382, greatest: 16383 };

/** An IEEE 754 interchange format: the widths of its fields, and what follows from them. */
interface Interchange {
  readonly fractionBits: number;
  readonly exponentBits: number;
  readonly fractionShift: bigint;
  readonly signShift: bigint;
  /** The leading bit, which is not stored. */
  readonly hidden: bigint;
  /** Exponent field of infinities and NaNs. */
  readonly highest: number;
  readonly smallest: number;
  /** Bits of a NaN's significand in the extended format beyond the fraction here. */
  readonly nanShift: bigint;
}

const interchange = (fractionBits: number, exponentBits: number, { smallest }: Format): Interchange => ({
  fractionBits,
  exponentBits,
  fractionShift: BigInt(fractionBits),
  signShift: BigInt(fractionBits + exponentBits),
  hidden: 1n << BigInt(fractionBits),
  highest: 2 ** exponentBits - 1,
  smallest,
  nanShift: BigInt(63 - fractionBits),
});
const singleFields = interchange(23, 8, single);
const doubleFields = interchange(52, 11, double);

function unpack(bits: bigint, fields: Interchange): FloatValue {
  const { fractionBits, exponentBits, fractionShift, signShift, hidden, highest, smallest, nanShift } = fields;
  const fraction = BigInt.asUintN(fractionBits, bits);
  const field = Number(BigInt.asUintN(exponentBits, bits >> fractionShift));
  const sign = bits >> signShift === 0n ? 0 : 1;
  if (field === highest) return fraction === 0n ? infinity(sign) : nan(sign, integerBit | (fraction << nanShift));
  if (field > 0) return finite(sign, fraction | hidden, field - 1 + smallest - fractionBits);
  return fraction === 0n ? zero(sign) : denormal(sign, fraction, smallest - fractionBits);
}

export const unpackSingle = (bits: bigint): FloatValue => unpack(bits, singleFields);
export const unpackDouble = (bits: bigint): FloatValue => unpack(bits, doubleFields);

/** A significand aligned so that its unit is 2^`unit`; the value must have one. */
function aligned({ significand, exponent }: FloatValue, unit: number): bigint {
  if (exponent === unit) return significand;
  return exponent >= unit ? significand << BigInt(exponent - unit) : significand >> BigInt(unit - exponent);
}

/** Bits of a value that has been rounded to the format. */
function pack(value: FloatValue, fields: Interchange): bigint {
  const { fractionBits, fractionShift, signShift, hidden, highest, smallest, nanShift } = fields;
  const sign = value.sign === 1 ? 1n << signShift : 0n;
  switch (value.class) {
    case "zero":
      return sign;
    case "finite": {
      const leading = magnitude(value);
      if (leading < smallest) return sign | aligned(value, smallest - fractionBits);
      const fraction = aligned(value, leading - fractionBits) - hidden;
      return sign | (BigInt(leading - smallest + 1) << fractionShift) | fraction;
    }
    case "infinity":
      return sign | (BigInt(highest) << fractionShift);
    default:
      return sign | (BigInt(highest) << fractionShift) | BigInt.asUintN(fractionBits, value.significand >> nanShift);
  }
}

export const packSingle = (value: FloatValue): bigint => pack(value, singleFields);
export const packDouble = (value: FloatValue): bigint => pack(value, doubleFields);

/** The 80-bit format: 64 bits of significand, and sign with exponent. */
export interface ExtendedBits {
  readonly significand: bigint;
  readonly signExponent: number;
}

const bias = 16383;

export function unpackExtended(significand: bigint, signExponent: number): FloatValue {
  const sign = (signExponent & 0x8000) === 0 ? 0 : 1;
  const field = signExponent & 0x7fff;
  if (field === 0)
    // With the integer bit it is a pseudo-denormal, of the same value as the encoding with exponent 1.
    return significand === 0n ? zero(sign) : denormal(sign, significand, 1 - bias - 63);
  if ((significand & integerBit) === 0n) return unsupported;
  if (field < 0x7fff) return finite(sign, significand, field - bias - 63);
  return significand === integerBit ? infinity(sign) : nan(sign, significand);
}

/** Bits of a value that has been rounded to at most 64 bits in the range of the format. */
export function packExtended(value: FloatValue): ExtendedBits {
  const sign = value.sign === 1 ? 0x8000 : 0;
  switch (value.class) {
    case "zero":
      return { significand: 0n, signExponent: sign };
    case "finite": {
      const leading = magnitude(value);
      if (leading < extended.smallest)
        return { significand: aligned(value, extended.smallest - 63), signExponent: sign };
      return { significand: aligned(value, leading - 63), signExponent: sign | (leading + bias) };
    }
    case "infinity":
      return { significand: integerBit, signExponent: sign | 0x7fff };
    default:
      return { significand: value.significand, signExponent: sign | 0x7fff };
  }
}
