/** Bytes of the I/O permission map: a bit for each port, and three bits for accesses that go past port FFFFh (APM Vol. 2, 15.10.1). */
export const iopmBytes = 3 * 4096;
/** Bytes of the MSR permission map (APM Vol. 2, 15.11). */
export const msrpmBytes = 2 * 4096;

/** A bit of a map: the offset of its byte, and the bit there. */
export interface MapBit {
  readonly byte: number;
  readonly bit: number;
}

/** Of port `port` + `n`; with n up to 3 it may lie behind port FFFFh. */
export const portBit = (port: number, n = 0): MapBit => ({ byte: (port + n) >> 3, bit: (port + n) & 7 });

/** First MSR of each range that the map covers; 2000h MSRs each, 2 bits per MSR, and 800h bytes per range. */
const ranges = [0, 0xc000_0000, 0xc001_0000] as const;

/** The bit of an MSR for reading or, the next one, for writing; undefined if the map does not cover it. */
export function msrBit(msr: number, write: boolean): MapBit | undefined {
  const range = ranges.findIndex((first) => msr >= first && msr < first + 0x2000);
  if (range < 0) return undefined;
  const index = 2 * (msr - ranges[range]!) + (write ? 1 : 0);
  return { byte: range * 0x800 + (index >> 3), bit: index & 7 };
}
