import type { Cpu } from "../cpu.ts";
import { hardwareFault, vector } from "../fault.ts";
import { layout } from "../layout.ts";
import { CR4 } from "../state.ts";
import type { Outcome } from "./arithmetic.ts";
import { exception, type FloatValue, type Rounding, zero } from "./float-value.ts";
import type { Format } from "./formats.ts";
import { round } from "./round.ts";

const word = layout.mxcsr >> 2;
const denormalsAreZeros = 0x40;
const flushToZero = 0x8000;
const beforeResult = exception.invalid | exception.denormal | exception.zeroDivide;

/** What MXCSR says about one instruction, and the flags of all its elements. */
export interface Control {
  readonly mode: Rounding;
  readonly denormalsAreZeros: boolean;
  readonly flushToZero: boolean;
  /** Exceptions that are masked, as their flags. */
  readonly masked: number;
  /** Rounded to nearest, denormals kept, nothing unmasked: numbers of the middle range can be left to JavaScript. */
  readonly plain: boolean;
  flags: number;
}

/** Reused: only one instruction is under way. */
const control: { -readonly [K in keyof Control]: Control[K] } = {
  mode: 0,
  denormalsAreZeros: false,
  flushToZero: false,
  masked: 0,
  plain: true,
  flags: 0,
};

export function begin(cpu: Cpu): Control {
  const mxcsr = cpu.u32[word]!;
  control.mode = ((mxcsr >> 13) & 3) as Rounding;
  control.denormalsAreZeros = (mxcsr & denormalsAreZeros) !== 0;
  control.flushToZero = (mxcsr & flushToZero) !== 0;
  control.masked = (mxcsr >> 7) & 0x3f;
  control.plain = (mxcsr & ~0x3f) === 0x1f80;
  // A flag that is set already need not be found out again, unless its exception would be raised.
  control.flags = control.plain ? mxcsr & exception.precision : 0;
  return control;
}

/**
 * Sets the flags. #XM (#UD without CR4.OSXMMEXCPT) if one of them is not masked; then the result must not be written. An
 * exception of the operands keeps those of the result from being looked at.
 */
export function finish(cpu: Cpu, { flags, masked }: Control): void {
  if (flags === 0) return;
  const unmasked = flags & ~masked;
  cpu.u32[word]! |= (unmasked & beforeResult) !== 0 ? flags & beforeResult : flags;
  if (unmasked !== 0) throw hardwareFault((cpu.cr4 & CR4.OSXMMEXCPT) === 0 ? vector.UD : vector.XM);
}

/** An operand, with a denormal taken for zero if that is asked for. */
export const operandOf = (value: FloatValue, { denormalsAreZeros: zeros }: Control): FloatValue =>
  zeros && value.denormal ? zero(value.sign) : value;

/** A result rounded to its format, with its flags noted. */
export function resultOf({ value, flags }: Outcome, format: Format, of: Control): FloatValue {
  of.flags |= flags;
  const rounded = round(value, format, of.mode);
  const extreme = rounded.flags & (exception.overflow | exception.underflow);
  if ((extreme & ~of.masked) !== 0) {
    of.flags |= extreme | (rounded.always ? exception.precision : 0);
    return rounded.value;
  }
  if ((extreme & exception.underflow) === 0) {
    of.flags |= rounded.flags;
    return rounded.value;
  }
  if (of.flushToZero) {
    of.flags |= exception.underflow | exception.precision;
    return zero(rounded.value.sign);
  }
  // Masked, an underflow is one only if it is inexact.
  if ((rounded.flags & exception.precision) !== 0) of.flags |= rounded.flags;
  return rounded.value;
}
