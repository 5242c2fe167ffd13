/** Writes small ELF executables, for tests of what reads them. */

export interface Segment {
  readonly type: number;
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly bytes: Uint8Array;
  /** Length in memory, if longer than the bytes. */
  readonly memorySize?: number;
}

export interface ElfHeader {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  /** Default: an executable for x86 of that width. */
  readonly type?: number;
  readonly machine?: number;
}

export function elfFile({ bits, entry, type = 2, machine }: ElfHeader, segments: readonly Segment[]): Uint8Array {
  const wide = bits === 64;
  const [headerSize, entrySize] = wide ? [64, 56] : [52, 32];
  const dataStart = headerSize + entrySize * segments.length;
  const file = new Uint8Array(dataStart + segments.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const view = new DataView(file.buffer);
  const address = (at: number, value: bigint) =>
    wide ? view.setBigUint64(at, value, true) : view.setUint32(at, Number(value), true);
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, machine ?? (wide ? 62 : 3), true);
  view.setUint32(20, 1, true);
  address(24, entry);
  address(wide ? 32 : 28, BigInt(headerSize));
  const counts = wide ? 52 : 40;
  for (const [n, value] of [headerSize, entrySize, segments.length].entries())
    view.setUint16(counts + 2 * n, value, true);
  let offset = dataStart;
  for (const [n, segment] of segments.entries()) {
    const at = headerSize + n * entrySize;
    const { bytes, memorySize = bytes.length } = segment;
    const fields = [BigInt(offset), segment.virtual, segment.physical, BigInt(bytes.length), BigInt(memorySize)];
    view.setUint32(at, segment.type, true);
    for (const [k, value] of fields.entries()) address(at + (wide ? 8 + 8 * k : 4 + 4 * k), value);
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}
