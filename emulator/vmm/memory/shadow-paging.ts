import type { Cpu } from "../../cpu/cpu.ts";
import type { Access } from "../../cpu/monitor.ts";
import { A, D, P, RW, US } from "../../mmu/entry-bits.ts";
import type { Entry } from "../../mmu/walk.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import { linkOwn, linkWay, type OwnAddresses, wayTables } from "./own-addresses.ts";
import { type SavedCoherence, ShadowCoherence } from "./shadow-coherence.ts";
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
import { pointers, type RootPlace, rootOf } from "./shadow-roots.ts";
import { type SavedTable, type ShadowTable, ShadowTables, tableKey } from "./shadow-tables.ts";

const pageBytes = 4096;
/** Pages of the VMM's memory for shadow tables, unless told. */
const poolPages = 256;
/** Most tables that one fault needs: a root with its page directories, and a path below it. */
const preallocated = 8;
/** Roots that are kept when the guest loads another CR3: the present one and three before it, as KVM keeps. */
const mostRoots = 4;

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
  readonly memory: HostMemory;
  readonly allocator: Allocator;
  readonly pages?: number | undefined;
  readonly own?: OwnAddresses | undefined;
  /** In long mode the guest's kernel really runs at CPL 3, and has shadows of its own. Default: false. */
  readonly compressed?: boolean;
  /** Guest-physical pages whose writes the VMM must see for reasons of its own. */
  readonly isTraced?: (page: number) => boolean;
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
  readonly tables: readonly SavedTable[];
  readonly roots: readonly string[];
  readonly coherence: SavedCoherence;
  readonly stale: boolean;
}

/**
 * Shadow page tables: real tables in the VMM's memory, in the format of the guest's, from the guest's linear to
 * host-physical addresses. Each shadows one guest table in one role; guest tables that have a shadow are write-protected, so that
 * the VMM sees when they change, but for a few page tables that are let go out of sync until the guest flushes its TLB. An entry is made
 * when the guest faults for lack of one, and is writable only once the guest's entry is dirty.
 *
 * All methods but `save`, `restore` and `entriesFor` want the guest's own CR0, CR3, CR4, EFER and PDPTEs in the processor, and its monitor to
 * translate guest-physical addresses to where the guest's memory is.
 */
export class ShadowPaging {
  readonly coherence: ShadowCoherence;
  readonly #cpu: Cpu;
  readonly #allocator: Allocator;
  readonly #own: OwnAddresses | undefined;
  readonly #compressed: boolean;
  readonly #isTraced: (page: number) => boolean;
  readonly #tables: ShadowTables;
  /** Least recently used first; the last is the present one. */
  #roots: ShadowTable[] = [];
  readonly #notes: string[] = [];

  constructor({
    cpu,
    memory,
    allocator,
    pages = poolPages,
    own,
    compressed = false,
    isTraced = () => false,
  }: ShadowOptions) {
    this.#cpu = cpu;
    this.#allocator = allocator;
    this.#own = own;
    this.#compressed = compressed;
    this.#isTraced = isTraced;
    this.#tables = new ShadowTables(memory, allocator.pages(pages), pages, (table) => this.#released(table));
    this.coherence = new ShadowCoherence({
      tables: this.#tables,
      memory,
      placeOf: (physical) => this.placeOf(physical),
      isTraced,
    });
  }

  #released(table: ShadowTable): void {
    this.#roots = this.#roots.filter((root) => root !== table);
    this.coherence.released(table);
  }

  /** The guest's memory behind a guest-physical address, as a host page number; undefined for devices and where nothing is. */
  placeOf(physical: number): number | undefined {
    const host = this.#cpu.bus.claims(physical) ? undefined : this.#allocator.hostOf(physical);
    return host === undefined ? undefined : Math.floor(host / pageBytes);
  }

  /** Guest-physical address of a page of the guest's memory, by its host page number. */
  guestAddress(place: number): number {
    return place * pageBytes - this.#allocator.guestBase;
  }

  isTraced(physical: number): boolean {
    return this.#isTraced(Math.floor(physical / pageBytes));
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
    this.#roots = [...this.#roots.filter((other) => other !== root), root];
    while (this.#roots.length > this.#mostRoots) this.#tables.release(this.#roots[0]!);
    const pdptes = role.mode === "pae" ? this.#linkPointers(root) : [0, 0, 0, 0];
    this.keepOwn();
    return { cr3: root.host, pdptes, mode: role.mode };
  }

  /** Is the root for the guest's paging as it is now there already? */
  get hasRoot(): boolean {
    return this.#tables.find(this.#rootOf().key) !== undefined;
  }

  get #root(): ShadowTable {
    return this.#roots.at(-1)!;
  }

  #rootOf(): RootPlace {
    const shadowing = { own: this.#own !== undefined, compressed: this.#compressed };
    return rootOf(this.#cpu, shadowing, (physical) => this.placeOf(physical));
  }

  /** Every address space has two, where its kernel has a view of its own. */
  get #mostRoots(): number {
    return this.#compressed ? 2 * mostRoots : mostRoots;
  }

  /**
   * Four-level paging: the way to the VMM's own addresses must be there whenever the guest runs, also where the guest has no
   * tables for them or has just taken them away. Needs nothing of the guest's registers.
   */
  keepOwn(): void {
    if (!this.#own || this.#roots.at(-1)?.role.mode !== "four-level") return;
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
    if (this.#tables.free >= preallocated) return undefined;
    let gone = 0;
    while (this.#tables.free < preallocated && this.#roots.length > 1) {
      this.#tables.release(this.#roots[0]!);
      gone++;
    }
    if (gone > 0) this.note("unpin");
    const unpinned = gone > 0 ? `${gone} of the roots used before ${gone === 1 ? "was" : "were"} dropped` : "";
    if (this.#tables.free >= preallocated) return unpinned;
    this.note("unhook");
    for (const root of this.#roots) this.#tables.empty(root);
    return `${unpinned}${unpinned ? ", and " : ""}all below the present root was dropped`;
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
    const root = this.#root;
    return root.role.mode === "pae" ? this.#tables.child(this.#tables.entryAddress(root, linear))! : root;
  }

  /** The entry of the last level for an address, if all tables on the way are there, with what the levels allow together. */
  entryFor(linear: number): ShadowEntry | undefined {
    let table: ShadowTable | undefined = this.#roots.at(-1);
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
    const { kernel } = this.#root.role;
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
    for (const table of this.#tables.all) this.#tables.release(table);
    this.#roots = [];
    this.#tables.stale = true;
  }

  // The TLB.

  /** Has an entry become stricter than what the TLB may hold? Asking answers it: whoever asks flushes. */
  takeStale(): boolean {
    const { stale } = this.#tables;
    this.#tables.stale = false;
    return stale;
  }

  // Snapshots.

  save(): SavedShadow {
    return {
      tables: this.#tables.save(),
      roots: this.#roots.map(({ key }) => key),
      coherence: this.coherence.save(),
      stale: this.#tables.stale,
    };
  }

  restore({ tables, roots, coherence, stale }: SavedShadow): void {
    this.#tables.restore(tables);
    this.#roots = roots.map((key) => this.#tables.find(key)!);
    this.coherence.restore(coherence);
    this.#tables.stale = stale;
  }
}
