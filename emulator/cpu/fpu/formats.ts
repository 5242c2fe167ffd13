import { bitLength, denormal, type FloatValue, finite, infinity, nan, unsupported, zero } from "./float-value.ts";

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

/** The IEEE 754 interchange formats, by the number of fraction bits. */
function unpack(bits: bigint, fractionBits: number, exponentBits: number): FloatValue {
  const fraction = BigInt.asUintN(fractionBits, bits);
  const field = Number(BigInt.asUintN(exponentBits, bits >> BigInt(fractionBits)));
  const sign = bits >> BigInt(fractionBits + exponentBits) === 0n ? 0 : 1;
  const highest = 2 ** exponentBits - 1;
  const smallest = 2 - 2 ** (exponentBits - 1);
  if (field === highest) {
    if (fraction === 0n) return infinity(sign);
    return nan(sign, (1n << 63n) | (fraction << BigInt(63 - fractionBits)));
  }
  if (field > 0) return finite(sign, fraction | (1n << BigInt(fractionBits)), field - 1 + smallest - fractionBits);
  return fraction === 0n ? zero(sign) : denormal(sign, fraction, smallest - fractionBits);
}

export const unpackSingle = (bits: bigint): FloatValue => unpack(bits, 23, 8);
export const unpackDouble = (bits: bigint): FloatValue => unpack(bits, 52, 11);

/** A significand aligned so that its unit is 2^`unit`; the value must have one. */
function aligned({ significand, exponent }: FloatValue, unit: number): bigint {
  return exponent >= unit ? significand << BigInt(exponent - unit) : significand >> BigInt(unit - exponent);
}

/** Bits of a value that has been rounded to the format. */
function pack(value: FloatValue, fractionBits: number, exponentBits: number): bigint {
  const sign = BigInt(value.sign) << BigInt(fractionBits + exponentBits);
  const highest = (1n << BigInt(exponentBits)) - 1n;
  const smallest = 2 - 2 ** (exponentBits - 1);
  switch (value.class) {
    case "zero":
      return sign;
    case "finite": {
      const leading = value.exponent + bitLength(value.significand) - 1;
      if (leading < smallest) return sign | aligned(value, smallest - fractionBits);
      const fraction = aligned(value, leading - fractionBits) - (1n << BigInt(fractionBits));
      return sign | (BigInt(leading - smallest + 1) << BigInt(fractionBits)) | fraction;
    }
    case "infinity":
      return sign | (highest << BigInt(fractionBits));
    default: {
      const fraction = BigInt.asUintN(fractionBits, value.significand >> BigInt(63 - fractionBits));
      return sign | (highest << BigInt(fractionBits)) | fraction;
    }
  }
}

export const packSingle = (value: FloatValue): bigint => pack(value, 23, 8);
export const packDouble = (value: FloatValue): bigint => pack(value, 52, 11);

/** The 80-bit format: 64 bits of significand, and sign with exponent. */
export interface ExtendedBits {
  readonly significand: bigint;
  readonly signExponent: number;
}

const bias = 16383;
const integerBit = 1n << 63n;

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
      const leading = value.exponent + bitLength(value.significand) - 1;
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
