/** Floating-point constants as nasm writes them, converted with whole numbers of any size. */

/** How constants are rounded, and whether those too small to be normal become zero: `float`. */
export interface FloatMode {
  readonly daz: boolean;
  readonly round: "near" | "up" | "down" | "zero";
}

export const plainFloat: FloatMode = { daz: false, round: "near" };

interface Format {
  readonly bytes: number;
  readonly exponentBits: number;
  /** Bits of the fraction, without the one before the point. */
  readonly fractionBits: number;
  /** The one before the point is written (80 bits). */
  readonly explicitOne: boolean;
}

const formats: Readonly<Record<number, Format>> = {
  1: { bytes: 1, exponentBits: 4, fractionBits: 3, explicitOne: false },
  2: { bytes: 2, exponentBits: 5, fractionBits: 10, explicitOne: false },
  4: { bytes: 4, exponentBits: 8, fractionBits: 23, explicitOne: false },
  8: { bytes: 8, exponentBits: 11, fractionBits: 52, explicitOne: false },
  10: { bytes: 10, exponentBits: 15, fractionBits: 63, explicitOne: true },
  16: { bytes: 16, exponentBits: 15, fractionBits: 112, explicitOne: false },
};

const brainFloat: Format = { bytes: 2, exponentBits: 8, fractionBits: 7, explicitOne: false };

/** Sizes in bytes that have floating-point numbers: float8 of OCP (E4M3), half, single, double, extended, quadruple. */
export const isFloatSize = (bytes: number): boolean => bytes in formats;

/** A number without sign; `decimal` ones were written with a power of ten. */
interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly decimal: boolean;
}

/** Exponents beyond these are zero or infinity in every format. */
const greatestExponent = 20_000;

