import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { setStatusFlags } from "../flags.ts";
import { calculate, compare, type Operation, type Outcome, ofNans, type Relation, squareRoot } from "./arithmetic.ts";
import { exception, type FloatValue, finite, indefinite, magnitude, withSign, zero } from "./float-value.ts";
import { extended } from "./formats.ts";
import {
  formatOf,
  isEmpty,
  pop,
  push,
  rawStack,
  readStack,
  roundingOf,
  setC1,
  setC2,
  setConditions,
  setRawStack,
  setTop,
  signal,
  stackFault,
  status,
  topOf,
  writeStack,
} from "./register-stack.ts";
import { roundToInteger } from "./round.ts";
import { deliver, deliverMissing, settle } from "./x87-results.ts";

export interface Kind {
  readonly operation: Operation;
  /** The source is the first operand of the operation: FSUBR, FDIVR. */
  readonly reversed: boolean;
  readonly pops: boolean;
}

/** FADD and its like between two registers, or a register and a value from memory (`source` a number: its place). */
export function combine(cpu: Cpu, kind: Kind, destination: number, source: number | FloatValue): void {
  const missing = isEmpty(cpu, destination) || (typeof source === "number" && isEmpty(cpu, source));
  if (missing) {
    deliverMissing(cpu, destination, kind.pops);
    return;
  }
  const first = readStack(cpu, destination);
  const second = typeof source === "number" ? readStack(cpu, source) : source;
  const [a, b] = kind.reversed ? [second, first] : [first, second];
  const outcome = calculate(kind.operation, a, b, "x87", roundingOf(cpu));
  deliver(cpu, destination, outcome, formatOf(cpu), kind.pops);
}

const conditions: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: status.c0,
  equal: status.c3,
  unordered: status.c0 | status.c2 | status.c3,
};

const relationFlags: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: flagMask("CF"),
  equal: flagMask("ZF"),
  unordered: flagMask("CF") | flagMask("PF") | flagMask("ZF"),
};

export interface Comparison {
  /** A quiet NaN is no invalid operation (FUCOM). */
  readonly quiet: boolean;
  readonly pops: 0 | 1 | 2;
  /** The result goes to EFLAGS (FCOMI). */
  readonly toFlags: boolean;
}

/** FCOM and its like: ST0 with a register, or with a value from memory. */
export function order(cpu: Cpu, { quiet, pops, toFlags }: Comparison, source: number | FloatValue): void {
  setC1(cpu, false);
  const missing = isEmpty(cpu, 0) || (typeof source === "number" && isEmpty(cpu, source));
  let relation: Relation = "unordered";
  let masked: boolean;
  if (missing) masked = stackFault(cpu, false);
  else {
    const outcome = compare(readStack(cpu, 0), typeof source === "number" ? readStack(cpu, source) : source, quiet);
    masked = signal(cpu, outcome.flags) === 0;
    relation = outcome.relation;
  }
  if (toFlags) setStatusFlags(cpu, relationFlags[relation]);
  else setConditions(cpu, conditions[relation]);
  for (let n = 0; masked && n < pops; n++) pop(cpu);
}

/** FXAM: what ST0 is, in C3, C2 and C0, and its sign in C1. */
export function examine(cpu: Cpu): void {
  const value = readStack(cpu, 0);
  const classes = {
    unsupported: 0,
    quiet: status.c0,
    signaling: status.c0,
    finite: value.denormal ? status.c2 | status.c3 : status.c2,
    infinity: status.c0 | status.c2,
    zero: status.c3,
  } as const;
  const negative = (rawStack(cpu, 0).signExponent & 0x8000) !== 0;
  setConditions(cpu, isEmpty(cpu, 0) ? status.c0 | status.c3 : classes[value.class]);
  setC1(cpu, negative);
}

/** FCHS and FABS change a bit of whatever is there. */
export function changeSign(cpu: Cpu, change: (signExponent: number) => number): void {
  if (isEmpty(cpu, 0)) {
    deliverMissing(cpu, 0);
    return;
  }
  setC1(cpu, false);
  const { significand, signExponent } = rawStack(cpu, 0);
  setRawStack(cpu, 0, significand, change(signExponent));
}

