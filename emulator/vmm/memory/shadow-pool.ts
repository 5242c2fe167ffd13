import type { Cpu } from "../../cpu/cpu.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import { type SavedCoherence, ShadowCoherence } from "./shadow-coherence.ts";
import { type SavedTable, type ShadowTable, ShadowTables } from "./shadow-tables.ts";

const pageBytes = 4096;
/** Pages of the VMM's memory for shadow tables, unless told. */
const poolPages = 256;
/** Most tables that one fault needs: a root with its page directories, and a path below it. */
const preallocated = 8;
/** Roots that are kept when a virtual CPU loads another CR3: its present one and three before it, as KVM keeps. */
const keptRoots = 4;

export interface ShadowPoolOptions {
  readonly cpu: Cpu;
  readonly memory: HostMemory;
  readonly allocator: Allocator;
  readonly pages?: number | undefined;
  /** Roots of each address space: two, where its kernel has a view of its own. Default: 1. */
  readonly rootsPerSpace?: number;
  /** Guest-physical pages whose writes the VMM must see for reasons of its own. */
  readonly isTraced?: (page: number) => boolean;
}

export interface SavedPool {
  readonly tables: readonly SavedTable[];
  readonly roots: readonly string[];
  readonly coherence: SavedCoherence;
  readonly strictness: number;
}

/** Who has a root in use: a virtual CPU. */
export interface RootUser {
  readonly presentRoot: ShadowTable | undefined;
  /** The root in use was given up. */
  readonly lostRoot: () => void;
}

/** What the virtual CPUs of a guest share of its shadow page tables: the tables themselves, what keeps them coherent, and the roots that are kept. */
export class ShadowPool {
  readonly tables: ShadowTables;
  readonly coherence: ShadowCoherence;
  readonly isTraced: (page: number) => boolean;
  readonly #cpu: Cpu;
  readonly #allocator: Allocator;
  readonly #rootsPerSpace: number;
  readonly #users: RootUser[] = [];
  /** Least recently used first. */
  #roots: ShadowTable[] = [];

  constructor(options: ShadowPoolOptions) {
    const { cpu, memory, allocator, pages = poolPages, rootsPerSpace = 1, isTraced = () => false } = options;
    this.#cpu = cpu;
    this.#allocator = allocator;
    this.#rootsPerSpace = rootsPerSpace;
    this.isTraced = isTraced;
    this.tables = new ShadowTables(memory, allocator.pages(pages), pages, (table) => this.#released(table));
    this.coherence = new ShadowCoherence({
      tables: this.tables,
      memory,
      placeOf: (physical) => this.placeOf(physical),
      isTraced,
    });
  }

  join(user: RootUser): void {
    this.#users.push(user);
  }

  #released(table: ShadowTable): void {
    this.#roots = this.#roots.filter((root) => root !== table);
    for (const user of this.#users) if (user.presentRoot === table) user.lostRoot();
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

  // Roots.

  /** Somebody uses a root, which is kept from now on; others go if they are too many. */
  keep(root: ShadowTable): void {
    this.#roots = [...this.#roots.filter((other) => other !== root), root];
    const most = keptRoots * this.#rootsPerSpace * this.#users.length;
    while (this.#roots.length > most && this.#releaseOldest(root));
  }

  /** Gives up the root used longest ago that no virtual CPU has in use. False if there is none. */
  #releaseOldest(using: ShadowTable | undefined): boolean {
    const inUse = (root: ShadowTable): boolean =>
      root === using || this.#users.some(({ presentRoot }) => presentRoot === root);
    const oldest = this.#roots.find((root) => !inUse(root));
    if (oldest) this.tables.release(oldest);
    return oldest !== undefined;
  }

  /**
   * Makes room for whatever the next fault needs. What had to go for that, as a sentence; undefined if nothing had to. `note` is told
   * in xenalyze's words.
   */
  reserve(note: (what: string) => void): string | undefined {
    if (this.tables.free >= preallocated) return undefined;
    let gone = 0;
    while (this.tables.free < preallocated && this.#releaseOldest(undefined)) gone++;
    if (gone > 0) note("unpin");
    const unpinned = gone > 0 ? `${gone} of the roots used before ${gone === 1 ? "was" : "were"} dropped` : "";
    if (this.tables.free >= preallocated) return unpinned;
    note("unhook");
    for (const root of this.#roots) this.tables.empty(root);
    return `${unpinned}${unpinned ? ", and " : ""}all below the present root was dropped`;
  }

  /** Gives up everything. */
  drop(): void {
    for (const table of this.tables.all) this.tables.release(table);
    this.#roots = [];
    this.tables.strictness++;
  }

  save(): SavedPool {
    return {
      tables: this.tables.save(),
      roots: this.#roots.map(({ key }) => key),
      coherence: this.coherence.save(),
      strictness: this.tables.strictness,
    };
  }

  /** Before those who use the roots. */
  restore({ tables, roots, coherence, strictness }: SavedPool): void {
    this.tables.restore(tables);
    this.#roots = roots.map((key) => this.tables.find(key)!);
    this.coherence.restore(coherence);
    this.tables.strictness = strictness;
  }
}
