import { D, P, RW } from "../../mmu/entry-bits.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { entriesOf, entryBytes, indexOf, type Role, reservedHigh } from "./shadow-entry.ts";

const pageBytes = 4096;
const frameMask = 0xffff_f000;

/** A shadow table in the VMM's memory. */
export interface ShadowTable {
  /** Host-physical address of its 4 KiB. */
  readonly host: number;
  readonly role: Role;
  /**
   * What it shadows: the host page number of the guest's table; of a direct table the guest-physical page number of the
   * first page it maps. -1: nothing of the guest.
   */
  readonly frame: number;
  readonly key: string;
  /** Host-physical addresses of the shadow entries that refer to it. */
  readonly parents: Set<number>;
  /** Writes to the guest's table that were emulated since the shadow was last used to fill an entry. */
  writes: number;
}

/** A table without what is derived from memory. Plain JSON. */
export interface SavedTable {
  readonly page: number;
  readonly role: Role;
  readonly frame: number;
  readonly key: string;
  readonly writes: number;
}

const none: ReadonlySet<number> = new Set();

/** Tables are shared by all who need the same frame in the same role. */
export const tableKey = (frame: number, { mode, level, direct, noExecute, largePages, own, kernel }: Role): string =>
  `${frame} ${mode} ${level}${direct ? " direct" : ""}${noExecute ? " nx" : ""}${largePages ? " pse" : ""}${own ? " own" : ""}${kernel === 0 ? "" : ` kernel ${kernel}`}`;

/**
 * The shadow tables themselves: a bounded pool of pages of the VMM, which tables refer to which, and for each page of memory
 * the entries that map it (reverse map). The entries are bytes in host memory; all else here is derived from them, or saved.
 */
export class ShadowTables {
  /** How often an entry was made stricter or taken back: TLBs that were flushed before may hold what it was. */
  strictness = 0;
  readonly #memory: HostMemory;
  readonly #base: number;
  readonly #pages: (ShadowTable | undefined)[];
  readonly #byKey = new Map<string, ShadowTable>();
  /** Tables that shadow a page of the guest, by its host page number. */
  readonly #byFrame = new Map<number, ShadowTable[]>();
  readonly #mappings = new Map<number, Set<number>>();
  #free: number;
  readonly #released: (table: ShadowTable) => void;

  /** `base`: host-physical address of the pool, of `pages` pages. `released` is told of every table that is given up. */
  constructor(memory: HostMemory, base: number, pages: number, released: (table: ShadowTable) => void) {
    this.#memory = memory;
    this.#base = base;
    this.#pages = new Array<ShadowTable | undefined>(pages).fill(undefined);
    this.#free = pages;
    this.#released = released;
  }

  /** Pages of the pool that hold no table. */
  get free(): number {
    return this.#free;
  }

  get all(): readonly ShadowTable[] {
    return this.#pages.filter((table) => table !== undefined);
  }

  find(key: string): ShadowTable | undefined {
    return this.#byKey.get(key);
  }

  /** An empty table. The pool must have a page. */
  make(frame: number, role: Role, key: string): ShadowTable {
    const page = this.#pages.indexOf(undefined);
    if (page < 0) throw new RangeError("the pool of shadow tables is empty");
    const table = this.#register({ page, role, frame, key, writes: 0 });
    this.#memory.fill(table.host, pageBytes, 0);
    return table;
  }

