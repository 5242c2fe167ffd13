import type { Cpu } from "../cpu.ts";
import type { Outcome } from "./arithmetic.ts";
import { exception, type FloatValue, indefinite, infinity, zero } from "./float-value.ts";
import { extended, type Format } from "./formats.ts";
import {
  isEmpty,
  pop,
  readControl,
  readStack,
  roundingOf,
  setC1,
  signal,
  stackFault,
  writeStack,
} from "./register-stack.ts";
import { round } from "./round.ts";

/** What an unmasked overflow or underflow moves the exponent by, so that a handler can find the true result. */
const adjustment = 24576;
const beforeResult = exception.invalid | exception.denormal | exception.zeroDivide;

/** A result for a register: rounded, with the flags of it all signalled. Undefined if an unmasked exception forbids it. */
export function settle(cpu: Cpu, { value, flags }: Outcome, format: Format): FloatValue | undefined {
  const mode = roundingOf(cpu);
  setC1(cpu, false);
  if ((signal(cpu, flags) & beforeResult) !== 0) return undefined;
  const rounded = round(value, format, mode);
  const extreme = rounded.flags & (exception.overflow | exception.underflow);
  if (extreme === 0) {
    signal(cpu, rounded.flags);
    setC1(cpu, rounded.up);
    return rounded.value;
  }
  if (signal(cpu, extreme & exception.overflow) !== 0) return adjusted(cpu, value, format, -adjustment);
  // Masked, an underflow is one only if it is inexact.
  const inexact = (rounded.flags & exception.precision) !== 0;
  const isUnderflow = (extreme & exception.underflow) !== 0;
  if (isUnderflow && isUnmasked(cpu, exception.underflow)) {
    signal(cpu, exception.underflow);
    return adjusted(cpu, value, format, adjustment);
  }
  signal(cpu, inexact ? rounded.flags : 0);
  setC1(cpu, rounded.up);
  return rounded.value;
}

const isUnmasked = (cpu: Cpu, flag: number): boolean => (readControl(cpu) & flag) === 0;

/** The result with its exponent moved back and rounded there; infinity or zero where FSCALE leaves it out of range even so. */
function adjusted(cpu: Cpu, exact: FloatValue, format: Format, by: number): FloatValue {
  const { value, flags, up } = round({ ...exact, exponent: exact.exponent + by }, format, roundingOf(cpu));
  signal(cpu, flags & exception.precision);
  if ((flags & exception.overflow) !== 0) {
    setC1(cpu, true);
    return infinity(exact.sign);
  }
  const lost = (flags & exception.underflow) !== 0;
  setC1(cpu, up && !lost);
  return lost ? zero(exact.sign) : value;
}

/** Writes a result to the register `place` below the top, then pops if the instruction does. */
export function deliver(cpu: Cpu, place: number, outcome: Outcome, format: Format, pops = false): void {
  const value = settle(cpu, outcome, format);
  if (value === undefined) return;
  writeStack(cpu, place, value);
  if (pops) pop(cpu);
}

/** An operand was missing: the indefinite NaN for the result, if that is masked. */
export function deliverMissing(cpu: Cpu, place: number, pops = false): void {
  if (!stackFault(cpu, false)) return;
  writeStack(cpu, place, indefinite);
  if (pops) pop(cpu);
}

/** ST0 or, if the instruction pops, ST1, replaced by a function of ST0 and ST1. */
export function replaceBinary(cpu: Cpu, of: (top: FloatValue, next: FloatValue) => Outcome, pops: boolean): void {
  const place = pops ? 1 : 0;
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) deliverMissing(cpu, place, pops);
  else deliver(cpu, place, of(readStack(cpu, 0), readStack(cpu, 1)), extended, pops);
}