/** An instruction that replaces ST0 by a function of it. */
export function replaceTop(cpu: Cpu, calculated: (value: FloatValue) => Outcome, format = extended): void {
  if (isEmpty(cpu, 0)) deliverMissing(cpu, 0);
  else deliver(cpu, 0, calculated(readStack(cpu, 0)), format);
}

export const root = (cpu: Cpu): void => replaceTop(cpu, squareRoot, formatOf(cpu));

/** FRNDINT. */
export function roundTop(cpu: Cpu): void {
  if (isEmpty(cpu, 0)) {
    deliverMissing(cpu, 0);
    return;
  }
  setC1(cpu, false);
  const value = readStack(cpu, 0);
  const special = ofNans(value, value, "x87");
  if (special || value.class !== "finite") {
    deliver(cpu, 0, special ?? { value, flags: 0 }, extended);
    return;
  }
  if (signal(cpu, value.denormal ? exception.denormal : 0) !== 0) return;
  if (value.exponent >= 0) return;
  const { integer, inexact, up } = roundToInteger(value, roundingOf(cpu));
  signal(cpu, inexact ? exception.precision : 0);
  setC1(cpu, up);
  writeStack(cpu, 0, integer === 0n ? zero(value.sign) : finite(value.sign, integer < 0n ? -integer : integer, 0));
}

/** FSCALE: ST0 × 2^ST1, ST1 truncated. */
export function scale(value: FloatValue, by: FloatValue): Outcome {
  const special = ofNans(value, by, "x87");
  if (special) return special;
  const flags = value.denormal || by.denormal ? exception.denormal : 0;
  if (by.class === "infinity") return scaleByInfinity(value, by, flags);
  if (value.class !== "finite" || by.class === "zero") return { value, flags };
  // Beyond this every result overflows or underflows, also with an adjusted exponent.
  const limit = 0x1_0000;
  const { integer } = magnitude(by) > 20 ? { integer: BigInt(by.sign === 1 ? -limit : limit) } : roundToInteger(by, 3);
  return { value: finite(value.sign, value.significand, value.exponent + Number(integer)), flags };
}

function scaleByInfinity(value: FloatValue, by: FloatValue, flags: number): Outcome {
  const wrong = by.sign === 1 ? value.class === "infinity" : value.class === "zero";
  if (wrong) return { value: indefinite, flags: exception.invalid };
  const kept = value.class === "infinity" || value.class === "zero";
  if (kept) return { value, flags };
  return { value: by.sign === 1 ? zero(value.sign) : withSign(by, value.sign), flags };
}

interface Division {
  readonly remainder: FloatValue;
  /** Low three bits of the quotient; undefined if the reduction is not complete. */
  readonly quotient: number | undefined;
}

/** One step of FPREM or FPREM1 for finite operands: complete if the exponents are less than 64 apart. */
function reduce(a: FloatValue, b: FloatValue, toNearest: boolean): Division {
  const distance = magnitude(a) - magnitude(b);
  if (distance < -1 || (distance < 0 && !toNearest)) return { remainder: a, quotient: 0 };
  const unit = Math.min(a.exponent, b.exponent);
  const dividend = a.significand << BigInt(a.exponent - unit);
  const divisor = b.significand << BigInt(b.exponent - unit);
  if (distance >= 64) {
    const shifted = divisor << BigInt(distance - ((distance & 31) | 32));
    return { remainder: remainderOf(a, dividend % shifted, unit), quotient: undefined };
  }
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  if (toNearest && (2n * rest > divisor || (2n * rest === divisor && (quotient & 1n) === 1n))) {
    quotient += 1n;
    rest -= divisor;
  }
  return { remainder: remainderOf(a, rest, unit), quotient: Number(quotient & 7n) };
}

/** A remainder has the sign of the dividend, or the other one where the quotient was rounded up. */
function remainderOf({ sign }: FloatValue, rest: bigint, unit: number): FloatValue {
  if (rest === 0n) return zero(sign);
  return rest < 0n ? finite(sign === 1 ? 0 : 1, -rest, unit) : finite(sign, rest, unit);
}

