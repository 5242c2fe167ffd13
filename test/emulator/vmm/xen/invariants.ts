import { type FrameUse, frameTableOf, type XenGuest } from "./guest.ts";

const pageBytes = 4096;
/** 4 MiB and Xen's 2. */
export const frames = 6 * 256;
const xenFrames = 512;

const level = (type: FrameUse["type"]): number =>
  type === "l2 page table with Xen's slots" ? 2 : /^l(\d) page table$/.test(type) ? Number(type[1]) : 0;

/** The slots of a table that are Xen's own. */
function isXens(bits: 32 | 64, type: FrameUse["type"], index: number): boolean {
  if (bits === 64) return type === "l4 page table" && index >= 256 && index < 272;
  return type === "l2 page table with Xen's slots" && index >= ((0xf580_0000 >>> 21) & 511);
}

/** Frames that are Xen's pages and shared with the guest: they are writable for ever, and nothing else. */
const isShared = (frame: number, use: FrameUse): boolean => frame < xenFrames && use.owner === "guest";

interface Counted {
  readonly tables: number[];
  readonly writable: number[];
  readonly read: number[];
}

/** Counts, from the bytes of all tables in use, how often each frame is used as a table, mapped writable, and mapped to read. */
function count(guest: Pick<XenGuest, "machine" | "bits">, table: readonly FrameUse[]): Counted {
  const counted = {
    tables: new Array<number>(frames).fill(0),
    writable: new Array<number>(frames).fill(0),
    read: new Array<number>(frames).fill(0),
  };
  for (const [frame, use] of table.entries()) {
    const at = use.uses > 0 ? level(use.type) : 0;
    if (at === 0) continue;
    const entries = at === 3 && guest.bits === 32 ? 4 : 512;
    const bytes = guest.machine
      .readMemory("host-physical", BigInt(frame * pageBytes), entries * 8)
      .map((byte) => byte ?? 0);
    const view = new DataView(Uint8Array.from(bytes).buffer);
    for (let n = 0; n < entries; n++) {
      const entry = view.getBigUint64(8 * n, true);
      if ((entry & 1n) === 0n || isXens(guest.bits, use.type, n)) continue;
      const target = Number((entry & 0xf_ffff_ffff_f000n) >> 12n);
      if (at > 1) counted.tables[target]!++;
      else if ((entry & 2n) !== 0n) counted.writable[target]!++;
      else counted.read[target]!++;
    }
  }
  return counted;
}

/** All that is wrong, in words: nothing, if Xen has kept account. `bases` are the tables that a base pointer holds. */
export function brokenInvariants(guest: Pick<XenGuest, "machine" | "bits">, bases: readonly number[]): string[] {
  const table = frameTableOf(guest, frames);
  const { tables, writable, read } = count(guest, table);
  const broken: string[] = [];
  const check = (holds: boolean, frame: number, what: string): void => {
    if (!holds)
      broken.push(`frame ${frame} (${table[frame]!.owner}, ${table[frame]!.type}, ${table[frame]!.uses}): ${what}`);
  };
  for (const [frame, use] of table.entries()) {
    const isTable = level(use.type) > 0 && use.uses > 0;
    const shared = isShared(frame, use);
    check(!(isTable && writable[frame]! > 0), frame, "a page table is mapped writable");
    check(
      !(use.type === "descriptor table" && use.uses > 0 && writable[frame]! > 0),
      frame,
      "descriptors are mapped writable",
    );
    check(
      use.owner === "guest" || tables[frame]! + writable[frame]! + read[frame]! === 0,
      frame,
      "not the guest's, and mapped",
    );
    check(tables[frame] === 0 || isTable, frame, "used as a page table, and none");
    const held = bases.filter((base) => base === frame).length + (use.pinned ? 1 : 0);
    if (isTable)
      check(use.uses === tables[frame]! + held, frame, `used ${tables[frame]} times as a table, held ${held} times`);
    if (use.type === "writable")
      check(use.uses === writable[frame]! + (shared ? 1 : 0), frame, `mapped writable ${writable[frame]} times`);
  }
  return broken;
}
