import type { Access } from "../cpu/monitor.ts";
import { physicalAddressBits } from "../mmu/physical.ts";
import type { WalkStep } from "../trace/event.ts";

/** Bits of an EPT entry (SDM Vol. 3, tables 29-1 to 29-7). */
export const eptBits = {
  read: 1n,
  write: 2n,
  execute: 4n,
  /** With mode-based execute control: fetches at linear addresses that user code may use. */
  executeUser: 0x400n,
  ignorePat: 0x40n,
  large: 0x80n,
  accessed: 0x100n,
  dirty: 0x200n,
  suppressVe: 1n << 63n,
} as const;
/** Permissions as low bits: read, write, execute, and with mode-based execute control execute for user addresses. */
const permissions = 7n;
const userFetch = 8;

const permissionsOf = (entry: bigint, modeBased: boolean): number =>
  Number(entry & permissions) | (modeBased && (entry & eptBits.executeUser) !== 0n ? userFetch : 0);

const addressMask = ((1n << 52n) - 1n) & ~0xfffn;

/** Leaf memory types; 2, 3 and 7 are misconfigurations. */
export const memoryTypes: Readonly<Record<number, string>> = { 0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB" };

/** EPTP (201Ah): memory type 2:0, walk length minus 1 5:3, accessed and dirty flags 6, PML4 table 51:12. */
export const makeEptp = (table: number, accessedDirty: boolean): bigint =>
  BigInt(table) | 6n | (3n << 3n) | (accessedDirty ? 0x40n : 0n);

interface EptPointerRule {
  readonly id: string;
  readonly sentence: string;
  readonly holds: (pointer: bigint) => boolean;
}

/** What an entry, and INVEPT, ask of an EPTP (SDM Vol. 3, 27.2.1.1). */
export const eptPointerRules: readonly EptPointerRule[] = [
  {
    id: "eptp.memory-type",
    sentence: "The EPT memory type, bits 2:0 of the EPTP, is 0 (UC) or 6 (WB).",
    holds: (pointer) => [0n, 6n].includes(pointer & 7n),
  },
  {
    id: "eptp.walk-length",
    sentence: "Bits 5:3 of the EPTP are 3: a walk length of 4.",
    holds: (pointer) => ((pointer >> 3n) & 7n) === 3n,
  },
  {
    id: "eptp.reserved",
    sentence: "Bits 11:7 of the EPTP and bits beyond the physical-address width are 0.",
    holds: (pointer) => (pointer & 0xf80n) === 0n && pointer >> BigInt(physicalAddressBits) === 0n,
  },
];

/** Why no entry would succeed with an EPTP, as a sentence; undefined if one would. */
export const eptPointerFault = (pointer: bigint): string | undefined =>
  eptPointerRules.find(({ holds }) => !holds(pointer))?.sentence;

/** Host-physical memory the walker reads and, for accessed and dirty flags, writes. */
export interface TableMemory {
  read64(address: number): bigint;
  write64(address: number, value: bigint): void;
}

/** Where guest-physical pages are logged as they become dirty (SDM Vol. 3, 29.3.6). */
export interface ModificationLog {
  readonly full: boolean;
  record(guestPhysical: number): void;
}

export interface EptOptions {
  /** The access is to a guest paging structure. */
  readonly forTable: boolean;
  /** Changes nothing (no accessed and dirty flags). */
  readonly probe: boolean;
  /** Mode-based execute control: the linear address is one that user code may use, or not. Default: the control is 0. */
  readonly userAddress?: boolean | undefined;
  readonly log?: ModificationLog | undefined;
  /** Receives the entries read. */
  readonly steps?: WalkStep[] | undefined;
}

/** Accesses as the low bits of the exit qualification: read 1, write 2, fetch 4. */
export interface EptViolation {
  readonly kind: "violation";
  readonly attempted: number;
  /** Permissions all levels grant together, as bits 2:0; 0 where an entry is not present. */
  readonly allowed: number;
  readonly level: number;
  readonly entry: bigint;
}
export interface EptMisconfiguration {
  readonly kind: "misconfiguration";
  readonly level: number;
  readonly entry: bigint;
  /** What is wrong, completing "the entry has …". */
  readonly fault: string;
}
/** An accessed or dirty flag would have to be set, and the page-modification log is full. */
interface EptLogFull {
  readonly kind: "log-full";
}
export interface EptTranslation {
  readonly kind: "ok";
  readonly host: number;
}
type EptOutcome = EptTranslation | EptViolation | EptMisconfiguration | EptLogFull;

const levelNames: Readonly<Record<number, string>> = { 4: "EPT PML4E", 3: "EPT PDPTE", 2: "EPT PDE", 1: "EPT PTE" };

/** Shift of the guest-physical address for the index of a level: 12, 21, 30, 39. */
const shift = (level: number): number => 3 + 9 * level;

/** Host-physical address of the entry for a guest-physical address in the table at `table`. */
export const eptEntryAddress = (table: number, guestPhysical: number, level: number): number =>
  table + (Math.floor(guestPhysical / 2 ** shift(level)) & 0x1ff) * 8;

/**
 * Bits an access needs. Guest paging structures are read, and written where the processor sets a guest's accessed or
 * dirty flag; with EPT accessed and dirty flags on, every access to them counts as a write too (SDM Vol. 3, 29.3.3.2).
 */
function needed(access: Access, { forTable, userAddress }: EptOptions, accessedDirty: boolean): number {
  if (forTable) return accessedDirty || access === "write" ? 3 : 1;
  return access === "read" ? 1 : access === "write" ? 2 : userAddress ? userFetch : 4;
}

/** What makes a present entry a misconfiguration (SDM Vol. 3, 29.3.3.1), or undefined. */
export function misconfiguration(entry: bigint, level: number): string | undefined {
  if ((entry & 3n) === 2n) return "write permission without read permission";
  if (entry & addressMask & ~((1n << BigInt(physicalAddressBits)) - 1n)) return "reserved physical-address bits set";
  const large = (entry & eptBits.large) !== 0n;
  if (level === 4) return (entry & 0xf8n) !== 0n ? "reserved bits 7:3 set in a PML4 entry" : undefined;
  if (level > 1 && !large)
    return (entry & 0x78n) !== 0n ? "bits 6:3 set in an entry that refers to a table" : undefined;
  const type = Number((entry >> 3n) & 7n);
  if (memoryTypes[type] === undefined) return `reserved memory type ${type}`;
  const low = (1n << BigInt(shift(level))) - 1n;
  if (level > 1 && (entry & addressMask & low) !== 0n) return "a page frame that is not aligned to its size";
  return undefined;
}

const isLeaf = (entry: bigint, level: number): boolean => level === 1 || (level < 4 && (entry & eptBits.large) !== 0n);

function entryBits(entry: bigint, level: number, accessedDirty: boolean, modeBased: boolean): string[] {
  const bits: string[] = [];
  if (entry & eptBits.read) bits.push("R");
  if (entry & eptBits.write) bits.push("W");
  if (entry & eptBits.execute) bits.push("X");
  if (modeBased && entry & eptBits.executeUser) bits.push("XU");
  if (level < 4 && level > 1 && entry & eptBits.large) bits.push(level === 2 ? "2 MiB" : "1 GiB");
  if (accessedDirty && entry & eptBits.accessed) bits.push("A");
  if (isLeaf(entry, level)) {
    if (accessedDirty && entry & eptBits.dirty) bits.push("D");
    bits.push(memoryTypes[Number((entry >> 3n) & 7n)] ?? "reserved memory type");
  }
  return bits;
}

/**
 * Translates a guest-physical address through the tables of an EPTP with walk length 4: misconfiguration is checked
 * before permissions at each level, permissions are the AND over the levels, and accessed and dirty flags are set only
 * after the walk has succeeded (SDM Vol. 3, 29.3). Sub-page permissions are not supported.
 */
export function walkEpt(
  memory: TableMemory,
  eptp: bigint,
  guestPhysical: number,
  access: Access,
  options: EptOptions,
): EptOutcome {
  const accessedDirty = (eptp & 0x40n) !== 0n;
  const modeBased = options.userAddress !== undefined;
  const attempted = needed(access, options, accessedDirty);
  const visited: number[] = [];
  let table = Number(eptp & addressMask);
  let allowed = 7 | userFetch;
  for (let level = 4; level >= 1; level--) {
    const address = eptEntryAddress(table, guestPhysical, level);
    const entry = memory.read64(address);
    visited.push(address);
    const own = permissionsOf(entry, modeBased);
    const verdict = judge(entry, level, allowed & own, attempted, own === 0);
    const bits = entryBits(entry, level, accessedDirty, modeBased);
    options.steps?.push({
      table: levelNames[level]!,
      level,
      of: "nested",
      address: address.toString(16),
      entry: entry.toString(16),
      bits,
      verdict: verdict === undefined ? "ok" : verdict.step,
    });
    if (verdict) return verdict.outcome;
    allowed &= own;
    if (isLeaf(entry, level)) {
      if (
        accessedDirty &&
        !options.probe &&
        !setFlags(memory, visited, (attempted & 2) !== 0, guestPhysical, options.log)
      )
        return { kind: "log-full" };
      const size = 2 ** shift(level);
      const frame = Number(entry & addressMask);
      return { kind: "ok", host: frame - (frame % size) + (guestPhysical % size) };
    }
    table = Number(entry & addressMask);
  }
  throw new Error("an EPT walk ends at level 1");
}

type Verdict = { readonly step: WalkStep["verdict"]; readonly outcome: EptViolation | EptMisconfiguration };

/** What stops the walk at an entry; undefined if nothing does. A leaf's permissions decide, and those of all above it. */
function judge(entry: bigint, level: number, allowed: number, attempted: number, absent: boolean): Verdict | undefined {
  if (absent) return { step: "not present", outcome: { kind: "violation", attempted, allowed: 0, level, entry } };
  const fault = misconfiguration(entry, level);
  if (fault) return { step: "misconfigured", outcome: { kind: "misconfiguration", level, entry, fault } };
  if (isLeaf(entry, level) && (attempted & ~allowed) !== 0)
    return { step: "protection", outcome: { kind: "violation", attempted, allowed, level, entry } };
  return undefined;
}

/** Accessed in every entry used, dirty in the leaf if written. False, and nothing is done, where the log has no room. */
function setFlags(
  memory: TableMemory,
  visited: readonly number[],
  write: boolean,
  guestPhysical: number,
  log: ModificationLog | undefined,
): boolean {
  const leaf = visited.length - 1;
  const flagsOf = (n: number): bigint => (write && n === leaf ? eptBits.accessed | eptBits.dirty : eptBits.accessed);
  const isUnset = (address: number, n: number): boolean => (memory.read64(address) & flagsOf(n)) !== flagsOf(n);
  if (!visited.some(isUnset)) return true;
  if (log?.full) return false;
  const dirties = write && (memory.read64(visited[leaf]!) & eptBits.dirty) === 0n;
  for (const [n, address] of visited.entries())
    if (isUnset(address, n)) memory.write64(address, memory.read64(address) | flagsOf(n));
  if (dirties) log?.record(guestPhysical);
  return true;
}
