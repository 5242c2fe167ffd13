import type { Cpu } from "../cpu.ts";
import { layout } from "../layout.ts";
import { exception, type FloatValue, indefinite, type Rounding } from "./float-value.ts";
import { double, extended, type Format, packExtended, single, unpackExtended } from "./formats.ts";

const statusWord = layout.x87Status >> 2;
const controlWord = layout.x87Control >> 2;
const emptyWord = layout.x87Empty >> 2;

/** Bits of the status word beyond the exception flags. */
export const status = {
  stackFault: 0x40,
  errorSummary: 0x80,
  c0: 0x100,
  c1: 0x200,
  c2: 0x400,
  top: 0x3800,
  c3: 0x4000,
  busy: 0x8000,
} as const;

export const readStatus = (cpu: Cpu): number => cpu.u32[statusWord]!;
export const readControl = (cpu: Cpu): number => cpu.u32[controlWord]!;

/** Sets the status word; error summary and busy follow from the flags and masks. */
export function setStatus(cpu: Cpu, value: number): void {
  const plain = value & 0x7f7f;
  const pending = (plain & ~cpu.u32[controlWord]! & 0x3f) !== 0;
  cpu.u32[statusWord] = pending ? plain | status.errorSummary | status.busy : plain;
}

/** Bit 6 of the control word is always set. */
export function setControl(cpu: Cpu, value: number): void {
  cpu.u32[controlWord] = (value & 0x1f3f) | 0x40;
  setStatus(cpu, cpu.u32[statusWord]!);
}

export const roundingOf = (cpu: Cpu): Rounding => ((readControl(cpu) >> 10) & 3) as Rounding;

/** Precision control shortens the significand, not the exponent. */
const formats: readonly Format[] = [single, extended, double, extended].map(({ precision }) => ({
  ...extended,
  precision,
}));
export const formatOf = (cpu: Cpu): Format => formats[(readControl(cpu) >> 8) & 3]!;

export const topOf = (cpu: Cpu): number => (cpu.u32[statusWord]! >> 11) & 7;
export function setTop(cpu: Cpu, top: number): void {
  cpu.u32[statusWord] = (cpu.u32[statusWord]! & ~status.top) | ((top & 7) << 11);
}

const numberOf = (cpu: Cpu, place: number): number => (topOf(cpu) + place) & 7;

export const isEmpty = (cpu: Cpu, place: number): boolean => ((cpu.u32[emptyWord]! >> numberOf(cpu, place)) & 1) !== 0;
export function setEmpty(cpu: Cpu, place: number): void {
  cpu.u32[emptyWord]! |= 1 << numberOf(cpu, place);
}

/** Bits of a register, by number. */
export function rawRegister(cpu: Cpu, number: number): { significand: bigint; signExponent: number } {
  const at = layout.x87Registers + 16 * number;
  return { significand: cpu.r64[at >> 3]!, signExponent: cpu.r16[(at + 8) >> 1]! };
}

export function setRawRegister(cpu: Cpu, number: number, significand: bigint, signExponent: number): void {
  const at = layout.x87Registers + 16 * number;
  cpu.r64[at >> 3] = significand;
  cpu.r16[(at + 8) >> 1] = signExponent;
}

/** The register `place` below the top of the stack; its tag is not looked at. */
export function readStack(cpu: Cpu, place: number): FloatValue {
  const { significand, signExponent } = rawRegister(cpu, numberOf(cpu, place));
  return unpackExtended(significand, signExponent);
}

export function rawStack(cpu: Cpu, place: number): { significand: bigint; signExponent: number } {
  return rawRegister(cpu, numberOf(cpu, place));
}

export function setRawStack(cpu: Cpu, place: number, significand: bigint, signExponent: number): void {
  const number = numberOf(cpu, place);
  setRawRegister(cpu, number, significand, signExponent);
  cpu.u32[emptyWord]! &= ~(1 << number);
}

/** Writes a value that fits the extended format. */
export function writeStack(cpu: Cpu, place: number, value: FloatValue): void {
  const { significand, signExponent } = packExtended(value);
  setRawStack(cpu, place, significand, signExponent);
}

export function pop(cpu: Cpu): void {
  setEmpty(cpu, 0);
  setTop(cpu, topOf(cpu) + 1);
}

