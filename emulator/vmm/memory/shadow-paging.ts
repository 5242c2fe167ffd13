import type { Cpu } from "../../cpu/cpu.ts";
import type { Access } from "../../cpu/monitor.ts";
import { A, D, P, RW, US } from "../../mmu/entry-bits.ts";
import type { Entry } from "../../mmu/walk.ts";
import { linkOwn, linkWay, type OwnAddresses, wayTables } from "./own-addresses.ts";
import type { ShadowCoherence } from "./shadow-coherence.ts";
import {
  allRights,
  entryBytes,
  entrySpan,
  guestEntry,
  indexOf,
  kernelView,
  type Role,
  type ShadowMode,
  topLevel,
  XD,
} from "./shadow-entry.ts";
import type { ShadowPool } from "./shadow-pool.ts";
import { pointers, type RootPlace, rootOf } from "./shadow-roots.ts";
import { type ShadowTable, type ShadowTables, tableKey } from "./shadow-tables.ts";

const pageBytes = 4096;
/** What the processor is to hold while the guest runs. */
export interface ShadowRoot {
  /** CR3. */
  readonly cr3: number;
  /** The PDPTE registers, where it is PAE paging. */
  readonly pdptes: readonly number[];
  readonly mode: ShadowMode;
}

export interface ShadowOptions {
  readonly cpu: Cpu;
  readonly pool: ShadowPool;
  readonly own?: OwnAddresses | undefined;
  /** In long mode the guest's kernel really runs at CPL 3, and has shadows of its own. Default: false. */
  readonly compressed?: boolean;
}

/** A translation of the guest's own tables, to be entered into the shadow. */
export interface Translation {
  readonly linear: number;
  readonly path: readonly Entry[];
  /** Guest-physical. */
  readonly physical: number;
  readonly write: boolean;
}

/** Where an entry of the last level is, and what the guest's tables allow there. */
interface Slot {
  readonly address: number;
  readonly rights: number;
  readonly high: number;
}

/** An entry of the last level. */
export interface ShadowEntry extends Slot {
  /** Its low half. */
  readonly low: number;
}

export interface SavedShadow {
  readonly root: string | null;
  readonly flushed: number;
}

/**
 * Shadow page tables: real tables in the VMM's memory, in the format of the guest's, from the guest's linear to
 * host-physical addresses. Each shadows one guest table in one role; guest tables that have a shadow are write-protected, so that
 * the VMM sees when they change, but for a few page tables that are let go out of sync until the guest flushes its TLB. An entry is made
 * when the guest faults for lack of one, and is writable only once the guest's entry is dirty.
 *
 * This is one virtual CPU's view of them: the root that it uses. The tables are those of a pool, which all share.
 *
 * All methods but `save`, `restore` and `entriesFor` want the guest's own CR0, CR3, CR4, EFER and PDPTEs in the processor, and its monitor to
 * translate guest-physical addresses to where the guest's memory is.
 */
export class ShadowPaging {
  readonly coherence: ShadowCoherence;
  readonly #cpu: Cpu;
  readonly #pool: ShadowPool;
  readonly #own: OwnAddresses | undefined;
  readonly #compressed: boolean;
  readonly #tables: ShadowTables;
  #root: ShadowTable | undefined;
  /** `ShadowTables.strictness` when the TLB was last known to be flushed. */
  #flushed = 0;
  readonly #notes: string[] = [];

  constructor({ cpu, pool, own, compressed = false }: ShadowOptions) {
    this.#cpu = cpu;
    this.#pool = pool;
    this.#own = own;
    this.#compressed = compressed;
    this.#tables = pool.tables;
    this.coherence = pool.coherence;
    pool.join(this);
  }

  /** The root in use; undefined where it was given up, and must be loaded. */
  get presentRoot(): ShadowTable | undefined {
    return this.#root;
  }

  lostRoot(): void {
    this.#root = undefined;
  }

  placeOf(physical: number): number | undefined {
    return this.#pool.placeOf(physical);
  }

  guestAddress(place: number): number {
    return this.#pool.guestAddress(place);
  }

  isTraced(physical: number): boolean {
    return this.#pool.isTraced(Math.floor(physical / pageBytes));
  }

