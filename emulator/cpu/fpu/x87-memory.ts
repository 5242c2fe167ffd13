import type { Cpu } from "../cpu.ts";
import { ofNans } from "./arithmetic.ts";
import { exception, type FloatValue, finite, indefinite, quieted, type Rounding } from "./float-value.ts";
import {
  double,
  type Format,
  packDouble,
  packExtended,
  packSingle,
  single,
  unpackDouble,
  unpackSingle,
} from "./formats.ts";
import { further, type Place } from "./memory-operand.ts";
import {
  isEmpty,
  pop,
  push,
  rawStack,
  readControl,
  readStack,
  roundingOf,
  setC1,
  setRawStack,
  setTop,
  signal,
  stackFault,
  topOf,
} from "./register-stack.ts";
import { round, roundToInteger } from "./round.ts";

/** What is at a place, as a number of the format that the instruction names. */
export const loadFloat = (cpu: Cpu, { segment, offset }: Place, width: 32 | 64): FloatValue =>
  width === 32 ? unpackSingle(BigInt(cpu.load32(segment, offset) >>> 0)) : unpackDouble(cpu.load64(segment, offset));

export function loadInteger(cpu: Cpu, { segment, offset }: Place, width: 16 | 32 | 64): FloatValue {
  const integer =
    width === 64
      ? BigInt.asIntN(64, cpu.load64(segment, offset))
      : BigInt(width === 32 ? cpu.load32(segment, offset) | 0 : (cpu.load16(segment, offset) << 16) >> 16);
  return integer < 0n ? finite(1, -integer, 0) : finite(0, integer, 0);
}

/** FLD m32, FLD m64: a signaling NaN is quieted, and a denormal signalled but loaded in any case, unless there is no room. */
export function pushLoaded(cpu: Cpu, value: FloatValue): void {
  setC1(cpu, false);
  if (isEmpty(cpu, 7)) {
    const flags = value.class === "signaling" ? exception.invalid : value.denormal ? exception.denormal : 0;
    if ((signal(cpu, flags) & exception.invalid) !== 0) return;
  }
  push(cpu, quieted(value));
}

/** FLD m80: the bits as they are. */
export function pushExtended(cpu: Cpu, significand: bigint, signExponent: number): void {
  setC1(cpu, false);
  if (!isEmpty(cpu, 7)) {
    push(cpu, indefinite);
    return;
  }
  setTop(cpu, topOf(cpu) - 1);
  setRawStack(cpu, 0, significand, signExponent);
}

/** Bits to store for ST0 in a shorter format; undefined if an unmasked exception forbids it. */
export function shortened(cpu: Cpu, width: 32 | 64): bigint | undefined {
  const format = width === 32 ? single : double;
  const pack = width === 32 ? packSingle : packDouble;
  setC1(cpu, false);
  if (isEmpty(cpu, 0)) return stackFault(cpu, false) ? pack(indefinite) : undefined;
  const value = shortenedValue(cpu, readStack(cpu, 0), format);
  return value && pack(value);
}

function shortenedValue(cpu: Cpu, exact: FloatValue, format: Format): FloatValue | undefined {
  const special = ofNans(exact, exact, "x87");
  if (special) return signal(cpu, special.flags) === 0 ? special.value : undefined;
  const { value, flags, up } = round(exact, format, roundingOf(cpu));
  const masked = (readControl(cpu) & exception.underflow) !== 0;
  const extreme = flags & (exception.overflow | exception.underflow);
  if (extreme !== 0 && (extreme & ~readControl(cpu)) !== 0) {
    signal(cpu, extreme);
    return undefined;
  }
  signal(cpu, masked && (flags & exception.precision) === 0 ? 0 : flags);
  setC1(cpu, up);
  return value;
}

const limits = { 16: 15, 32: 31, 64: 63 } as const;

