import { insideLimit } from "../mmu/linear-addresses.ts";
import type { Cpu } from "./cpu.ts";
import { hardwareFault, vector } from "./fault.ts";
import { accessBits } from "./layout.ts";
import type { Segment } from "./state.ts";

const RSP = 4;

/** RSP, ESP or SP: signed canonical for 64 bits, unsigned otherwise. */
export function stackPointer(cpu: Cpu, bits: 16 | 32 | 64): number {
  if (bits === 16) return cpu.r16[RSP * 4]!;
  if (bits === 32) return cpu.u32[RSP * 2]!;
  return cpu.r32[RSP * 2 + 1]! * 2 ** 32 + cpu.u32[RSP * 2]!;
}

/** Writes the stack pointer; 16 bits keep the rest of ESP, 32 bits clear the rest of RSP. */
export function setStackPointer(cpu: Cpu, bits: 16 | 32 | 64, value: number): void {
  if (bits === 16) cpu.r16[RSP * 4] = value;
  else {
    cpu.r32[RSP * 2] = value;
    cpu.r32[RSP * 2 + 1] = bits === 32 ? 0 : Math.floor(value / 2 ** 32);
  }
}

/** Writes the stack pointer at the width the stack has now, from a value that may be any 64 bits. */
export function loadStackPointer(cpu: Cpu, value: bigint): void {
  const { stackBits } = cpu;
  if (stackBits === 64) cpu.r64[RSP] = BigInt.asUintN(64, value);
  else setStackPointer(cpu, stackBits, Number(BigInt.asUintN(stackBits, value)));
}

/** Stack-pointer width of a stack segment outside 64-bit code. */
export const stackBitsOf = (ss: Segment): 16 | 32 => ((ss.access & accessBits.db) !== 0 ? 32 : 16);

export interface StackOptions {
  readonly segment: Segment;
  readonly bits: 16 | 32 | 64;
  readonly pointer: number;
  /** Accesses are made with user privilege. */
  readonly user: boolean;
  /** Error code of the #SS if an access does not fit. */
  readonly errorCode: number;
}

/**
 * A stack being built or read by an interrupt, call or return before (or after) it is the processor's own: its pointer is
 * kept aside until nothing can fault any more.
 */
export class Frame {
  readonly #cpu: Cpu;
  readonly #options: StackOptions;
  pointer: number;

  constructor(cpu: Cpu, options: StackOptions) {
    this.#cpu = cpu;
    this.#options = options;
    this.pointer = options.pointer;
  }

  /** The processor's present stack. */
  static current(cpu: Cpu, errorCode = 0): Frame {
    const bits = cpu.stackBits;
    return new Frame(cpu, {
      segment: cpu.segment(2),
      bits,
      pointer: stackPointer(cpu, bits),
      user: cpu.cpl === 3,
      errorCode,
    });
  }

  #wrap(pointer: number): number {
    const { bits } = this.#options;
    if (bits === 64) return pointer;
    return bits === 32 ? pointer >>> 0 : pointer & 0xffff;
  }

  #linear(pointer: number, bytes: number): number {
    const { bits, segment, errorCode, user } = this.#options;
    const last = pointer + bytes - 1;
    const fits =
      bits === 64
        ? this.#cpu.isCanonical(pointer) && this.#cpu.isCanonical(last)
        : insideLimit(segment.access, segment.limit, pointer, last);
    if (!fits) throw hardwareFault(vector.SS, errorCode);
    const linear = bits === 64 ? pointer : (segment.base + pointer) >>> 0;
    if (user && this.#cpu.alignmentChecked && (linear & (bytes - 1)) !== 0) throw hardwareFault(vector.AC, 0);
    return linear;
  }

  /** Pushes the low 2 or 4 bytes of a number, or 8 bytes of a sign-extended number or of any 64 bits. */
  push(value: number | bigint, bytes: number): void {
    const pointer = this.#wrap(this.pointer - bytes);
    const linear = this.#linear(pointer, bytes);
    if (bytes === 8) this.#cpu.writeLinear64(linear, BigInt.asUintN(64, BigInt(value)), this.#options.user);
    else this.#cpu.writeLinear(linear, bytes, Number(value), this.#options.user);
    this.pointer = pointer;
  }

  /** Pops 2 or 4 bytes as an unsigned number, 8 bytes as a signed one (exact if canonical). */
  pop(bytes: number): number {
    const linear = this.#linear(this.pointer, bytes);
    const value =
      bytes === 8
        ? Number(BigInt.asIntN(64, this.#cpu.readLinear64(linear, this.#options.user)))
        : this.#cpu.readLinear(linear, bytes, this.#options.user);
    this.pointer = this.#wrap(this.pointer + bytes);
    return value;
  }

  /** Pops 2, 4 or 8 bytes, exactly; unsigned. */
  popExact(bytes: number): bigint {
    if (bytes !== 8) return BigInt(this.pop(bytes));
    const value = this.#cpu.readLinear64(this.#linear(this.pointer, 8), this.#options.user);
    this.pointer = this.#wrap(this.pointer + 8);
    return value;
  }

  /** Moves past bytes that are not read. */
  skip(bytes: number): void {
    this.pointer = this.#wrap(this.pointer + bytes);
  }
}
