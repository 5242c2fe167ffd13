/** The physical memory of a PC as firmware reports it: to a boot loader's kernel, and by INT 15h, E820h. */

const kibibyte = 1024;
const mebibyte = 2 ** 20;
/** The extended BIOS data area takes the last KiB below 640 KiB. */
export const conventionalEnd = 639 * kibibyte;
const biosStart = 0xf0000;

export interface MemoryRange {
  /** Physical address and length, bytes. */
  readonly base: number;
  readonly length: number;
  /** 1: usable, 2: reserved. */
  readonly type: 1 | 2;
}

/** Ranges in order, without overlap; what none covers is no memory. `reservedAtEnd`: bytes at the end that are in use. */
export function memoryMap(bytes: number, reservedAtEnd = 0): readonly MemoryRange[] {
  const usableEnd = bytes - reservedAtEnd;
  const ranges: MemoryRange[] = [
    { base: 0, length: conventionalEnd, type: 1 },
    { base: conventionalEnd, length: 640 * kibibyte - conventionalEnd, type: 2 },
    { base: biosStart, length: mebibyte - biosStart, type: 2 },
    { base: mebibyte, length: usableEnd - mebibyte, type: 1 },
    { base: usableEnd, length: reservedAtEnd, type: 2 },
  ];
  return ranges.filter(({ base, length }) => length > 0 && base + length <= Math.max(bytes, mebibyte));
}
