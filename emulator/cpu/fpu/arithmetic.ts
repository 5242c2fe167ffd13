import {
  bitLength,
  exception,
  type FloatValue,
  finite,
  indefinite,
  infinity,
  isNan,
  negated,
  quieted,
  type Rounding,
  rounding,
  zero,
} from "./float-value.ts";

/** An exact result, not rounded yet, with the flags that the operands alone decide: invalid, denormal, zeroDivide. */
export interface Outcome {
  readonly value: FloatValue;
  readonly flags: number;
}

/** Which of two NaNs an operation gives: SSE the first, x87 by the manual's rules for significands. */
export type NanRule = "sse" | "x87";

export type Operation = "add" | "subtract" | "multiply" | "divide";

export const invalid: Outcome = { value: indefinite, flags: exception.invalid };

/** SDM Vol. 1, table 4-7. */
function chooseNan(a: FloatValue, b: FloatValue, rule: NanRule): FloatValue {
  if (!isNan(b)) return quieted(a);
  if (!isNan(a)) return quieted(b);
  if (rule === "sse") return quieted(a);
  if (a.class !== b.class) return a.class === "quiet" ? a : b;
  if (a.significand !== b.significand) return quieted(a.significand > b.significand ? a : b);
  return quieted(a.sign === 0 ? a : b);
}

/** What NaNs and encodings without a meaning make of an operation; undefined where there are none. */
export function ofNans(a: FloatValue, b: FloatValue, rule: NanRule): Outcome | undefined {
  if (a.class === "unsupported" || b.class === "unsupported") return invalid;
  if (!isNan(a) && !isNan(b)) return undefined;
  const signaling = a.class === "signaling" || b.class === "signaling";
  return { value: chooseNan(a, b, rule), flags: signaling ? exception.invalid : 0 };
}

const denormalFlag = (a: FloatValue, b: FloatValue): number => (a.denormal || b.denormal ? exception.denormal : 0);
const signOf = (a: FloatValue, b: FloatValue): 0 | 1 => (a.sign === b.sign ? 0 : 1);

/** Beyond this distance the smaller addend cannot change more than the last bit's rounding, in any format. */
const farApart = 300;

function exactSum(a: FloatValue, b: FloatValue, mode: Rounding): FloatValue {
  const [high, low] = a.exponent >= b.exponent ? [a, b] : [b, a];
  const top = (value: FloatValue): number => value.exponent + bitLength(value.significand);
  if (Math.abs(top(a) - top(b)) > farApart) return farSum(top(a) > top(b) ? [a, b] : [b, a]);
  const shifted = high.significand << BigInt(high.exponent - low.exponent);
  const signed = (value: FloatValue, significand: bigint): bigint => (value.sign === 1 ? -significand : significand);
  const sum = signed(high, shifted) + signed(low, low.significand);
  if (sum === 0n) return zero(mode === rounding.down ? 1 : 0);
  return sum < 0n ? finite(1, -sum, low.exponent) : finite(0, sum, low.exponent);
}

/** A number and one so small that only its sign counts. */
function farSum([large, small]: readonly [FloatValue, FloatValue]): FloatValue {
  const significand = large.significand << 128n;
  const nudged = large.sign === small.sign ? significand + 1n : significand - 1n;
  return finite(large.sign, nudged, large.exponent - 128);
}

function sum(a: FloatValue, b: FloatValue, mode: Rounding): Outcome {
  const flags = denormalFlag(a, b);
  if (a.class === "infinity" && b.class === "infinity") return a.sign === b.sign ? { value: a, flags } : invalid;
  if (a.class === "infinity") return { value: a, flags };
  if (b.class === "infinity") return { value: b, flags };
  if (a.class === "zero" && b.class === "zero")
    return { value: a.sign === b.sign ? a : zero(mode === rounding.down ? 1 : 0), flags };
  if (a.class === "zero") return { value: b, flags };
  if (b.class === "zero") return { value: a, flags };
  return { value: exactSum(a, b, mode), flags };
}

