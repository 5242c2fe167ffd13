import type { HostMemory } from "../../vmx/host-memory.ts";
import { frameName, type GuestBits, hex, pageBytes, type Refused, refused } from "./abi.ts";
import type { FrameTable, FrameType } from "./frame-table.ts";

export type Level = 1 | 2 | 3 | 4;

/** Bits of a page-table entry. */
export const pte = { present: 1n, write: 2n, user: 4n, accessed: 0x20n, dirty: 0x40n, noExecute: 1n << 63n } as const;
const frameMask = ((1n << 52n) - 1n) & ~0xfffn;
/** PWT, PCD, PAT or PS, and G: the guest has no devices to map, and no large or global pages. */
const attributes = 0x198n;
const softwareHigh = 0x7ffn << 52n;

export const frameOf = (entry: bigint): number => Number((entry & frameMask) >> 12n);
export const isPresent = (entry: bigint): boolean => (entry & pte.present) !== 0n;
/** The entry's bits beside the frame. */
export const flagsOf = (entry: bigint): bigint => entry & ~frameMask;

const tableTypes: readonly FrameType[] = ["none", "l1 page table", "l2 page table", "l3 page table", "l4 page table"];
const xenL2: FrameType = "l2 page table with Xen's slots";

/** The level of a page table by its type; undefined for other types. */
export function levelOf(type: FrameType): Level | undefined {
  if (type === xenL2) return 2;
  const level = tableTypes.indexOf(type);
  return level > 0 ? (level as Level) : undefined;
}
export const typeOfLevel = (level: Level): FrameType => tableTypes[level]!;

/** A table's slots that are Xen's. */
export interface XenSlots {
  readonly first: number;
  readonly last: number;
  /** Entries of these slots, the first one's first. */
  readonly entries: readonly bigint[];
}

/** The table that holds a kind's Xen slots: level 4, or the last level-2 table of a 32-bit guest. */
const xenSlotsType = (bits: GuestBits): FrameType => (bits === 64 ? "l4 page table" : xenL2);

export interface PageTypesOptions {
  readonly memory: HostMemory;
  readonly frames: FrameTable;
  readonly bits: GuestBits;
  readonly xenSlots: XenSlots;
  /** Whether a descriptor table's page may be used as one. */
  readonly checkDescriptors: (frame: number) => Refused | undefined;
  /** Cached translations may be wrong now. */
  readonly flush: () => void;
  /** An entry of the table was written; the processor may keep a copy of it (PDPTEs). */
  readonly written: (frame: number) => void;
}

/**
 * Direct paging: the guest's page tables are what the processor walks, so each entry is validated before it is there. A frame has
 * one type at a time, counted by its uses: what is a page table or descriptor table is never writable for the guest.
 */
export class PageTypes {
  readonly #o: PageTypesOptions;

  constructor(options: PageTypesOptions) {
    this.#o = options;
  }

  read(frame: number, index: number): bigint {
    return this.#o.memory.read64(frame * pageBytes + 8 * index);
  }