  #register({ page, role, frame, key, writes }: SavedTable): ShadowTable {
    const host = this.#base + page * pageBytes;
    const table: ShadowTable = { host, role, frame, key, parents: new Set(), writes };
    this.#pages[page] = table;
    this.#free--;
    this.#byKey.set(key, table);
    if (!role.direct) this.#byFrame.set(frame, [...(this.#byFrame.get(frame) ?? []), table]);
    return table;
  }

  /** The tables that shadow the guest's table in a page, by host page number. */
  shadowsOf(frame: number): readonly ShadowTable[] {
    return this.#byFrame.get(frame) ?? [];
  }

  isShadowed(frame: number): boolean {
    return this.#byFrame.has(frame);
  }

  /** Host-physical addresses of the entries that map a host page. */
  mappings(place: number): ReadonlySet<number> {
    return this.#mappings.get(place) ?? none;
  }

  /** Host page numbers that entries map. */
  get mapped(): Iterable<number> {
    return this.#mappings.keys();
  }

  /** The table that holds an entry, or that begins at an address. */
  at(address: number): ShadowTable | undefined {
    return this.#pages[(address - this.#base) >> 12];
  }

  /** The table an entry refers to; undefined where it maps a page, is empty, or refers to a table of the VMM's own. */
  child(address: number): ShadowTable | undefined {
    const low = this.low(address);
    if ((low & P) === 0 || this.at(address)!.role.level === 1) return undefined;
    return this.at((low & frameMask) >>> 0);
  }

  entryAddress({ host, role }: ShadowTable, linear: number): number {
    return host + entryBytes(role.mode) * indexOf(role, linear);
  }

  low(address: number): number {
    return this.#memory.read32(address);
  }

  high(address: number): number {
    return this.#isWide(address) ? this.#memory.read32(address + 4) : 0;
  }

  #isWide(address: number): boolean {
    return this.at(address)!.role.mode !== "two-level";
  }

  #write(address: number, low: number, high: number): void {
    this.#memory.write32(address, low >>> 0);
    if (this.#isWide(address)) this.#memory.write32(address + 4, high >>> 0);
  }

  /** Lets an entry refer to a table with these rights. */
  link(address: number, child: ShadowTable, low: number, high: number): void {
    const value = (child.host | low) >>> 0;
    if (this.low(address) === value && this.high(address) === high) return;
    if (this.child(address) !== child) {
      child.parents.add(address);
      this.clear(address);
    } else this.strictness++;
    this.#write(address, value, high);
  }

  /** Lets an entry refer to a table of the VMM's own, which is not of the pool. */
  linkOwn(address: number, table: number, low: number): void {
    this.#write(address, table | low, 0);
  }

  /** Lets an entry map a host page. */
  map(address: number, place: number, low: number, high: number): void {
    const before = this.low(address);
    if ((before & P) !== 0) {
      if ((before & ~low & RW) !== 0 || before >>> 12 !== place || high !== 0) this.strictness++;
      this.#forget(address);
    }
    this.#write(address, place * pageBytes + low, high);
    this.#note(address, place);
  }

  /** Marks an entry as one that no memory is behind: the processor's error code will say so. */
  mark(address: number, low: number): void {
    this.clear(address);
    this.#write(address, low, reservedHigh);
  }

  isMarked(address: number): boolean {
    return (this.high(address) & reservedHigh) !== 0;
  }

  /** Takes an entry back, and the table it refers to if nothing else does. */
  clear(address: number): void {
    if ((this.low(address) & P) === 0) return;
    this.strictness++;
    const child = this.child(address);
    this.#forget(address);
    this.#write(address, 0, 0);
    if (child) this.#unlink(child, address);
  }

  #unlink(child: ShadowTable, parent: number): void {
    child.parents.delete(parent);
    if (child.parents.size === 0) this.release(child);
  }

  /** Takes an entry that maps a page out of the reverse map. */
  #forget(address: number): void {
    if (this.at(address)!.role.level !== 1 || this.isMarked(address)) return;
    const place = this.low(address) >>> 12;
    const mappings = this.#mappings.get(place);
    mappings?.delete(address);
    if (mappings?.size === 0) this.#mappings.delete(place);
  }

  /** Makes the entry that maps a page read-only. True if it was writable. */
  protect(address: number): boolean {
    const low = this.low(address);
    if ((low & (P | RW)) !== (P | RW)) return false;
    this.#write(address, low & ~RW, this.high(address));
    this.strictness++;
    return true;
  }

  /** Makes the entry that maps a page writable. */
  permit(address: number): void {
    this.#write(address, this.low(address) | RW | D, this.high(address));
  }

  /** Gives a table up, with all that refers to it and what only it refers to. */
  release(table: ShadowTable): void {
    if (this.at(table.host) !== table) return;
    for (const parent of [...table.parents]) {
      table.parents.delete(parent);
      this.#write(parent, 0, 0);
    }
    this.empty(table);
    this.strictness++;
    this.#pages[(table.host - this.#base) >> 12] = undefined;
    this.#free++;
    this.#byKey.delete(table.key);
    this.#released(table);
    if (table.role.direct) return;
    const others = this.shadowsOf(table.frame).filter((other) => other !== table);
    if (others.length > 0) this.#byFrame.set(table.frame, others);
    else this.#byFrame.delete(table.frame);
  }

  /** Takes all entries of a table back, but those of the VMM's own tables. */
  empty(table: ShadowTable): void {
    for (const address of this.entries(table)) {
      if (table.role.level > 1 && this.child(address) === undefined) continue;
      this.clear(address);
    }
  }

  /** Addresses of the entries that are present. */
  *entries({ host, role }: ShadowTable): Generator<number> {
    const bytes = entryBytes(role.mode);
    const end = host + bytes * entriesOf(role);
    for (let address = host; address < end; address += bytes) if ((this.low(address) & P) !== 0) yield address;
  }

  save(): readonly SavedTable[] {
    return this.#pages.flatMap((table, page) => {
      if (!table) return [];
      const { role, frame, key, writes } = table;
      return [{ page, role, frame, key, writes }];
    });
  }

  /** Memory holds the entries again: the tables, and what is derived from the entries. */
  restore(saved: readonly SavedTable[]): void {
    this.#free = this.#pages.length;
    this.#pages.fill(undefined);
    this.#byKey.clear();
    this.#byFrame.clear();
    this.#mappings.clear();
    const tables = saved.map((table) => this.#register(table));
    for (const table of tables) for (const address of this.entries(table)) this.#noteEntry(address);
  }

  #noteEntry(address: number): void {
    if (this.at(address)!.role.level > 1) {
      this.child(address)?.parents.add(address);
      return;
    }
    if (this.isMarked(address)) return;
    this.#note(address, this.low(address) >>> 12);
  }

  #note(address: number, place: number): void {
    const mappings = this.#mappings.get(place);
    if (mappings) mappings.add(address);
    else this.#mappings.set(place, new Set([address]));
  }
}
