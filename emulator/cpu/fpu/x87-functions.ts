import type { Cpu } from "../cpu.ts";
import { invalid, type Outcome, ofNans } from "./arithmetic.ts";
import {
  constants,
  exponentialMinusOne,
  fractionBits,
  fromFixed,
  inverseTangent,
  logarithm,
  logarithmOfOnePlus,
  over,
  toFixed,
} from "./fixed-point.ts";
import { bitLength, exception, type FloatValue, finite, infinity, magnitude, withSign, zero } from "./float-value.ts";
import { extended } from "./formats.ts";
import { push, roundingOf, setC1 } from "./register-stack.ts";
import { round } from "./round.ts";
import { replaceTop } from "./x87-arithmetic.ts";
import { replaceBinary } from "./x87-results.ts";
import { cosine, sine, sineAndCosineOfTop, tangent } from "./x87-trigonometry.ts";

/** Below this magnitude the first term of a series is right to more than 64 bits. */
const tinyExponent = -90;

const denormalFlag = (...values: readonly FloatValue[]): number =>
  values.some((value) => value.denormal) ? exception.denormal : 0;
const signOf = (a: FloatValue, b: FloatValue): 0 | 1 => (a.sign === b.sign ? 0 : 1);

/** Exact product of a value and a fixed-point number that is irrational. */
function multiplied(value: FloatValue, fixed: bigint): FloatValue {
  const factor = fromFixed(fixed);
  const sign = signOf(value, factor);
  return finite(sign, value.significand * factor.significand, value.exponent + factor.exponent, true);
}

/** F2XM1 for -1 to 1; beyond, where the manual leaves the result undefined, the operand. */
function powerMinusOne(x: FloatValue): Outcome {
  const special = ofNans(x, x, "x87");
  if (special) return special;
  if (x.class === "infinity") return { value: x.sign === 1 ? finite(1, 1n, 0) : x, flags: 0 };
  const flags = denormalFlag(x);
  if (x.class === "zero") return { value: x, flags };
  const leading = magnitude(x);
  if (leading >= 0) return { value: powerOfOne(x), flags };
  const { ln2 } = constants();
  if (leading < tinyExponent) return { value: multiplied(x, ln2), flags };
  return { value: fromFixed(exponentialMinusOne((toFixed(x) * ln2) >> BigInt(fractionBits))), flags };
}

/** 2^±1 - 1 are exact. */
function powerOfOne(x: FloatValue): FloatValue {
  const isOne = magnitude(x) === 0 && x.significand === 1n << BigInt(bitLength(x.significand) - 1);
  return isOne && x.sign === 1 ? finite(1, 1n, -1) : x;
}

/** Binary logarithm of a positive value, as a fixed-point number; exact for powers of two. */
function binaryLogarithm(x: FloatValue): { value: bigint; exact: boolean } {
  let exponent = magnitude(x);
  const length = bitLength(x.significand);
  let m = x.significand << BigInt(fractionBits - length + 1);
  if (x.significand === 1n << BigInt(length - 1))
    return { value: BigInt(exponent) << BigInt(fractionBits), exact: true };
  // Between 3/4 and 3/2, so that whole part and logarithm do not cancel.
  if (m >> BigInt(fractionBits - 1) >= 3n) {
    m >>= 1n;
    exponent++;
  }
  const { ln2 } = constants();
  return { value: (BigInt(exponent) << BigInt(fractionBits)) + over(logarithm(m), ln2), exact: false };
}

/** FYL2X: y × log2 x. */
function logarithmTimes(x: FloatValue, y: FloatValue): Outcome {
  const special = ofNans(x, y, "x87");
  if (special) return special;
  if (x.sign === 1 && x.class !== "zero") return invalid;
  const flags = denormalFlag(x, y);
  if (x.class === "zero") {
    if (y.class === "zero") return invalid;
    const sign = y.sign === 1 ? 0 : 1;
    return { value: infinity(sign), flags: y.class === "infinity" ? 0 : exception.zeroDivide };
  }
  if (x.class === "infinity") return y.class === "zero" ? invalid : { value: infinity(y.sign), flags };
  const { value, exact } = binaryLogarithm(x);
  return scaled(y, value, exact, flags);
}

/** y times a logarithm. */
function scaled(y: FloatValue, fixed: bigint, exact: boolean, flags: number): Outcome {
  const sign = fixed < 0n === (y.sign === 1) ? 0 : 1;
  if (y.class === "infinity") return fixed === 0n ? invalid : { value: infinity(sign), flags };
  if (y.class === "zero" || fixed === 0n) return { value: zero(sign), flags };
  if (!exact) return { value: multiplied(y, fixed), flags };
  const size = fixed < 0n ? -fixed : fixed;
  return { value: finite(sign, y.significand * size, y.exponent - fractionBits), flags };
}