function product(a: FloatValue, b: FloatValue): Outcome {
  const flags = denormalFlag(a, b);
  const sign = signOf(a, b);
  if (a.class === "infinity" || b.class === "infinity")
    return a.class === "zero" || b.class === "zero" ? invalid : { value: infinity(sign), flags };
  if (a.class === "zero" || b.class === "zero") return { value: zero(sign), flags };
  return { value: finite(sign, a.significand * b.significand, a.exponent + b.exponent), flags };
}

/** Bits of a quotient or root: more than any format keeps, the rest is sticky. */
const enoughBits = 72;

function quotient(a: FloatValue, b: FloatValue): Outcome {
  const flags = denormalFlag(a, b);
  const sign = signOf(a, b);
  if (a.class === "infinity") return b.class === "infinity" ? invalid : { value: infinity(sign), flags };
  if (b.class === "infinity") return { value: zero(sign), flags };
  if (b.class === "zero") return a.class === "zero" ? invalid : { value: infinity(sign), flags: exception.zeroDivide };
  if (a.class === "zero") return { value: zero(sign), flags };
  const shift = Math.max(0, enoughBits + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(shift);
  const whole = dividend / b.significand;
  const value = finite(sign, whole, a.exponent - shift - b.exponent, whole * b.significand !== dividend);
  return { value, flags };
}

/** The exact result of an operation; a quotient is sticky. */
export function calculate(operation: Operation, a: FloatValue, b: FloatValue, rule: NanRule, mode: Rounding): Outcome {
  const special = ofNans(a, b, rule);
  if (special) return special;
  switch (operation) {
    case "add":
      return sum(a, b, mode);
    case "subtract":
      return sum(a, negated(b), mode);
    case "multiply":
      return product(a, b);
    case "divide":
      return quotient(a, b);
  }
}

/** Integer square root, rounded down, by Newton's method. */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(a: FloatValue): Outcome {
  const special = ofNans(a, a, "sse");
  if (special) return special;
  const flags = a.denormal ? exception.denormal : 0;
  if (a.class === "zero") return { value: a, flags };
  if (a.sign === 1) return invalid;
  if (a.class === "infinity") return { value: a, flags };
  const wanted = Math.max(0, 2 * enoughBits - bitLength(a.significand));
  const shift = (a.exponent - wanted) % 2 === 0 ? wanted : wanted + 1;
  const radicand = a.significand << BigInt(shift);
  const root = integerRoot(radicand);
  return { value: finite(0, root, (a.exponent - shift) / 2, root * root !== radicand), flags };
}

export type Relation = "less" | "equal" | "greater" | "unordered";

const signedMagnitude = ({ class: kind, sign, significand, exponent }: FloatValue, unit: number): bigint => {
  const size = kind === "zero" ? 0n : significand << BigInt(exponent - unit);
  return sign === 1 ? -size : size;
};

function relationOf(a: FloatValue, b: FloatValue): Relation {
  if (a.class === "infinity" || b.class === "infinity") {
    const rank = ({ class: kind, sign }: FloatValue): number => (kind !== "infinity" ? 0 : sign === 1 ? -1 : 1);
    return rank(a) === rank(b) ? "equal" : rank(a) < rank(b) ? "less" : "greater";
  }
  const used = [a, b].filter((value) => value.class !== "zero").map((value) => value.exponent);
  const unit = used.length === 0 ? 0 : Math.min(...used);
  const first = signedMagnitude(a, unit);
  const second = signedMagnitude(b, unit);
  return first === second ? "equal" : first < second ? "less" : "greater";
}

/** Compares; with `quiet` only signaling NaNs are invalid. */
export function compare(a: FloatValue, b: FloatValue, quiet: boolean): { relation: Relation; flags: number } {
  const unsupported = a.class === "unsupported" || b.class === "unsupported";
  if (unsupported || isNan(a) || isNan(b)) {
    const signaling = unsupported || a.class === "signaling" || b.class === "signaling";
    return { relation: "unordered", flags: signaling || !quiet ? exception.invalid : 0 };
  }
  return { relation: relationOf(a, b), flags: denormalFlag(a, b) };
}
