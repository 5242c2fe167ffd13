import { A, D, P, PS, RW, US } from "../../mmu/entry-bits.ts";
import { physicalAddressBits } from "../../mmu/physical.ts";

/**
 * Formats of shadow tables: always that of the guest's own tables, so that a shadow table has an entry for each of the
 * guest's at the same index. While the guest's paging is off, that of the paging it would turn on.
 */
export type ShadowMode = "two-level" | "pae" | "four-level";

/** What a shadow table is for, besides the guest page it shadows: tables of different roles are never shared. */
export interface Role {
  readonly mode: ShadowMode;
  /** 1 for page tables up to 4. */
  readonly level: number;
  /** It shadows no table, but maps memory one to one: part of a large page of the guest, or all while paging is off. */
  readonly direct: boolean;
  /** EFER.NXE: bit 63 of an entry forbids execution; without it, the bit is reserved. */
  readonly noExecute: boolean;
  /** CR4.PSE: PS in a 32-bit PDE makes a 4 MiB page. */
  readonly largePages: boolean;
  /** The VMM's own linear addresses are part of what it maps. */
  readonly own: boolean;
  /** 0, or what the table is for a guest kernel that really runs at CPL 3: bits of `kernelView`. */
  readonly kernel: number;
}

/**
 * How a guest kernel at CPL 3 sees memory: as the processor lets user code see what the table allows, so that what SMEP and SMAP keep
 * a kernel from must be left out of it.
 */
export const kernelView = {
  /** All pages may be used at CPL 3, those of the supervisor too. */
  is: 1,
  /** SMEP: pages that a process may use cannot be executed. */
  noUserCode: 2,
  /** SMAP, and EFLAGS.AC = 0: pages that a process may use are not there. */
  noUserData: 4,
  /** All levels above the table let processes pass. Only where that matters for the above. */
  userPath: 8,
} as const;

/** Bits of the high half of an entry. */
export const XD = 0x8000_0000;
/** Bit 51: reserved, beyond the physical addresses of the processor. A present entry with it marks a page that no memory is behind. */
export const reservedHigh = 0x8_0000;

export const allRights = P | RW | US | A | D;

export const topLevel = { "two-level": 2, pae: 3, "four-level": 4 } as const satisfies Record<ShadowMode, number>;

export const entryBytes = (mode: ShadowMode): 4 | 8 => (mode === "two-level" ? 4 : 8);

/** Entries of a table; the top table of PAE paging uses only four. */
export const entriesOf = ({ mode, level }: Pick<Role, "mode" | "level">): number =>
  mode === "pae" && level === 3 ? 4 : 4096 / entryBytes(mode);

/** Bytes of linear address space for an entry of a level. */
export const entrySpan = (mode: ShadowMode, level: number): number =>
  2 ** (12 + (mode === "two-level" ? 10 : 9) * (level - 1));

export function indexOf({ mode, level }: Pick<Role, "mode" | "level">, linear: number): number {
  return Math.floor(linear / entrySpan(mode, level)) & (entriesOf({ mode, level }) - 1);
}

/** What a guest's entry says to whoever shadows it. */
export interface GuestEntry {
  readonly kind: "table" | "page";
  /** Guest-physical address of the table or page. */
  readonly physical: number;
  /** R/W and U/S as the shadow entry may have them: R/W of a page only once it is dirty. */
  readonly rights: number;
  /** XD or 0, for the high half. */
  readonly high: number;
  /** `Role.kernel` of the table it leads to. */
  readonly kernel: number;
}

const frameHigh = 2 ** (physicalAddressBits - 32) - 1;
const ignoredHigh = 0x7ff0_0000;

/** Bits of the high half that nothing may have set, or (XD) that mean something else where they are set. */
function strangeHigh({ mode, noExecute }: Role, high: number): boolean {
  if (mode === "two-level") return false;
  const known = frameHigh | (mode === "four-level" ? ignoredHigh : 0) | (noExecute ? XD : 0);
  return (high & ~known) !== 0;
}

/**
 * Reads an entry of the guest table that a role shadows; undefined if it is not to be shadowed now: not present, not accessed, or with
 * bits that may be reserved, on which the walk has the last word.
 */
export function guestEntry(role: Role, low: number, high: number): GuestEntry | undefined {
  if ((low & (P | A)) !== (P | A) || strangeHigh(role, high)) return undefined;
  const { mode, level, largePages } = role;
  const page = level === 1 || ((low & PS) !== 0 && (mode !== "two-level" || largePages));
  const rights = (low & US) | (page && (low & D) === 0 ? 0 : low & RW);
  const own = { kind: page ? "page" : "table", rights, high: (high & XD) >>> 0, kernel: 0 } as const;
  const entry = role.kernel === 0 ? own : forKernel(own, role.kernel, (low & US) !== 0);
  if (!entry) return undefined;
  if (!page || level === 1) return { ...entry, physical: frameOf(low, high) };
  if (mode === "two-level") return (low & reserved32) !== 0 ? undefined : { ...entry, physical: large32(low) };
  return large64(entry, level, low, high);
}

type Unplaced = Omit<GuestEntry, "physical">;

/** An entry as it is for a kernel at CPL 3; undefined where SMAP leaves it nothing. */
function forKernel({ kind, rights, high }: Unplaced, kernel: number, user: boolean): Unplaced | undefined {
  const userPath = user && (kernel & kernelView.userPath) !== 0;
  if (kind === "table")
    return { kind, rights: rights | US, high, kernel: userPath ? kernel : kernel & ~kernelView.userPath };
  if (userPath && (kernel & kernelView.noUserData) !== 0) return undefined;
  const noCode = userPath && (kernel & kernelView.noUserCode) !== 0;
  return { kind, rights: rights | US, high: noCode ? XD : high, kernel: 0 };
}

/** Bit 21 of an entry that maps 4 MiB. */
const reserved32 = 0x20_0000;

const frameOf = (low: number, high: number): number => (high & frameHigh) * 2 ** 32 + ((low & 0xffff_f000) >>> 0);

/** Bits 39:32 of the frame of a 4 MiB page are bits 20:13 of its entry. */
const large32 = (low: number): number => ((low & 0xffc0_0000) >>> 0) + ((low >>> 13) & 0xff) * 2 ** 32;

function large64(entry: Unplaced, level: number, low: number, high: number): GuestEntry | undefined {
  const reserved = level === 2 ? 0x001f_e000 : 0x3fff_e000;
  if (level > 3 || (low & reserved) !== 0) return undefined;
  const frame = frameOf(low, high);
  return { ...entry, physical: frame - (frame % 2 ** (3 + 9 * level)) };
}
