import type { Decoded, Memory } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { hardwareFault, vector } from "../fault.ts";
import { DS, segmentOf } from "../state.ts";

const two32 = 4294967296;

/** Where a memory operand is: number of the segment register, and the offset as memory accesses take it. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

/** Sum of 64-bit parts, given as low (unsigned) and high words, wrapped and signed. Exact for canonical addresses. */
function wideOffset(cpu: Cpu, memory: Memory, length: number): number {
  const displacement = Number(memory.displacement);
  let low = displacement >>> 0;
  let high = Math.floor(displacement / two32);
  const add = (register: number, scale: number): void => {
    low += cpu.u32[2 * register]! * scale;
    high += cpu.r32[2 * register + 1]! * scale;
  };
  if (memory.base !== undefined) add(memory.base, 1);
  if (memory.index !== undefined) add(memory.index, memory.scale);
  if (memory.ripRelative) low += cpu.rip + length;
  const carried = (high + Math.floor(low / two32)) | 0;
  return carried * two32 + (low >>> 0);
}

function narrowOffset(cpu: Cpu, memory: Memory, length: number): number {
  let sum = Number(memory.displacement);
  if (memory.base !== undefined) sum += cpu.u32[2 * memory.base]!;
  if (memory.index !== undefined) sum += cpu.u32[2 * memory.index]! * memory.scale;
  if (memory.ripRelative) sum += cpu.rip + length;
  return memory.addressSize === 16 ? sum & 0xffff : sum - Math.floor(sum / two32) * two32;
}

export function placeOf(cpu: Cpu, memory: Memory, { length }: Decoded): Place {
  const offset = memory.addressSize === 64 ? wideOffset(cpu, memory, length) : narrowOffset(cpu, memory, length);
  return { segment: segmentOf(memory.segment), offset };
}

/** The memory operand of an instruction that has one for certain. */
export function memoryOf(cpu: Cpu, decoded: Decoded): Place {
  for (const operand of decoded.operands) if (operand.kind === "memory") return placeOf(cpu, operand, decoded);
  throw new TypeError(`${decoded.row.syntax} has no memory operand here`);
}

/** [DS:rDI], or with the segment override in force: MASKMOVQ and MASKMOVDQU. */
export function destinationIndex(cpu: Cpu, { addressSize, segment }: Decoded): Place {
  const low = cpu.u32[14]!;
  const offset = addressSize === 64 ? cpu.r32[15]! * two32 + low : addressSize === 32 ? low : low & 0xffff;
  return { segment: segment === undefined ? DS : segmentOf(segment), offset };
}

/** `bytes` further on; the address size wraps only in 16-bit and 32-bit addresses, where limits catch it. */
export const further = (place: Place, bytes: number): Place => ({
  segment: place.segment,
  offset: place.offset + bytes,
});

/** #GP(0) unless the linear address is a multiple of 16. */
export function checkAligned(cpu: Cpu, { segment, offset }: Place): void {
  if (((cpu.bases[segment]! + offset) & 15) !== 0) throw hardwareFault(vector.GP, 0);
}

/** Raises what a store of so many bytes would; parts of at most 8 bytes, as they will be stored. */
export function checkStore(cpu: Cpu, place: Place, bytes: number): void {
  for (let at = 0; at < bytes; at += 8) cpu.prepareStore(place.segment, place.offset + at, Math.min(8, bytes - at));
}