  #write(frame: number, index: number, entry: bigint): void {
    this.#o.memory.write64(frame * pageBytes + 8 * index, entry);
    this.#o.written(frame);
  }

  /** How many entries a table has. */
  entries(level: Level): number {
    return level === 3 && this.#o.bits === 32 ? 4 : 512;
  }

  /** A reference to one of the guest's frames, and a use of it as `type`: validated first if it is not one yet. */
  acquire(frame: number, type: FrameType): Refused | undefined {
    const { frames } = this.#o;
    const foreign = this.#notGuests(frame, "EINVAL");
    if (foreign) return foreign;
    const used = this.#use(frame, type);
    if (used) return used;
    frames.addReference(frame);
    return undefined;
  }

  #notGuests(frame: number, error: "EINVAL" | "EBUSY" | "EPERM"): Refused | undefined {
    const { frames } = this.#o;
    if (!frames.exists(frame)) return refused(error, `there is no ${frameName(frame)} in the machine`);
    const owner = frames.owner(frame);
    if (owner === "guest") return undefined;
    if (owner === "device") return refused(error, `${frameName(frame)} is a device's, which this domain may not map`);
    return refused(error, `${frameName(frame)} belongs to ${owner}, not to the domain`);
  }

  #use(frame: number, type: FrameType): Refused | undefined {
    const { frames } = this.#o;
    if (frames.uses(frame) === 0) return this.#useFirst(frame, type);
    const is = frames.type(frame);
    if (is !== type)
      return refused(
        "EINVAL",
        `${frameName(frame)} is in use as ${called(is)} (${uses(frames.uses(frame))}), so it cannot be ${called(type)}`,
      );
    frames.addUse(frame);
    return undefined;
  }

  /** The use is counted before the content is validated, which may refer to the frame itself. */
  #useFirst(frame: number, type: FrameType): Refused | undefined {
    const { frames, flush } = this.#o;
    // Somebody may still have a translation under which the frame was something else.
    if (frames.type(frame) !== type) flush();
    frames.setType(frame, type);
    frames.addUse(frame);
    const invalid = this.#validate(frame, type);
    if (invalid) frames.setType(frame, "none");
    else frames.setValidated(frame, true);
    return invalid;
  }

  /** Gives back what `acquire` gave. */
  relinquish(frame: number): void {
    const { frames } = this.#o;
    if (frames.dropUse(frame) === 0) this.#invalidate(frame);
    this.dropReference(frame);
  }

  dropReference(frame: number): void {
    if (this.#o.frames.dropReference(frame)) this.#o.flush();
  }

  /** Nobody uses a table as one any more: what its entries refer to is given back. */
  #invalidate(frame: number): void {
    const { frames } = this.#o;
    const type = frames.type(frame);
    frames.setValidated(frame, false);
    const level = levelOf(type);
    if (level === undefined) return;
    for (let index = 0; index < this.entries(level); index++)
      if (!this.#isXens(type, index)) this.#putEntry(level, this.read(frame, index));
  }

  #isXens(type: FrameType, index: number): boolean {
    const { first, last } = this.#o.xenSlots;
    return type === xenSlotsType(this.#o.bits) && index >= first && index <= last;
  }

  #validate(frame: number, type: FrameType): Refused | undefined {
    if (type === "descriptor table") return this.#o.checkDescriptors(frame);
    const level = levelOf(type);
    if (level === undefined) return undefined;
    for (let index = 0; index < this.entries(level); index++) {
      if (this.#isXens(type, index)) continue;
      const invalid = this.#takeEntry(level, frame, index, this.read(frame, index));
      if (invalid) {
        for (let n = 0; n < index; n++) if (!this.#isXens(type, n)) this.#putEntry(level, this.read(frame, n));
        return refused(invalid.errno, `entry ${index} of ${called(type)}, ${frameName(frame)}: ${invalid.why}`);
      }
      const entry = this.read(frame, index);
      const adjusted = this.adjusted(level, entry);
      if (adjusted !== entry) this.#write(frame, index, adjusted);
    }
    if (type === xenSlotsType(this.#o.bits)) this.writeXenSlots(frame);
    return undefined;
  }

  writeXenSlots(frame: number): void {
    const { first, entries } = this.#o.xenSlots;
    for (const [n, entry] of entries.entries()) this.#write(frame, first + n, entry);
  }

  /** 64-bit guests run at CPL 3, kernel and all: what they map must be for user mode. */
  adjusted(level: Level, entry: bigint): bigint {
    if (!isPresent(entry) || this.#o.bits === 32) return entry;
    return level === 1 ? (entry | pte.user) & ~0x100n : entry | pte.user;
  }

  #takeEntry(level: Level, table: number, index: number, entry: bigint): Refused | undefined {
    if (!isPresent(entry)) {
      if (level === 3 && index === 3 && this.#o.bits === 32)
        return refused(
          "EINVAL",
          "the fourth entry of a 32-bit guest's l3 page table must be present, for Xen's own slots",
        );
      return undefined;
    }
    const bad = flagsOf(entry) & this.#forbidden(level);
    if (bad !== 0n) return refused("EINVAL", `bits ${hex(bad)} are not allowed in an l${level} entry`);
    return level === 1 ? this.#takePage(entry) : this.#takeTable(level, table, index, entry);
  }

  #forbidden(level: Level): bigint {
    if (this.#o.bits === 64) return level === 1 ? attributes & ~0x100n : attributes;
    const base = softwareHigh | (level === 3 ? 0x1e6n | pte.noExecute : attributes);
    return base;
  }

  #takePage(entry: bigint): Refused | undefined {
    const { frames } = this.#o;
    const frame = frameOf(entry);
    const outside = !frames.exists(frame) || frames.owner(frame) === "device";
    const foreign = this.#notGuests(frame, outside ? "EPERM" : "EBUSY");
    if (foreign) return foreign;
    if ((entry & pte.write) !== 0n) {
      const used = this.#use(frame, "writable");
      if (used) return refused("EBUSY", used.why.replace("cannot be writable", "cannot be mapped writable"));
    }
    frames.addReference(frame);
    return undefined;
  }

  #takeTable(level: Level, table: number, index: number, entry: bigint): Refused | undefined {
    const frame = frameOf(entry);
    if (frame === table)
      return refused("EINVAL", "a page table that maps itself (a linear page table) is not supported");
    const type = level === 3 && index === 3 && this.#o.bits === 32 ? xenL2 : typeOfLevel((level - 1) as Level);
    return this.acquire(frame, type);
  }

  #putEntry(level: Level, entry: bigint): void {
    if (!isPresent(entry)) return;
    const frame = frameOf(entry);
    if (level > 1) this.relinquish(frame);
    else if ((entry & pte.write) !== 0n) this.relinquish(frame);
    else this.dropReference(frame);
  }

  /** Writes an entry of a table in use: the new one is validated before the old one is given up. */
  modify(frame: number, index: number, value: bigint): Refused | undefined {
    const type = this.#o.frames.type(frame);
    const level = levelOf(type);
    if (level === undefined) return refused("EINVAL", `${frameName(frame)} is ${called(type)}, not a page table`);
    if (this.#isXens(type, index)) return refused("EINVAL", `slot ${index} of ${frameName(frame)} is Xen's own`);
    if (index >= this.entries(level))
      return refused("EINVAL", `an l${level} page table has ${this.entries(level)} entries`);
    const invalid = this.#takeEntry(level, frame, index, value);
    if (invalid) return invalid;
    const old = this.read(frame, index);
    this.#write(frame, index, this.adjusted(level, value));
    this.#putEntry(level, old);
    return undefined;
  }
}

/** A type as it stands in a sentence. */
export const called = (type: FrameType): string =>
  type === "none"
    ? "nothing"
    : type === "writable" || type === "shared"
      ? type
      : `a${type.startsWith("l") ? "n" : ""} ${type}`;

const uses = (count: number): string => (count === 1 ? "1 use" : `${count} uses`);
