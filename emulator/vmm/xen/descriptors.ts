import { flat32Limit, type GuestBits, hex, holes, pageBytes, type Refused, refused } from "./abi.ts";

/** Bits of the high half of a descriptor. */
const high = {
  type: 0xf00,
  down: 0x400,
  code: 0x800,
  system: 0x1000,
  dpl: 0x6000,
  present: 0x8000,
  long: 0x20_0000,
  big: 0x40_0000,
  pages: 0x80_0000,
} as const;
const dplShift = 13;

export interface Halves {
  readonly low: number;
  readonly high: number;
}

const baseOf = ({ low, high: word }: Halves): number =>
  ((word & 0xff00_0000) | ((word & 0xff) << 16) | (low >>> 16)) >>> 0;

/** The last offset, in bytes. */
function limitOf({ low, high: word }: Halves): number {
  const raw = (word & 0xf_0000) | (low & 0xffff);
  return (word & high.pages) !== 0 ? raw * pageBytes + 0xfff : raw;
}

/** A descriptor put together: base, limit as encoded, access byte (P, DPL, S, type) and flags nibble. */
export const descriptor = (base: number, limit: number, access: number, flags: number): Halves => ({
  low: (((base & 0xffff) << 16) | (limit & 0xffff)) >>> 0,
  high: ((base & 0xff00_0000) | (flags << 20) | (limit & 0xf_0000) | (access << 8) | ((base >>> 16) & 0xff)) >>> 0,
});

/** Segments that reach into Xen are cut off in front of it; undefined for those that cannot be. */
function within(d: Halves): Halves | undefined {
  const base = baseOf(d);
  const end = holes[32].m2pEnd;
  if (base + limitOf(d) < end) return d;
  if (base >= end || (d.high & high.pages) === 0) return undefined;
  const pages = Math.floor((end - base) / pageBytes) - 1;
  if (pages < 0) return undefined;
  return {
    low: ((d.low & 0xffff_0000) | (pages & 0xffff)) >>> 0,
    high: ((d.high & ~0xf_0000) | (pages & 0xf_0000)) >>> 0,
  };
}

/**
 * A guest's descriptor as it may stand in a table that the processor uses, or why it may not: at least the guest's own ring,
 * no gates and task states, and (for 32-bit guests, whose kernel paging does not keep out) not beyond the start of Xen.
 */
export function checkedDescriptor(d: Halves, bits: GuestBits): Halves | Refused {
  if ((d.high & high.present) === 0) return d;
  if ((d.high & high.system) === 0)
    return (d.high & high.type) === 0
      ? d
      : refused("EINVAL", `descriptor ${text(d)} is a gate or a system segment, which are Xen's`);
  const lowest = bits === 32 ? 1 : 3;
  const ring = (d.high & high.dpl) >>> dplShift;
  const risen = ring < lowest ? { ...d, high: ((d.high & ~high.dpl) | (lowest << dplShift)) >>> 0 } : d;
  if (bits === 64) return risen;
  if ((d.high & (high.code | high.down)) === high.down)
    return refused("EINVAL", `descriptor ${text(d)} is an expand-down segment, which could reach into Xen`);
  return (
    within(risen) ??
    refused("EINVAL", `the segment of descriptor ${text(d)} reaches into Xen, which begins at ${hex(flat32Limit)}`)
  );
}

const text = (d: Halves): string => hex((BigInt(d.high) << 32n) | BigInt(d.low));