/** The integer to store for ST0, unsigned; undefined if an unmasked exception forbids it. */
export function integerOf(cpu: Cpu, width: 16 | 32 | 64, mode: Rounding): bigint | undefined {
  setC1(cpu, false);
  const least = 1n << BigInt(limits[width]);
  if (isEmpty(cpu, 0)) return stackFault(cpu, false) ? least : undefined;
  const value = readStack(cpu, 0);
  const rounded = value.class === "zero" || value.class === "finite" ? roundToInteger(value, mode) : undefined;
  if (rounded === undefined || rounded.integer >= least || rounded.integer < -least)
    return signal(cpu, exception.invalid) === 0 ? least : undefined;
  signal(cpu, rounded.inexact ? exception.precision : 0);
  setC1(cpu, rounded.up);
  return BigInt.asUintN(width, rounded.integer);
}

/** 80 bits in memory: FLD m80, FSTP m80, FBLD, FBSTP. */
export interface TenBytes {
  readonly low: bigint;
  readonly high: number;
}

export function loadTenBytes(cpu: Cpu, place: Place): TenBytes {
  const after = further(place, 8);
  return { low: cpu.load64(place.segment, place.offset), high: cpu.load16(after.segment, after.offset) };
}

export function storeTenBytes(cpu: Cpu, place: Place, { low, high }: TenBytes): void {
  const after = further(place, 8);
  cpu.store64(place.segment, place.offset, low);
  cpu.store16(after.segment, after.offset, high);
}

/** ST0 as FSTP m80 stores it. */
export function extendedTop(cpu: Cpu): TenBytes | undefined {
  setC1(cpu, false);
  if (isEmpty(cpu, 0)) {
    if (!stackFault(cpu, false)) return undefined;
    const { significand, signExponent } = packExtended(indefinite);
    return { low: significand, high: signExponent };
  }
  const { significand, signExponent } = rawStack(cpu, 0);
  return { low: significand, high: signExponent };
}

/** A packed decimal number: 18 digits, two a byte, and a byte with the sign. */
export function fromDecimal({ low, high }: TenBytes): FloatValue {
  const digits = low | (BigInt(high & 0xff) << 64n);
  let value = 0n;
  for (let digit = 17; digit >= 0; digit--) value = value * 10n + ((digits >> BigInt(4 * digit)) & 15n);
  const sign = (high & 0x8000) === 0 ? 0 : 1;
  return finite(sign, value, 0);
}

const decimalIndefinite: TenBytes = { low: 0xc000_0000_0000_0000n, high: 0xffff };

/** ST0 as FBSTP stores it. */
export function decimalTop(cpu: Cpu): TenBytes | undefined {
  setC1(cpu, false);
  if (isEmpty(cpu, 0)) return stackFault(cpu, false) ? decimalIndefinite : undefined;
  const value = readStack(cpu, 0);
  const rounded =
    value.class === "zero" || value.class === "finite" ? roundToInteger(value, roundingOf(cpu)) : undefined;
  const size = rounded && (rounded.integer < 0n ? -rounded.integer : rounded.integer);
  if (!rounded || size === undefined || size >= 10n ** 18n)
    return signal(cpu, exception.invalid) === 0 ? decimalIndefinite : undefined;
  signal(cpu, rounded.inexact ? exception.precision : 0);
  setC1(cpu, rounded.up);
  let packed = 0n;
  let rest = size;
  for (let digit = 0n; digit < 18n; digit++, rest /= 10n) packed |= (rest % 10n) << (4n * digit);
  return { low: BigInt.asUintN(64, packed), high: Number(packed >> 64n) | (value.sign === 1 ? 0x8000 : 0) };
}

/** FST STi, FSTP STi. */
export function copyTop(cpu: Cpu, place: number, pops: boolean): void {
  setC1(cpu, false);
  const bits = extendedTop(cpu);
  if (!bits) return;
  setRawStack(cpu, place, bits.low, bits.high);
  if (pops) pop(cpu);
}

/** FLD STi. */
export function pushCopy(cpu: Cpu, place: number): void {
  setC1(cpu, false);
  if (!isEmpty(cpu, 7)) {
    push(cpu, indefinite);
    return;
  }
  if (isEmpty(cpu, place)) {
    if (stackFault(cpu, false)) push(cpu, indefinite);
    return;
  }
  const { significand, signExponent } = rawStack(cpu, place);
  pushExtended(cpu, significand, signExponent);
}