export function setC1(cpu: Cpu, value: boolean): void {
  cpu.u32[statusWord] = value ? cpu.u32[statusWord]! | status.c1 : cpu.u32[statusWord]! & ~status.c1;
}

/** C2 as given, C1 clear; C0 and C3 stay. */
export function setC2(cpu: Cpu, value: boolean): void {
  const plain = cpu.u32[statusWord]! & ~(status.c1 | status.c2);
  cpu.u32[statusWord] = value ? plain | status.c2 : plain;
}

/** C3, C2 and C0, as bits of `status`; C1 is cleared. */
export function setConditions(cpu: Cpu, bits: number): void {
  cpu.u32[statusWord] = (cpu.u32[statusWord]! & ~(status.c0 | status.c1 | status.c2 | status.c3)) | bits;
}

/** Sets exception flags. Gives those of them that are not masked. */
export function signal(cpu: Cpu, flags: number): number {
  if (flags === 0) return 0;
  setStatus(cpu, cpu.u32[statusWord]! | flags);
  return flags & ~readControl(cpu) & 0x3f;
}

/**
 * An operand is an empty register, or a result has no place: the invalid operation with its own flag; C1 tells which.
 * True if it is masked: then the result is the indefinite NaN.
 */
export function stackFault(cpu: Cpu, overflow: boolean): boolean {
  setC1(cpu, overflow);
  return signal(cpu, exception.invalid | status.stackFault) === 0;
}

/** Makes room and writes. False if there was none and that is not masked: nothing has happened then. */
export function push(cpu: Cpu, value: FloatValue): boolean {
  if (!isEmpty(cpu, 7)) {
    if (!stackFault(cpu, true)) return false;
    setTop(cpu, topOf(cpu) - 1);
    writeStack(cpu, 0, indefinite);
    return true;
  }
  setTop(cpu, topOf(cpu) - 1);
  writeStack(cpu, 0, value);
  return true;
}

/** The state after FNINIT (SDM Vol. 1, 8.1.3 to 8.1.9). The registers keep their contents. */
export function initialize(cpu: Cpu): void {
  cpu.u32[controlWord] = 0x37f;
  cpu.u32[statusWord] = 0;
  cpu.u32[emptyWord] = 0xff;
  cpu.u32[layout.x87Opcode >> 2] = 0;
  cpu.r64[layout.x87InstructionPointer >> 3] = 0n;
  cpu.r64[layout.x87DataPointer >> 3] = 0n;
  cpu.u32[layout.x87CodeSelector >> 2] = 0;
  cpu.u32[layout.x87DataSelector >> 2] = 0;
}

/** The state after RESET: registers +0 and in use, all exceptions unmasked, MXCSR with all masked. */
export function resetFloatingPoint(cpu: Cpu): void {
  initialize(cpu);
  cpu.u32[controlWord] = 0x40;
  cpu.u32[emptyWord] = 0;
  cpu.u32[layout.mxcsr >> 2] = 0x1f80;
}

/** Two bits a register, by number: 0 valid, 1 zero, 2 special, 3 empty. */
export function tagWord(cpu: Cpu): number {
  let tags = 0;
  for (let number = 0; number < 8; number++) tags |= tagOf(cpu, number) << (2 * number);
  return tags;
}

function tagOf(cpu: Cpu, number: number): number {
  if (((cpu.u32[emptyWord]! >> number) & 1) !== 0) return 3;
  const { significand, signExponent } = rawRegister(cpu, number);
  const field = signExponent & 0x7fff;
  if (field === 0) return significand === 0n ? 1 : 2;
  return field === 0x7fff || significand >> 63n === 0n ? 2 : 0;
}

/** Only whether a register is empty is taken from a tag word; the rest follows from the registers. */
export function setTagWord(cpu: Cpu, tags: number): void {
  let empty = 0;
  for (let number = 0; number < 8; number++) if (((tags >> (2 * number)) & 3) === 3) empty |= 1 << number;
  cpu.u32[emptyWord] = empty;
}

/** What every MMX instruction does to the x87 unit: the top is register 0 and all registers are in use. */
export function enterMmx(cpu: Cpu): void {
  setTop(cpu, 0);
  cpu.u32[emptyWord] = 0;
}

/** EMMS. */
export function leaveMmx(cpu: Cpu): void {
  setTop(cpu, 0);
  cpu.u32[emptyWord] = 0xff;
}
