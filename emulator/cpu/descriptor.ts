import { accessBits } from "./layout.ts";
import type { Segment } from "./state.ts";

/** An 8-byte entry of a descriptor table, and the linear address it was read from. */
export interface Descriptor {
  readonly address: number;
  /** Low and high half, int32. */
  readonly low: number;
  readonly high: number;
}

/** System-segment and gate types (SDM Vol. 3, table 3-2). */
export const systemType = {
  tss16: 1,
  ldt: 2,
  busyTss16: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32: 9,
  busyTss32: 11,
  callGate32: 12,
  interruptGate32: 14,
  trapGate32: 15,
} as const;

/** Type bits of code and data segments. */
export const segmentType = { accessed: 1, writable: 2, readable: 2, down: 4, conforming: 4, code: 8 } as const;

/** Access rights in the form of `accessBits`. */
export const accessOf = (d: Descriptor): number => (d.high >>> 8) & 0xf0ff;
export const typeOf = (d: Descriptor): number => (d.high >>> 8) & 0xf;
export const dplOf = (d: Descriptor): number => (d.high >>> 13) & 3;
export const isPresent = (d: Descriptor): boolean => (d.high & 0x8000) !== 0;
export const isSystem = (d: Descriptor): boolean => (d.high & 0x1000) === 0;
export const isCode = (d: Descriptor): boolean => !isSystem(d) && (typeOf(d) & segmentType.code) !== 0;
const isData = (d: Descriptor): boolean => !isSystem(d) && (typeOf(d) & segmentType.code) === 0;
export const isConforming = (d: Descriptor): boolean => isCode(d) && (typeOf(d) & segmentType.conforming) !== 0;
export const isWritableData = (d: Descriptor): boolean => isData(d) && (typeOf(d) & segmentType.writable) !== 0;
export const isReadable = (d: Descriptor): boolean =>
  isData(d) || (isCode(d) && (typeOf(d) & segmentType.readable) !== 0);
/** L and D/B of a code segment. */
export const is64BitCode = (d: Descriptor): boolean => (d.high & 0x20_0000) !== 0;
export const is32BitCode = (d: Descriptor): boolean => (d.high & 0x40_0000) !== 0;

/** 32-bit base. */
export const baseOf = (d: Descriptor): number =>
  ((d.high & 0xff00_0000) | ((d.high & 0xff) << 16) | (d.low >>> 16)) >>> 0;

/** Limit in bytes, granularity applied. */
export function limitOf(d: Descriptor): number {
  const raw = (d.high & 0xf_0000) | (d.low & 0xffff);
  return (d.high & 0x80_0000) !== 0 ? ((raw << 12) | 0xfff) >>> 0 : raw;
}

/** The segment register's content after loading a code or data descriptor; the accessed bit is set. */
export const segmentFrom = (selector: number, d: Descriptor): Segment => ({
  selector,
  access: accessOf(d) | segmentType.accessed,
  limit: limitOf(d),
  base: baseOf(d),
});

/** A data segment register after loading a null selector. */
export const nullSegment = (selector: number, dpl = 0): Segment => ({
  selector,
  access: accessBits.unusable | (dpl << 5),
  limit: 0,
  base: 0,
});

/** A segment register in real-address mode: limit, D/B and G stay as they were ("unreal" mode relies on it). */
export const realSegment = (selector: number, before: Segment): Segment => ({
  selector,
  access: (before.access & (accessBits.db | accessBits.g)) | 0x93,
  limit: before.limit,
  base: selector << 4,
});

export const virtual8086Segment = (selector: number): Segment => ({
  selector,
  access: 0xf3,
  limit: 0xffff,
  base: selector << 4,
});

/** Error code that names a selector; its low bits are free for EXT. */
export const selectorError = (selector: number): number => selector & 0xfffc;
export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;
export const rplOf = (selector: number): number => selector & 3;
