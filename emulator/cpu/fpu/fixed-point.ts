import { bitLength, type FloatValue, finite } from "./float-value.ts";

/**
 * Functions of real numbers as integers in units of 2^-`fractionBits`. Errors are a few hundred units, so what is at least
 * 2^-100 in magnitude has more than 150 right bits: enough to round to 64.
 */
export const fractionBits = 288;
const scale = BigInt(fractionBits);
const one = 1n << scale;

export const times = (a: bigint, b: bigint): bigint => (a * b) >> scale;
export const over = (a: bigint, b: bigint): bigint => (a << scale) / b;

/** The fixed-point number nearest below a value; the value must be less than 2^64 in magnitude. */
export function toFixed({ sign, significand, exponent }: FloatValue): bigint {
  const shift = fractionBits + exponent;
  const size = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  return sign === 1 ? -size : size;
}

/** A fixed-point number that stands for an irrational one: its last bits are not to be trusted, so it is sticky. */
export function fromFixed(value: bigint): FloatValue {
  const size = value < 0n ? -value : value;
  const excess = Math.max(0, bitLength(size) - 128);
  return finite(value < 0n ? 1 : 0, size >> BigInt(excess), excess - fractionBits, true);
}

/** z + z³/3 + z⁵/5 + …, or with alternating signs: the inverse (hyperbolic) tangent of a small number. */
function inverseTangentSeries(z: bigint, alternating: boolean): bigint {
  const square = times(z, z);
  let power = z;
  let sum = z;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = times(power, square);
    const term = power / n;
    sum += alternating && n % 4n === 3n ? -term : term;
  }
  return sum;
}

/** Natural logarithm of a number between 1/2 and 2. */
export const logarithm = (m: bigint): bigint => 2n * inverseTangentSeries(over(m - one, m + one), false);
/** Natural logarithm of 1 + x, for x above -1/2 and below 1. */
export const logarithmOfOnePlus = (x: bigint): bigint => 2n * inverseTangentSeries(over(x, 2n * one + x), false);

/** e^y - 1 for y between -1 and 1. */
export function exponentialMinusOne(y: bigint): bigint {
  let term = y;
  let sum = y;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = times(term, y) / n;
    sum += term;
  }
  return sum;
}

/** Integer square root of a fixed-point number. */
function root(value: bigint): bigint {
  const radicand = value << scale;
  let guess = 1n << BigInt((bitLength(radicand) + 1) >> 1);
  for (;;) {
    const next = (guess + radicand / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Angle whose tangent is t, for t between 0 and 1; halved twice, so that the series is short. */
export function inverseTangent(t: bigint): bigint {
  let z = t;
  for (let n = 0; n < 2; n++) z = over(z, one + root(one + times(z, z)));
  return 4n * inverseTangentSeries(z, true);
}

/** Sine and cosine of an angle between -1 and 1. */
export function sineAndCosine(angle: bigint): { sine: bigint; cosine: bigint } {
  let term = one;
  let sine = 0n;
  let cosine = one;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = times(term, angle) / n;
    const signed = (n >> 1n) % 2n === 1n ? -term : term;
    if (n % 2n === 1n) sine += signed;
    else cosine += signed;
  }
  return { sine, cosine };
}

interface Constants {
  readonly ln2: bigint;
  readonly ln10: bigint;
  readonly pi: bigint;
}

let known: Constants | undefined;
/** Computed when they are first asked for. */
export function constants(): Constants {
  if (known) return known;
  const inverse = (n: bigint, alternating: boolean): bigint => inverseTangentSeries(one / n, alternating);
  const ln2 = 2n * inverse(3n, false);
  // ln 10 = 3 ln 2 + ln (10/8); pi by Machin's formula.
  const ln10 = 3n * ln2 + 2n * inverse(9n, false);
  const pi = 16n * inverse(5n, true) - 4n * inverse(239n, true);
  known = { ln2, ln10, pi };
  return known;
}