/** FPREM, FPREM1. */
export function partialRemainder(cpu: Cpu, toNearest: boolean): void {
  setC2(cpu, false);
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) {
    deliverMissing(cpu, 0);
    return;
  }
  const a = readStack(cpu, 0);
  const b = readStack(cpu, 1);
  const special = ofNans(a, b, "x87");
  const wrong = a.class === "infinity" || b.class === "zero";
  if (special || wrong) {
    deliver(cpu, 0, special ?? { value: indefinite, flags: exception.invalid }, extended);
    return;
  }
  const flags = a.denormal || b.denormal ? exception.denormal : 0;
  const complete: Division = { remainder: a, quotient: 0 };
  const { remainder, quotient } = a.class === "zero" || b.class === "infinity" ? complete : reduce(a, b, toNearest);
  const value = settle(cpu, { value: remainder, flags }, extended);
  if (value === undefined) return;
  writeStack(cpu, 0, value);
  if (quotient === undefined) {
    setConditions(cpu, status.c2);
    return;
  }
  setConditions(cpu, ((quotient & 4) !== 0 ? status.c0 : 0) | ((quotient & 2) !== 0 ? status.c3 : 0));
  setC1(cpu, (quotient & 1) !== 0);
}

/** FXTRACT: the exponent in place of ST0, the significand on top. */
export function extract(cpu: Cpu): void {
  setC1(cpu, false);
  if (isEmpty(cpu, 0) || !isEmpty(cpu, 7)) {
    if (!stackFault(cpu, !isEmpty(cpu, 0))) return;
    writeStack(cpu, 0, indefinite);
    setTop(cpu, topOf(cpu) - 1);
    writeStack(cpu, 0, indefinite);
    return;
  }
  const value = readStack(cpu, 0);
  const parts = partsOf(value);
  if (signal(cpu, parts.flags) !== 0) return;
  writeStack(cpu, 0, parts.exponent);
  push(cpu, parts.significand);
}

function partsOf(value: FloatValue): { exponent: FloatValue; significand: FloatValue; flags: number } {
  const special = ofNans(value, value, "x87");
  if (special) return { exponent: special.value, significand: special.value, flags: special.flags };
  if (value.class === "infinity") return { exponent: withSign(value, 0), significand: value, flags: 0 };
  if (value.class === "zero")
    return { exponent: { ...withSign(value, 1), class: "infinity" }, significand: value, flags: exception.zeroDivide };
  const exponent = magnitude(value);
  const size = finite(exponent < 0 ? 1 : 0, BigInt(Math.abs(exponent)), 0);
  const significand = finite(value.sign, value.significand, value.exponent - exponent);
  return { exponent: size, significand, flags: value.denormal ? exception.denormal : 0 };
}

/** FXCH: a register that is empty counts as the indefinite NaN. */
export function exchange(cpu: Cpu, place: number): void {
  setC1(cpu, false);
  if (isEmpty(cpu, 0) || isEmpty(cpu, place)) {
    const empty = [0, place].filter((at) => isEmpty(cpu, at));
    if (!stackFault(cpu, false)) return;
    for (const at of empty) writeStack(cpu, at, indefinite);
  }
  const top = rawStack(cpu, 0);
  const other = rawStack(cpu, place);
  setRawStack(cpu, 0, other.significand, other.signExponent);
  setRawStack(cpu, place, top.significand, top.signExponent);
}

/** FCMOVcc: both registers must be there, whether the condition holds or not. */
export function moveIf(cpu: Cpu, holds: boolean, place: number): void {
  if (isEmpty(cpu, 0) || isEmpty(cpu, place)) {
    deliverMissing(cpu, 0);
    return;
  }
  if (!holds) return;
  const { significand, signExponent } = rawStack(cpu, place);
  setRawStack(cpu, 0, significand, signExponent);
}

/** FCMOVcc's condition, by the letters of its name. */
export function conditionHolds(flags: number, { row }: Decoded): boolean {
  const name = row.mnemonic.slice("fcmov".length);
  const negative = name.startsWith("n");
  const masks: Readonly<Record<string, number>> = {
    b: flagMask("CF"),
    e: flagMask("ZF"),
    be: flagMask("CF") | flagMask("ZF"),
    u: flagMask("PF"),
  };
  return ((flags & (masks[negative ? name.slice(1) : name] ?? 0)) !== 0) !== negative;
}