/** FYL2XP1: y × log2(x + 1). The manual defines it for x near 0; it is right above -1/2 and below 1, and else FYL2X of x + 1. */
function logarithmOfOnePlusTimes(x: FloatValue, y: FloatValue): Outcome {
  const special = ofNans(x, y, "x87");
  if (special) return special;
  const flags = denormalFlag(x, y);
  if (x.class === "infinity") return x.sign === 1 || y.class === "zero" ? invalid : { value: infinity(y.sign), flags };
  if (x.class === "zero") return y.class === "infinity" ? invalid : { value: zero(signOf(x, y)), flags };
  const leading = magnitude(x);
  if (leading >= -1) return logarithmOfSum(x, y);
  if (y.class === "infinity") return { value: infinity(signOf(x, y)), flags };
  if (y.class === "zero") return { value: zero(signOf(x, y)), flags };
  const { ln2 } = constants();
  if (leading >= tinyExponent) return { value: multiplied(y, over(logarithmOfOnePlus(toFixed(x)), ln2)), flags };
  const factor = fromFixed(over(1n << BigInt(fractionBits), ln2));
  const product = finite(signOf(x, y), x.significand * y.significand * factor.significand, 0, true);
  return { value: { ...product, exponent: x.exponent + y.exponent + factor.exponent }, flags };
}

function logarithmOfSum(x: FloatValue, y: FloatValue): Outcome {
  const unit = Math.min(0, x.exponent);
  const one = 1n << BigInt(-unit);
  const size = x.significand << BigInt(x.exponent - unit);
  const sum = x.sign === 1 ? one - size : one + size;
  return sum <= 0n ? invalid : logarithmTimes(finite(0, sum, unit), y);
}

const angle = (sign: 0 | 1, fixed: bigint): FloatValue => withSign(fromFixed(fixed), sign);

/** FPATAN: the angle of the point (x, y). */
function angleOf(x: FloatValue, y: FloatValue): Outcome {
  const special = ofNans(x, y, "x87");
  if (special) return special;
  const flags = denormalFlag(x, y);
  return { value: angleOfPoint(x, y), flags };
}

function angleOfPoint(x: FloatValue, y: FloatValue): FloatValue {
  const { pi } = constants();
  const left = x.sign === 1;
  if (y.class === "infinity") {
    if (x.class !== "infinity") return angle(y.sign, pi >> 1n);
    return angle(y.sign, left ? (3n * pi) >> 2n : pi >> 2n);
  }
  if (y.class === "zero" || x.class === "infinity") return left ? angle(y.sign, pi) : zero(y.sign);
  if (x.class === "zero") return angle(y.sign, pi >> 1n);
  const steep = magnitude(y) - magnitude(x);
  // So near an axis that the angle is the quotient, or a right or straight angle and no more.
  if (steep < tinyExponent && !left) return quotientOf(y, x, y.sign);
  if (steep < tinyExponent) return angle(y.sign, pi);
  if (steep > -tinyExponent) return angle(y.sign, pi >> 1n);
  return angle(y.sign, acuteOrObtuse(x, y, left, pi));
}

function quotientOf(y: FloatValue, x: FloatValue, sign: 0 | 1): FloatValue {
  const shift = 160;
  return finite(sign, (y.significand << BigInt(shift)) / x.significand, y.exponent - shift - x.exponent, true);
}

function acuteOrObtuse(x: FloatValue, y: FloatValue, left: boolean, pi: bigint): bigint {
  const unit = Math.min(x.exponent, y.exponent);
  const width = x.significand << BigInt(x.exponent - unit);
  const height = y.significand << BigInt(y.exponent - unit);
  const acute =
    height <= width ? inverseTangent(over(height, width)) : (pi >> 1n) - inverseTangent(over(width, height));
  return left ? pi - acute : acute;
}

/** A constant, rounded as the control word says, without the inexact flag. */
const constant =
  (of: () => bigint) =>
  (cpu: Cpu): void => {
    pushConstant(cpu, round(fromFixed(of()), extended, roundingOf(cpu)).value);
  };

function pushConstant(cpu: Cpu, value: FloatValue): void {
  setC1(cpu, false);
  push(cpu, value);
}

/**
 * The transcendental instructions and constants, by mnemonic. Results are the exact ones rounded by the rounding control;
 * the processor's own are within one unit of the last place of that (SDM Vol. 1, 8.3.10).
 */
export const transcendentals: Readonly<Record<string, (cpu: Cpu) => void>> = {
  f2xm1: (cpu) => replaceTop(cpu, powerMinusOne),
  fyl2x: (cpu) => replaceBinary(cpu, logarithmTimes, true),
  fyl2xp1: (cpu) => replaceBinary(cpu, logarithmOfOnePlusTimes, true),
  fpatan: (cpu) => replaceBinary(cpu, angleOf, true),
  fsin: sine,
  fcos: cosine,
  fptan: tangent,
  fsincos: sineAndCosineOfTop,
  fld1: (cpu) => pushConstant(cpu, finite(0, 1n, 0)),
  fldz: (cpu) => pushConstant(cpu, zero(0)),
  fldpi: constant(() => constants().pi),
  fldl2e: constant(() => over(1n << BigInt(fractionBits), constants().ln2)),
  fldl2t: constant(() => over(constants().ln10, constants().ln2)),
  fldlg2: constant(() => over(constants().ln2, constants().ln10)),
  fldln2: constant(() => constants().ln2),
};
