import { A, D, P, RW } from "../../mmu/entry-bits.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { OutOfSync, type UnsyncPage } from "./out-of-sync.ts";
import { entryBytes, type GuestEntry, guestEntry } from "./shadow-entry.ts";
import type { ShadowTable, ShadowTables } from "./shadow-tables.ts";

const pageBytes = 4096;

export interface CoherenceOptions {
  readonly tables: ShadowTables;
  readonly memory: HostMemory;
  /** Host page number of the guest's memory at a guest-physical address; undefined where there is none. */
  readonly placeOf: (physical: number) => number | undefined;
  /** Guest-physical pages whose writes the VMM must see for reasons of its own. */
  readonly isTraced: (page: number) => boolean;
}

export interface SavedCoherence {
  readonly outOfSync: readonly UnsyncPage[];
  readonly written: readonly number[];
  readonly dirty: readonly number[] | null;
}

/**
 * Keeps shadow tables in agreement with the guest's: which pages may not be writable, what to do with a guest table that was
 * written, and which page tables are out of sync for now. Pages are host page numbers of the guest's memory.
 */
export class ShadowCoherence {
  readonly #outOfSync = new OutOfSync();
  readonly #tables: ShadowTables;
  readonly #memory: HostMemory;
  readonly #placeOf: CoherenceOptions["placeOf"];
  readonly #isTraced: CoherenceOptions["isTraced"];
  /** Guest tables that the VMM wrote for the guest. */
  readonly #written = new Set<number>();
  /** Pages written since they were last asked for; undefined while nobody wants to know. */
  #dirty: Set<number> | undefined;

  constructor({ tables, memory, placeOf, isTraced }: CoherenceOptions) {
    this.#tables = tables;
    this.#memory = memory;
    this.#placeOf = placeOf;
    this.#isTraced = isTraced;
  }

  // Who may be writable.

  /** Does the page hold a guest table whose shadow is kept up to date? */
  isProtected(place: number): boolean {
    return this.#tables.isShadowed(place) && !this.#outOfSync.has(place);
  }

  isOutOfSync(place: number): boolean {
    return this.#outOfSync.has(place);
  }

  /** Is the page protected to note when it is written? */
  isClean(place: number): boolean {
    return this.#dirty !== undefined && !this.#dirty.has(place);
  }