function parse(text: string): Rational {
  const clean = text.replaceAll("_", "");
  const hexadecimal = /^(?:0[xh]|\$)([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(clean);
  if (hexadecimal) {
    const [, whole = "", fraction = "", power = "0"] = hexadecimal;
    const exponent = clamp(power) - 4 * fraction.length;
    return rational(BigInt(`0x0${whole}${fraction}`), 2n, exponent, false);
  }
  const [, whole = "", fraction = "", power = "0"] = /^(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(clean) ?? [];
  return rational(BigInt(`0${whole}${fraction}`), 10n, clamp(power) - fraction.length, true);
}

const clamp = (power: string): number => Math.max(-greatestExponent, Math.min(greatestExponent, Number(power)));

function rational(digits: bigint, base: bigint, exponent: number, decimal: boolean): Rational {
  const power = base ** BigInt(Math.abs(exponent));
  return exponent < 0
    ? { numerator: digits, denominator: power, decimal }
    : { numerator: digits * power, denominator: 1n, decimal };
}

const bitLength = (value: bigint): number => value.toString(2).length;

/**
 * The nearest whole number. nasm's conversion from decimal cuts, so that what lies exactly between two numbers goes to
 * the smaller one; a hexadecimal one goes to the even one. `away`: always away from zero, or always towards it.
 */
function rounded(numerator: bigint, denominator: bigint, decimal: boolean, away: boolean | undefined): bigint {
  const quotient = numerator / denominator;
  if (away !== undefined) return away && numerator % denominator !== 0n ? quotient + 1n : quotient;
  const twice = 2n * (numerator % denominator);
  const up = twice > denominator || (twice === denominator && !decimal && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/** The number in a format, without sign; undefined if it is too large for it. */
function finite(
  { numerator, denominator, decimal }: Rational,
  format: Format,
  daz: boolean,
  away: boolean | undefined,
): bigint | undefined {
  if (numerator === 0n) return 0n;
  const bias = (1 << (format.exponentBits - 1)) - 1;
  const { fractionBits } = format;
  let exponent = bitLength(numerator) - bitLength(denominator);
  if (exponent >= 0 ? numerator < denominator << BigInt(exponent) : numerator << BigInt(-exponent) < denominator)
    exponent--;
  // Below the least exponent the numbers are as far from each other as at it.
  const scale = Math.max(exponent, 1 - bias) - fractionBits;
  const mantissa =
    scale > 0
      ? rounded(numerator, denominator << BigInt(scale), decimal, away)
      : rounded(numerator << BigInt(-scale), denominator, decimal, away);
  const one = 1n << BigInt(fractionBits);
  // Rounding up to the next power of two carries into the exponent by itself.
  const field = BigInt(Math.max(exponent, 1 - bias) + bias);
  const packed = mantissa < one ? mantissa : (field << BigInt(fractionBits)) + (mantissa - one);
  if (daz && packed < one) return 0n;
  // float8 has no infinity; only its last pattern is no number.
  const limit = format.bytes === 1 ? 0x7fn : BigInt((1 << format.exponentBits) - 1) << BigInt(fractionBits);
  return packed < limit ? packed : undefined;
}

/** Exponent and fraction as the format has them; the extended one has its leading bit in between. */
function pack(packed: bigint, negative: boolean, format: Format): Uint8Array {
  const { bytes, fractionBits, explicitOne } = format;
  let bits = packed;
  if (explicitOne) {
    const exponent = packed >> BigInt(fractionBits);
    const one = exponent === 0n ? 0n : 1n << BigInt(fractionBits);
    bits = (exponent << BigInt(fractionBits + 1)) | one | (packed & ((1n << BigInt(fractionBits)) - 1n));
  }
  if (negative) bits |= 1n << BigInt(bytes * 8 - 1);
  return Uint8Array.from({ length: bytes }, (_, n) => Number((bits >> BigInt(8 * n)) & 255n));
}

/** Whether a number of that sign is rounded away from zero; undefined: to the nearest. */
function awayFromZero({ round }: FloatMode, negative: boolean): boolean | undefined {
  if (round === "near") return undefined;
  return round !== "zero" && (round === "up") !== negative;
}

/** Packed decimal digits, two in a byte: `123p` and `0p123`. */
const packedDecimal = /^(?:0p([\d_]+)|([\d_]+)p)$/i;
/** Digits that fit beside the sign. */
const mostDigits = 18;

export const isPackedDecimal = (text: string): boolean => packedDecimal.test(text);

function decimalBytes(text: string, negative: boolean): { readonly bytes: Uint8Array; readonly overflow: boolean } {
  const [, behind, before] = packedDecimal.exec(text) ?? [];
  const digits = (behind ?? before ?? "").replaceAll("_", "").replace(/^0+/, "");
  const kept = digits.slice(-mostDigits).padStart(mostDigits, "0");
  const bytes = Array.from({ length: mostDigits / 2 }, (_, n) => Number.parseInt(kept.slice(2 * n, 2 * n + 2), 16));
  return { bytes: Uint8Array.from([...bytes.reverse(), negative ? 0x80 : 0]), overflow: digits.length > mostDigits };
}

/** The bytes of a constant in a size that `isFloatSize`, and whether it was too large and became an infinity or was cut. */
export function floatBytes(
  text: string,
  negative: boolean,
  bytes: number,
  mode: FloatMode = plainFloat,
  brain = false,
): { readonly bytes: Uint8Array; readonly overflow: boolean } {
  if (isPackedDecimal(text)) return decimalBytes(text, negative);
  const format = brain ? brainFloat : formats[bytes]!;
  const fraction = BigInt(format.fractionBits);
  const infinity = bytes === 1 ? 0x7fn : BigInt((1 << format.exponentBits) - 1) << fraction;
  const specials: Readonly<Record<string, bigint>> = {
    infinity,
    nan: infinity | (1n << (fraction - 1n)),
    qnan: infinity | (1n << (fraction - 1n)),
    snan: infinity | 1n,
  };
  const special = specials[text.toLowerCase()];
  const packed = special ?? finite(parse(text), format, mode.daz, awayFromZero(mode, negative));
  return { bytes: pack(packed ?? infinity, negative, format), overflow: packed === undefined };
}
