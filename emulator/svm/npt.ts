import type { Access } from "../cpu/monitor.ts";
import { physicalAddressBits } from "../mmu/physical.ts";
import type { WalkStep } from "../trace/event.ts";
import { eptEntryAddress, type TableMemory } from "../vmx/ept.ts";

/** Bits of a nested page-table entry: those of ordinary long-mode page tables (APM Vol. 2, 5.3.3). */
export const nptBits = {
  present: 1n,
  writable: 2n,
  user: 4n,
  writeThrough: 8n,
  cacheDisable: 0x10n,
  accessed: 0x20n,
  dirty: 0x40n,
  large: 0x80n,
  noExecute: 1n << 63n,
} as const;

const addressMask = ((1n << 52n) - 1n) & ~0xfffn;
const reservedAddress = addressMask & ~((1n << BigInt(physicalAddressBits)) - 1n);

export interface NptOptions {
  /** The access is to a guest paging structure: always a write by the user (APM Vol. 2, 15.25.5). */
  readonly forTable: boolean;
  /** Changes nothing (no accessed and dirty bits). */
  readonly probe: boolean;
  /** Receives the entries read. */
  readonly steps?: WalkStep[] | undefined;
}

export interface NptFault {
  readonly kind: "fault";
  readonly present: boolean;
  readonly write: boolean;
  readonly reserved: boolean;
  readonly fetch: boolean;
  readonly level: number;
  readonly entry: bigint;
  /** What stopped the walk, completing "the entry …". */
  readonly because: string;
}
export type NptOutcome = { readonly kind: "ok"; readonly host: number } | NptFault;

const levelNames: Readonly<Record<number, string>> = {
  4: "nested PML4E",
  3: "nested PDPTE",
  2: "nested PDE",
  1: "nested PTE",
};

const shift = (level: number): number => 3 + 9 * level;
const isLarge = (entry: bigint, level: number): boolean =>
  (level === 2 || level === 3) && (entry & nptBits.large) !== 0n;

const named = [
  [nptBits.present, "P"],
  [nptBits.writable, "R/W"],
  [nptBits.user, "U/S"],
  [nptBits.writeThrough, "PWT"],
  [nptBits.cacheDisable, "PCD"],
  [nptBits.accessed, "A"],
  [nptBits.dirty, "D"],
  [nptBits.noExecute, "NX"],
] as const;

/** Reserved bits of a present entry: address bits that do not exist, PS where it must be 0, an unaligned large frame. */
function reservedIn(entry: bigint, level: number): string | undefined {
  if ((entry & reservedAddress) !== 0n) return "has reserved physical-address bits set";
  if (level === 4 && (entry & nptBits.large) !== 0n) return "has PS set, which must be 0 in a PML4 entry";
  // Bit 12 of a large page is its PAT bit.
  const low = ((1n << BigInt(shift(level))) - 1n) & ~0x1fffn;
  if (isLarge(entry, level) && (entry & low) !== 0n) return "maps a large page at an address that is not aligned to it";
  return undefined;
}

type Refusal = Pick<NptFault, "present" | "reserved" | "because"> & { readonly verdict: WalkStep["verdict"] };

/** What stops the walk at an entry, before permissions; undefined if nothing does. */
function malformed(entry: bigint, level: number): Refusal | undefined {
  if ((entry & nptBits.present) === 0n)
    return { present: false, reserved: false, because: "is not present", verdict: "not present" };
  const because = reservedIn(entry, level);
  return because === undefined ? undefined : { present: true, reserved: true, because, verdict: "reserved bit" };
}

/** All levels together must allow a user access; CR0.WP of the host is ignored (APM Vol. 2, 15.25.7). */
function forbidden(entries: readonly bigint[], write: boolean, fetch: boolean): Refusal | undefined {
  const refuse = (because: string): Refusal => ({ present: true, reserved: false, because, verdict: "protection" });
  if (entries.some((entry) => (entry & nptBits.user) === 0n))
    return refuse("is not for user accesses, as all the guest's are");
  if (write && entries.some((entry) => (entry & nptBits.writable) === 0n)) return refuse("does not allow the write");
  if (fetch && entries.some((entry) => (entry & nptBits.noExecute) !== 0n)) return refuse("does not allow execution");
  return undefined;
}

/**
 * Translates a guest-physical address through nested page tables of four levels, as of a host in long mode with
 * EFER.NXE. Accessed and dirty bits are set once the walk has succeeded (APM Vol. 2, 15.25.5 to 15.25.7).
 */
export function walkNpt(
  memory: TableMemory,
  nestedCr3: number,
  guestPhysical: number,
  access: Access,
  options: NptOptions,
): NptOutcome {
  const write = options.forTable || access === "write";
  const fetch = !options.forTable && access === "execute";
  const entries: bigint[] = [];
  const visited: number[] = [];
  let table = nestedCr3;
  for (let level = 4; level >= 1; level--) {
    const address = eptEntryAddress(table, guestPhysical, level);
    const entry = memory.read64(address);
    entries.push(entry);
    visited.push(address);
    const leaf = level === 1 || isLarge(entry, level);
    const refusal = malformed(entry, level) ?? (leaf ? forbidden(entries, write, fetch) : undefined);
    options.steps?.push(step(address, entry, level, refusal));
    if (refusal) {
      const { present, reserved, because } = refusal;
      return { kind: "fault", present, reserved, because, write, fetch, level, entry };
    }
    if (leaf) {
      if (!options.probe) setFlags(memory, visited, write);
      const size = 2 ** shift(level);
      const frame = Number(entry & addressMask);
      return { kind: "ok", host: frame - (frame % size) + (guestPhysical % size) };
    }
    table = Number(entry & addressMask);
  }
  throw new Error("a nested walk ends at level 1");
}

const step = (address: number, entry: bigint, level: number, refusal: Refusal | undefined): WalkStep => ({
  table: levelNames[level]!,
  level,
  of: "nested",
  address: address.toString(16),
  entry: entry.toString(16),
  bits: [
    ...named.filter(([mask]) => (entry & mask) !== 0n).map(([, name]) => name as string),
    ...(isLarge(entry, level) ? [level === 2 ? "2 MiB" : "1 GiB"] : []),
  ],
  verdict: refusal?.verdict ?? "ok",
});

/** Accessed in every entry used, dirty in the leaf if written. */
function setFlags(memory: TableMemory, visited: readonly number[], write: boolean): void {
  for (const [n, address] of visited.entries()) {
    const entry = memory.read64(address);
    const flags = nptBits.accessed | (write && n === visited.length - 1 ? nptBits.dirty : 0n);
    if ((entry & flags) !== flags) memory.write64(address, entry | flags);
  }
}