  /** Lets an entry map a page, writable if that is among its rights and nobody must see writes to the page. */
  map(address: number, place: number, guest: Pick<GuestEntry, "physical" | "rights" | "high">): void {
    const traced = this.#isTraced(Math.floor(guest.physical / pageBytes));
    const guarded = traced || this.isProtected(place) || this.isClean(place);
    const rights = guarded ? guest.rights & ~RW : guest.rights;
    this.#tables.map(address, place, P | A | rights | ((rights & RW) !== 0 ? D : 0), guest.high);
    if ((rights & RW) === 0 || !this.#outOfSync.has(place)) return;
    const evicted = this.#outOfSync.fix(place, address);
    if (evicted !== undefined && this.#tables.mappings(place).has(evicted)) this.#tables.protect(evicted);
  }

  /** Makes all entries that map a page read-only. True if any was writable. */
  protect(place: number): boolean {
    let any = false;
    for (const address of this.#tables.mappings(place)) any = this.#tables.protect(address) || any;
    return any;
  }

  // Writes to guest tables.

  /** A page was written by the VMM for the guest, by a device or by a debugger. */
  written(place: number): void {
    this.#dirty?.add(place);
    if (this.isProtected(place)) this.#written.add(place);
  }

  /** Whether there is anything for `settle` to do. */
  get isUnsettled(): boolean {
    return this.#written.size > 0;
  }

  /** Brings the shadows of what was written up to date. How many entries changed. */
  settle(): number {
    if (this.#written.size === 0) return 0;
    let changed = 0;
    for (const place of this.#written) changed += this.#synchronizeFrame(place);
    this.#written.clear();
    return changed;
  }

  /** Counts an emulated write to a guest table; how many there were since one of its shadows was used. */
  countWrite(place: number): number {
    const shadows = this.#tables.shadowsOf(place);
    for (const table of shadows) table.writes++;
    return Math.max(...shadows.map(({ writes }) => writes));
  }

  /** May the table go out of sync? Only if all its shadows are of the last level. */
  isLeaf(place: number): boolean {
    return this.#tables.shadowsOf(place).every(({ role }) => role.level === 1);
  }

  /** Lets a table go out of sync. Which one had to be synchronized in its place, if there were too many. */
  desynchronize(place: number): number | undefined {
    const { due } = this.#outOfSync;
    if (due !== undefined) this.resynchronize(due);
    this.#outOfSync.add(place);
    return due;
  }

  get outOfSync(): readonly number[] {
    return this.#outOfSync.pages.map(({ frame }) => frame);
  }

  /** The table is in sync from now on. How many of its entries were not. */
  resynchronize(place: number): number {
    this.#outOfSync.remove(place);
    this.protect(place);
    return this.#synchronizeFrame(place);
  }

  /** Synchronizes one entry of the last level, if its table is out of sync. Undefined if it is not; else whether it changed. */
  resynchronizeEntry(address: number): boolean | undefined {
    const table = this.#tables.at(address)!;
    if (table.role.direct || !this.#outOfSync.has(table.frame)) return undefined;
    return this.#tables.low(address) !== 0 && this.#synchronize(table, address);
  }

  #synchronizeFrame(place: number): number {
    let changed = 0;
    for (const table of this.#tables.shadowsOf(place))
      for (const address of this.#tables.entries(table)) if (this.#synchronize(table, address)) changed++;
    return changed;
  }

  /** Compares a shadow entry with the guest's, and makes it what it should be. True if it was not. */
  #synchronize(table: ShadowTable, address: number): boolean {
    const tables = this.#tables;
    const child = tables.child(address);
    // The VMM's own linear addresses.
    if (table.role.level > 1 && !child) return false;
    const guest = this.#guestEntry(table, address);
    // The way to those, where the guest has nothing.
    if (!guest && child?.frame === -1) return false;
    const [low, high] = [tables.low(address), tables.high(address)];
    const place = guest && table.role.level === 1 ? this.#placeOf(guest.physical) : undefined;
    // Whoever holds a table gets writable entries by faults only, where the limits of those out of sync are.
    const readOnly = place !== undefined && tables.isShadowed(place);
    if (guest && place !== undefined)
      this.map(address, place, readOnly ? { ...guest, rights: guest.rights & ~RW } : guest);
    else if (guest && child && this.#leadsTo(guest, child))
      tables.link(address, child, P | A | guest.rights, guest.high);
    else tables.clear(address);
    return tables.low(address) !== low || tables.high(address) !== high;
  }

  /** The guest's entry that a shadow entry stands for. */
  #guestEntry(table: ShadowTable, address: number): GuestEntry | undefined {
    const at = table.frame * pageBytes + (address - table.host);
    const high = entryBytes(table.role.mode) === 8 ? this.#memory.read32(at + 4) : 0;
    return guestEntry(table.role, this.#memory.read32(at), high);
  }

  /** Does a guest's entry still lead to the table, or large page, that a shadow entry refers to? */
  #leadsTo(guest: GuestEntry, child: ShadowTable): boolean {
    if (guest.kind === "page") return child.role.direct && child.frame === guest.physical / pageBytes;
    const { direct, kernel } = child.role;
    return !direct && kernel === guest.kernel && child.frame === this.#placeOf(guest.physical);
  }

  /** Gives up all shadows of a guest table: it is an ordinary page from now on. */
  unshadow(place: number): void {
    for (const table of this.#tables.shadowsOf(place)) this.#tables.release(table);
  }

  /** A table was given up. */
  released(table: ShadowTable): void {
    if (table.role.direct || this.#tables.shadowsOf(table.frame).length > 1) return;
    this.#outOfSync.remove(table.frame);
    this.#written.delete(table.frame);
  }

  // Dirty logging.

  /** Begins to note which pages are written, or ends it: all that is mapped becomes read-only first. */
  logWrites(on: boolean): void {
    this.#dirty = on ? new Set() : undefined;
    if (on) for (const place of this.#tables.mapped) this.protect(place);
  }

  noteDirty(place: number): void {
    this.#dirty?.add(place);
  }

  /** The pages written since logging began or since this was last asked, in order; they are protected again. */
  takeDirty(): readonly number[] {
    const dirty = [...(this.#dirty ?? [])].sort((a, b) => a - b);
    this.logWrites(this.#dirty !== undefined);
    return dirty;
  }

  save(): SavedCoherence {
    return {
      outOfSync: this.#outOfSync.pages,
      written: [...this.#written],
      dirty: this.#dirty ? [...this.#dirty] : null,
    };
  }

  restore({ outOfSync, written, dirty }: SavedCoherence): void {
    this.#outOfSync.pages = outOfSync;
    this.#written.clear();
    for (const place of written) this.#written.add(place);
    this.#dirty = dirty ? new Set(dirty) : undefined;
  }
}
