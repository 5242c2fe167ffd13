import { bitLength, exception, type FloatValue, finite, infinity, type Rounding, rounding } from "./float-value.ts";
import type { Format } from "./formats.ts";

/** A value rounded to a format, with what happened on the way. */
export interface Rounded {
  readonly value: FloatValue;
  /** `precision`; `overflow`; `underflow` if the result is tiny after rounding, exact or not. */
  readonly flags: number;
  /** The magnitude was rounded up. */
  readonly up: boolean;
  /** It would be inexact with any exponent: what counts where overflow or underflow is not masked. */
  readonly always: boolean;
}

interface Cut {
  readonly significand: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Whether what is left after cutting is to be rounded away from zero. `half`: -1 below, 0 exactly, 1 above a half. */
function roundsUp(mode: Rounding, sign: 0 | 1, odd: boolean, half: -1 | 0 | 1): boolean {
  switch (mode) {
    case rounding.nearest:
      return half > 0 || (half === 0 && odd);
    case rounding.down:
      return sign === 1;
    case rounding.up:
      return sign === 0;
    default:
      return false;
  }
}

/** Drops the low `count` bits; a negative count appends zeros. */
function cut({ sign, significand, sticky }: FloatValue, count: number, mode: Rounding): Cut {
  if (count <= 0) return { significand: significand << BigInt(-count), inexact: false, up: false };
  const shift = BigInt(count);
  const kept = significand >> shift;
  const rest = significand - (kept << shift);
  if (rest === 0n && !sticky) return { significand: kept, inexact: false, up: false };
  const middle = 1n << (shift - 1n);
  const half = rest < middle ? -1 : rest > middle || sticky ? 1 : 0;
  const up = roundsUp(mode, sign, (kept & 1n) === 1n, half);
  return { significand: up ? kept + 1n : kept, inexact: true, up };
}

/** The value with so many bits that cutting to any format drops some, where it is sticky. */
const widened = (value: FloatValue): FloatValue =>
  value.sticky
    ? { ...value, significand: (value.significand << 70n) | 1n, exponent: value.exponent - 70, sticky: false }
    : value;

function overflowed(sign: 0 | 1, { precision, greatest }: Format, mode: Rounding, always: boolean): Rounded {
  const up =
    mode === rounding.nearest || (mode === rounding.up && sign === 0) || (mode === rounding.down && sign === 1);
  const largest = finite(sign, (1n << BigInt(precision)) - 1n, greatest - precision + 1);
  return { value: up ? infinity(sign) : largest, flags: exception.overflow | exception.precision, up, always };
}

/** Rounds a finite value to a format; anything else is its own rounding. */
export function round(exact: FloatValue, format: Format, mode: Rounding): Rounded {
  if (exact.class !== "finite") return { value: exact, flags: 0, up: false, always: false };
  const value = widened(exact);
  const { sign, exponent, significand } = value;
  const leading = exponent + bitLength(significand) - 1;
  const unit = leading - format.precision + 1;
  const normal = cut(value, unit - exponent, mode);
  const rounded = unit + bitLength(normal.significand) - 1;
  if (rounded > format.greatest) return overflowed(sign, format, mode, normal.inexact);
  const tiny = rounded < format.smallest;
  if (leading >= format.smallest) {
    const flags = normal.inexact ? exception.precision : 0;
    return { value: finite(sign, normal.significand, unit), flags, up: normal.up, always: normal.inexact };
  }
  const last = format.smallest - format.precision + 1;
  const small = cut(value, last - exponent, mode);
  const flags = (small.inexact ? exception.precision : 0) | (tiny ? exception.underflow : 0);
  return { value: finite(sign, small.significand, last), flags, up: small.up, always: normal.inexact };
}

/** A finite value or zero rounded to an integer. */
export function roundToInteger(
  exact: FloatValue,
  mode: Rounding,
): { readonly integer: bigint } & Omit<Cut, "significand"> {
  if (exact.class === "zero") return { integer: 0n, inexact: false, up: false };
  const { exponent, sign, significand } = exact;
  // Far below one half: only that it is not zero matters.
  const value = exponent < -400 && bitLength(significand) < 200 ? { ...exact, significand: 1n, exponent: -400 } : exact;
  const result = cut(value, -value.exponent, mode);
  return { integer: sign === 1 ? -result.significand : result.significand, inexact: result.inexact, up: result.up };
}