  /** Something done on the way, in xenalyze's words, for the next event. */
  note(what: string): void {
    if (!this.#notes.includes(what)) this.#notes.push(what);
  }

  /** What was noted since this was last asked. */
  takeNotes(): readonly string[] {
    return this.#notes.splice(0);
  }

  /** What there is to know of the table that holds an entry. */
  noteOn(address: number): string | undefined {
    const table = this.#tables.at(address);
    if (!table) return "the VMM's own";
    const { role, frame } = table;
    if (role.direct)
      return role.level === topLevel[role.mode] ? undefined : "maps memory one to one; no table of the guest";
    const state = this.coherence.isOutOfSync(frame) ? "out of sync" : "in sync";
    return `shadow of guest table ${this.guestAddress(frame).toString(16).toUpperCase()}h, ${state}`;
  }

  // Roots.

  /** The shadow of the guest's paging as it is now; made if it is not there. */
  load(): ShadowRoot {
    const { role, frame, key } = this.#rootOf();
    let root = this.#tables.find(key);
    if (!root) {
      this.reserve();
      root = this.#make(frame, role, key);
    }
    this.#root = root;
    this.#pool.keep(root);
    const pdptes = role.mode === "pae" ? this.#linkPointers(root) : [0, 0, 0, 0];
    this.keepOwn();
    return { cr3: root.host, pdptes, mode: role.mode };
  }

  /** Is the root for the guest's paging as it is now there already? */
  get hasRoot(): boolean {
    return this.#tables.find(this.#rootOf().key) !== undefined;
  }

  #rootOf(): RootPlace {
    const shadowing = { own: this.#own !== undefined, compressed: this.#compressed };
    return rootOf(this.#cpu, shadowing, (physical) => this.placeOf(physical));
  }

  /**
   * Four-level paging: the way to the VMM's own addresses must be there whenever the guest runs, also where the guest has no
   * tables for them or has just taken them away. Needs nothing of the guest's registers.
   */
  keepOwn(): void {
    if (!this.#own || this.#root?.role.mode !== "four-level") return;
    if (this.#tables.free < wayTables) this.reserve();
    const make = (role: Role) => this.#table(-1, role);
    linkWay(this.#tables, this.#own, this.#root, make);
  }

  /** Page directories of PAE paging hang on registers, and must be there before the guest runs. */
  #linkPointers(root: ShadowTable): readonly number[] {
    return pointers(this.#cpu).map((pointer, n) => {
      const linear = n * 2 ** 30;
      const address = this.#tables.entryAddress(root, linear);
      if (this.#tables.child(address) === undefined) {
        const directory = this.#directoryFor(root, pointer, n);
        if (directory) this.#tables.link(address, directory, P, 0);
      }
      return this.#tables.low(address);
    });
  }

  #directoryFor({ role }: ShadowTable, pointer: bigint, n: number): ShadowTable | undefined {
    const own = this.#own !== undefined && n === 3;
    const below = { ...role, level: 2, own };
    if (!this.#cpu.paging) return this.#table((n * 2 ** 30) / pageBytes, below);
    const present = (pointer & 1n) !== 0n;
    const place = present ? this.placeOf(Number(pointer & 0xf_ffff_ffff_f000n)) : undefined;
    if (place !== undefined) return this.#table(place, { ...below, direct: false });
    return own ? this.#table(-1, below) : undefined;
  }

  // Tables.

  /** Makes room for whatever the next fault needs. What had to go for that, as a sentence; undefined if nothing had to. */
  reserve(): string | undefined {
    return this.#pool.reserve((what) => this.note(what));
  }

  #table(frame: number, role: Role): ShadowTable {
    const key = tableKey(frame, role);
    return this.#tables.find(key) ?? this.#make(frame, role, key);
  }

  /** A new shadow. From now on writes to the guest's table must be seen. */
  #make(frame: number, role: Role, key: string): ShadowTable {
    const table = this.#tables.make(frame, role, key);
    if (role.own && role.level === 2) linkOwn(this.#tables, this.#own!, table);
    if (role.direct) return table;
    this.note("promote");
    if (!this.coherence.isOutOfSync(frame) && this.coherence.protect(frame)) this.note("wrmap");
    return table;
  }

  // Entries.

  /** Enters a translation. The guest's accessed and dirty bits are set. */
  fill(translation: Translation): void {
    const { physical } = translation;
    const { address, rights, high } = this.#descend(translation);
    this.coherence.map(address, this.placeOf(physical)!, { physical, rights, high });
  }

  /** Marks the entry of an address behind which no memory is. False if it was marked, or in a format without reserved bits. */
  mark(translation: Translation): boolean {
    const { address } = this.#descend(translation);
    if (entryBytes(this.#tables.at(address)!.role.mode) === 4) {
      this.#tables.clear(address);
      return false;
    }
    const marked = this.#tables.isMarked(address);
    if (!marked) this.#tables.mark(address, allRights);
    return !marked;
  }

  /** The entry of the last level for a translation; the tables on the way are made and linked. */
  #descend({ linear, path, physical, write }: Translation): Slot {
    let table = this.#top(linear);
    for (const { low, high } of path) {
      const guest = guestEntry(table.role, low | A | (write ? D : 0), high);
      if (!guest) throw new RangeError("a walk accepted an entry that cannot be shadowed");
      table.writes = 0;
      if (guest.kind === "page") return this.#descendPage(table, linear, physical, guest);
      const role = { ...this.#below(table.role, linear), direct: false, kernel: guest.kernel };
      table = this.#step(table, linear, this.#table(this.placeOf(guest.physical)!, role), guest);
    }
    return this.#descendPage(table, linear, physical, { rights: RW | US, high: 0 });
  }

  /** A large page of the guest is mapped by direct tables down to 4 KiB; the entry for the whole of it holds the rights. */
  #descendPage(start: ShadowTable, linear: number, physical: number, guest: Omit<Slot, "address">): Slot {
    let table = start;
    let { rights, high } = guest;
    while (table.role.level > 1) {
      const base = physical - (physical % entrySpan(table.role.mode, table.role.level));
      const role = { ...this.#below(table.role, linear), direct: true, kernel: 0 };
      table = this.#step(table, linear, this.#table(base / pageBytes, role), { rights, high });
      rights = RW | US;
      high = 0;
    }
    return { address: this.#tables.entryAddress(table, linear), rights, high };
  }

  /** The role of the table below for an address, but for what the entry says. */
  #below(role: Role, linear: number): Role {
    const own = role.own && role.level > 2 && indexOf(role, linear) === indexOf(role, this.#own!.linear[role.mode]);
    return { ...role, level: role.level - 1, own };
  }

  #step(table: ShadowTable, linear: number, child: ShadowTable, { rights, high }: Omit<Slot, "address">): ShadowTable {
    this.#tables.link(this.#tables.entryAddress(table, linear), child, P | A | rights, high);
    return child;
  }

  /** The table that the walk of an address begins with: in PAE paging the page directory. */
  #top(linear: number): ShadowTable {
    const root = this.#root!;
    return root.role.mode === "pae" ? this.#tables.child(this.#tables.entryAddress(root, linear))! : root;
  }

  /** The entry of the last level for an address, if all tables on the way are there, with what the levels allow together. */
  entryFor(linear: number): ShadowEntry | undefined {
    let table = this.#root;
    let rights = -1;
    let high = 0;
    while (table) {
      const address = this.#tables.entryAddress(table, linear);
      const low = this.#tables.low(address);
      if ((low & P) === 0) return undefined;
      // Entries of the top table of PAE paging have no rights.
      if (table.role.mode !== "pae" || table.role.level < 3) {
        rights &= low;
        high |= this.#tables.high(address);
      }
      if (table.role.level === 1) return { address, low, rights, high };
      table = this.#tables.child(address);
    }
    return undefined;
  }

  /** Would the processor find by the shadow what it looks for, as far as R/W, U/S and XD go? */
  allows(linear: number, access: Access, user: boolean): boolean {
    const entry = this.entryFor(linear);
    if (!entry || this.#tables.isMarked(entry.address)) return false;
    if (user && (entry.rights & US) === 0) return false;
    if (access === "execute") return (entry.high & XD) === 0;
    return access === "read" || (entry.rights & RW) !== 0;
  }

  /** May the root in force have no entry for what the walk allowed? SMAP hides a page that the kernel may execute. */
  isHidden(path: readonly Entry[]): boolean {
    const { kernel } = this.#root!.role;
    return (kernel & kernelView.noUserData) !== 0 && path.every(({ low }) => (low & US) !== 0);
  }

  /** Is the entry of an address one that maps memory? */
  maps(linear: number): boolean {
    const entry = this.entryFor(linear);
    return entry !== undefined && !this.#tables.isMarked(entry.address);
  }

  /** INVLPG: synchronizes the entry of an address, if its table is out of sync. Undefined if it is not; else whether it changed. */
  resynchronizeAt(linear: number): boolean | undefined {
    const entry = this.entryFor(linear);
    return entry && this.coherence.resynchronizeEntry(entry.address);
  }

  /** The VMM has written guest memory for the guest, or a device or a debugger has. */
  written(physical: number): void {
    const place = this.placeOf(physical);
    if (place !== undefined) this.coherence.written(place);
  }

  /** Lets one write happen that must be seen: `protectAt` is to follow. */
  permitAt(linear: number): void {
    this.#tables.permit(this.entryFor(linear)!.address);
  }

  /** Writes to a page that an address is mapped to must be seen again. */
  protectAt(linear: number): void {
    const entry = this.entryFor(linear);
    if (entry) this.#tables.protect(entry.address);
  }

  /** From now on writes to a guest-physical page must be seen. */
  protectPage(page: number): void {
    const place = this.placeOf(page * pageBytes);
    if (place !== undefined) this.coherence.protect(place);
  }

  /** Gives up everything. */
  drop(): void {
    this.#pool.drop();
  }

  // The TLB.

  /** Has an entry become stricter than what the TLB may hold? Asking answers it: whoever asks flushes. */
  takeStale(): boolean {
    const { strictness } = this.#tables;
    const stale = this.#flushed !== strictness;
    this.#flushed = strictness;
    return stale;
  }

  /** Has another virtual CPU made entries stricter, taken the root, or written tables that must be brought up to date? */
  get isOutdated(): boolean {
    return this.#flushed !== this.#tables.strictness || this.coherence.isUnsettled;
  }

  // Snapshots.

  save(): SavedShadow {
    return { root: this.#root?.key ?? null, flushed: this.#flushed };
  }

  /** After the pool. */
  restore({ root, flushed }: SavedShadow): void {
    this.#root = root === null ? undefined : this.#tables.find(root);
    this.#flushed = flushed;
  }
}
