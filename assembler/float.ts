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

/** A number without sign as nasm holds it while converting: `mantissa` / 2^192 · 2^`exponent`; the top bit is set, or it is 0. */
interface Wide {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const wideBits = 192n;
const wideMask = (1n << wideBits) - 1n;
/** Decimal digits that nasm looks at. */
const mostDigits = 52;

/** Exponents beyond these are zero or infinity in every format. */
const greatestExponent = 20_000;

const clamp = (power: string): number => Math.max(-greatestExponent, Math.min(greatestExponent, Number(power)));

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);

function parse(text: string): Wide {
  const clean = text.replaceAll("_", "");
  const binary = /^(0[xhoqby]|\$)([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(clean);
  if (binary) {
    const [, base = "", whole = "", fraction = "", power = "0"] = binary;
    const [prefix, bits] = /[oq]/i.test(base) ? ["0o", 3] : /[by]/i.test(base) ? ["0b", 1] : ["0x", 4];
    return normalized(BigInt(`${prefix}0${whole}${fraction}`), clamp(power) - bits * fraction.length);
  }
  const [, whole = "", fraction = "", power = "0"] = /^(?:0[dt])?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(clean) ?? [];
  return decimal(`${whole}${fraction}`, clamp(power) + whole.length);
}

/** `value` · 2^`power`; bits beyond the width are cut. */
function normalized(value: bigint, power: number): Wide {
  if (value === 0n) return { mantissa: 0n, exponent: 0 };
  const length = bitLength(value);
  const shift = wideBits - BigInt(length);
  return { mantissa: shift >= 0n ? value << shift : value >> -shift, exponent: length + power };
}

/** 0.`digits` · 10^`tens`: a binary fraction, then multiplied by powers of five that are cut as nasm cuts them. */
function decimal(digits: string, tens: number): Wide {
  const start = digits.search(/[1-9]/);
  if (start < 0) return { mantissa: 0n, exponent: 0 };
  const kept = digits.slice(start, start + mostDigits);
  const power = tens - start;
  const scale = 10n ** BigInt(kept.length);
  // The first 192 bits of the fraction after its leading zeros.
  const zeros = BigInt(Math.max(0, bitLength(scale) - bitLength(BigInt(kept))));
  let mantissa = (BigInt(kept) << (wideBits + zeros)) / scale;
  let exponent = -Number(zeros);
  if (mantissa >> wideBits) {
    mantissa >>= 1n;
    exponent++;
  }
  if (mantissa >> (wideBits - 1n) === 0n) {
    mantissa = (BigInt(kept) << (wideBits + zeros + 1n)) / scale;
    exponent--;
  }
  return timesFive({ mantissa, exponent: exponent + power }, power);
}

/** 0.2 and 5, normalized; nasm's 0.2 is rounded up. */
const fifth: Wide = { mantissa: (1n << (wideBits + 2n)) / 5n + 1n, exponent: -2 };
const five: Wide = { mantissa: 5n << (wideBits - 3n), exponent: 3 };

function timesFive(value: Wide, power: number): Wide {
  let result = value;
  let factor = power < 0 ? fifth : five;
  for (let rest = Math.abs(power); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = product(result, factor);
    factor = product(factor, factor);
  }
  return result;
}

function product(a: Wide, b: Wide): Wide {
  const all = a.mantissa * b.mantissa;
  const isTop = all >> (2n * wideBits - 1n) !== 0n;
  const mantissa = (all >> (isTop ? wideBits : wideBits - 1n)) & wideMask;
  return { mantissa, exponent: a.exponent + b.exponent - (isTop ? 0 : 1) };
}

/** The whole number nearest to `value` / 2^`shift`, the even one of two; or that towards zero. */
function rounded(value: bigint, shift: bigint, cut: boolean): bigint {
  const quotient = value >> shift;
  if (cut) return quotient;
  const rest = value & ((1n << shift) - 1n);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/**
 * The number in a format, without sign; undefined if it is too large for it. Just above the largest, nasm 2.16 makes
 * something that is no number.
 */
function finite(
  { mantissa, exponent }: Wide,
  format: Format,
  daz: boolean,
  cut: boolean,
): bigint | "no number" | undefined {
  if (mantissa === 0n) return 0n;
  const { fractionBits, exponentBits, explicitOne } = format;
  const bias = (1 << (exponentBits - 1)) - 1;
  // As 1.… · 2^power; below the least power the numbers are as far from each other as at it.
  const power = exponent - 1;
  const least = 1 - bias;
  const dropped = BigInt(exponentBits + (explicitOne ? 1 : 0) + Math.max(0, least - power));
  if (dropped >= wideBits) return 0n;
  const whole = rounded(
    mantissa >> dropped,
    wideBits - 1n - BigInt(exponentBits + fractionBits + (explicitOne ? 1 : 0)),
    cut,
  );
  const one = 1n << BigInt(fractionBits);
  // Rounding up to the next power of two carries into the exponent by itself.
  const field = BigInt(Math.max(power, least) + bias);
  const packed = whole < one ? whole : (field << BigInt(fractionBits)) + (whole - one);
  if (daz && packed < one) return 0n;
  // float8 has numbers where others have what is no number, but for the first, which is its infinity.
  const limit = BigInt((1 << exponentBits) - (format.bytes === 1 ? 0 : 1)) << BigInt(fractionBits);
  if (packed < limit) return packed;
  return power === bias + 1 ? "no number" : undefined;
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

/** Whether a number of that sign is rounded towards zero. Where it would be away from zero, nasm 2.16 takes the nearest. */
const isCut = ({ round }: FloatMode, negative: boolean): boolean =>
  round === "zero" || round === (negative ? "up" : "down");

/** Packed decimal digits, two in a byte: `123p` and `0p123`. */
const packedDecimal = /^(?:0p([\d_]+)|([\d_]+)p)$/i;
/** Digits that fit beside the sign. */
const packedDigits = 18;

export const isPackedDecimal = (text: string): boolean => packedDecimal.test(text);

function decimalBytes(text: string, negative: boolean): PackedFloat {
  const [, behind, before] = packedDecimal.exec(text) ?? [];
  const digits = (behind ?? before ?? "").replaceAll("_", "").replace(/^0+/, "");
  const kept = digits.slice(-packedDigits).padStart(packedDigits, "0");
  const bytes = Array.from({ length: packedDigits / 2 }, (_, n) => Number.parseInt(kept.slice(2 * n, 2 * n + 2), 16));
  return { bytes: Uint8Array.from([...bytes.reverse(), negative ? 0x80 : 0]), overflow: digits.length > packedDigits };
}

export const lostFloat = (text: string): string =>
  `${text} is too large for this size: nasm 2.16.01 makes something of it that is no number; write __Infinity__.`;

/** A constant in its format. */
export interface PackedFloat {
  readonly bytes: Uint8Array;
  /** It was too large and became an infinity, or lost digits. */
  readonly overflow: boolean;
  /** It was so large that nasm 2.16 makes something that is no number. */
  readonly isLost?: boolean;
}

/** A constant in a size that `isFloatSize`. */
export function floatBytes(
  text: string,
  negative: boolean,
  bytes: number,
  mode: FloatMode = plainFloat,
  brain = false,
): PackedFloat {
  if (isPackedDecimal(text)) return decimalBytes(text, negative);
  const format = brain ? brainFloat : formats[bytes]!;
  const fraction = BigInt(format.fractionBits);
  const infinity = BigInt((1 << format.exponentBits) - 1) << fraction;
  const specials: Readonly<Record<string, bigint>> = {
    infinity,
    nan: infinity | (1n << (fraction - 1n)),
    qnan: infinity | (1n << (fraction - 1n)),
    snan: infinity | 1n,
  };
  const special = specials[text.toLowerCase()];
  const packed = special ?? finite(parse(text), format, mode.daz, isCut(mode, negative));
  if (packed === "no number") return { bytes: pack(infinity, negative, format), overflow: true, isLost: true };
  return { bytes: pack(packed ?? infinity, negative, format), overflow: packed === undefined };
}
