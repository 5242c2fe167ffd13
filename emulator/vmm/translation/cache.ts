import type { Cpu } from "../../cpu/cpu.ts";
import { A, D, P, RW } from "../../mmu/entry-bits.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import type { ShadowDescriptors } from "../cpu/shadow-descriptors.ts";
import { jumpCode, longTrapCode, trapCode } from "./code.ts";
import { LookupTable, type SavedLookups } from "./lookup-table.ts";
import { cacheBytes, cacheLinear, dataLinear } from "./places.ts";
import type { Draft } from "./translator.ts";
import type { Exit, Site, Unit } from "./unit.ts";

const pageBytes = 4096;
const hitBytes = 8;
const mostUnits = 2048;
/** Room that a unit may need: twelve of the longest sequences, and its stubs. */
const mostUnitBytes = 2048;

/** A place in the cache. */
export interface Place {
  readonly site: Site;
  /** Undefined in code that belongs to none. */
  readonly unit: Unit | undefined;
}

export interface SavedCache {
  readonly next: number;
  readonly top: number;
  readonly created: number;
  readonly units: readonly Unit[];
  readonly alive: readonly number[];
  /** Stub of the exit, unit, and whether its code follows without a jump. */
  readonly links: readonly (readonly [number, number, boolean])[];
  readonly lookups: SavedLookups;
}

/** A chained exit. */
interface Link {
  readonly from: Unit;
  readonly exit: Exit;
  readonly to: Unit;
  readonly elided: boolean;
}

const keyOf = (context: number, rip: number): number => context * 2 ** 32 + rip;

/**
 * The translation cache: code in the VMM's memory that the processor really executes, mapped read-only where segment limits
 * keep the guest's kernel away and paging its processes. Units grow from its start, stubs and the code that looks addresses
 * up from its end; when they meet, all is forgotten.
 */
export class TranslationCache {
  readonly #cpu: Cpu;
  readonly #memory: HostMemory;
  /** Host-physical addresses of the cache, the VMM's data and the counters of the units. */
  readonly #code: number;
  readonly #data: number;
  readonly #hits: number;
  #next = 0;
  #top = 0;
  #created = 0;
  #units = new Map<number, Unit>();
  #byAddress = new Map<number, Unit>();
  #alive = new Set<number>();
  #sites = new Map<number, Place>();
  #links = new Map<number, Link>();
  readonly #lookups: LookupTable;
  /** Changes with every unit that is made or dies. */
  generation = 0;

  constructor(cpu: Cpu, memory: HostMemory, allocator: Allocator, descriptors: ShadowDescriptors) {
    this.#cpu = cpu;
    this.#memory = memory;
    this.#code = allocator.pages(cacheBytes / pageBytes);
    this.#data = allocator.page();
    this.#hits = allocator.pages((mostUnits * hitBytes) / pageBytes);
    for (let at = 0; at < cacheBytes; at += pageBytes) descriptors.mapOwn(cacheLinear + at, (this.#code + at) | P | A);
    descriptors.mapOwn(dataLinear, this.#data | P | A | RW | D);
    this.#lookups = new LookupTable({
      data: (offset) => this.data(offset),
      setData: (offset, value) => this.setData(offset, value),
      take: (bytes) => this.#takeTop(new Array<number>(bytes).fill(0x90)),
      write: (linear, bytes) => this.#write(linear, bytes),
      noteSite: (site) => this.#sites.set(site.at, { site, unit: undefined }),
      unit: (id) => this.#units.get(id)!,
    });
    this.#clear();
  }

  // The VMM's data.

  data(offset: number): number {
    return this.#memory.read32(this.#data + offset);
  }

  setData(offset: number, value: number): void {
    this.#cpu.writePhysical(this.#data + offset, 4, value);
  }

  setDataByte(offset: number, value: number): void {
    this.#cpu.writePhysical(this.#data + offset, 1, value);
  }

  // What there is.

  get units(): readonly Unit[] {
    return [...this.#units.values()];
  }

  get living(): readonly Unit[] {
    return this.units.filter(({ id }) => this.#alive.has(id));
  }

  isAlive({ id }: Unit): boolean {
    return this.#alive.has(id);
  }

  unit(id: number): Unit | undefined {
    return this.#units.get(id);
  }

  find(context: number, rip: number): Unit | undefined {
    return this.#byAddress.get(keyOf(context, rip));
  }

  at(address: number): Place | undefined {
    return this.#sites.get(address);
  }

  /** The exit whose stub is at an address, and its unit. */
  exitAt(stub: number): { readonly unit: Unit; readonly exit: Exit } | undefined {
    const unit = this.#sites.get(stub)?.unit;
    const exit = unit?.exits.find((candidate) => candidate.stub === stub);
    return unit && exit && { unit, exit };
  }

  /** The unit that an exit leads to, if it is chained. */
  linkOf({ stub }: Exit): { readonly to: Unit; readonly elided: boolean } | undefined {
    return this.#links.get(stub);
  }

  /** Where in a living unit the guest instruction at an offset begins. */
  startOf(unit: Unit, rip: number): number | undefined {
    return unit.sites.find((site) => site.starts && site.rip === rip)?.at;
  }

  /** Times a unit has been executed from its first instruction. */
  hits(unit: Unit): number {
    const { view, physical } = this.#cpu;
    return view.getFloat64(physical.ramBase + this.#hitsOf(unit), true);
  }

  #hitsOf({ id }: Unit): number {
    return this.#hits + hitBytes * (id % mostUnits);
  }

  /** Linear address in the cache of host-physical memory; undefined for other memory. */
  #linearOf(physical: number): number | undefined {
    const offset = physical - this.#code;
    return offset >= 0 && offset < cacheBytes ? cacheLinear + offset : undefined;
  }

  /**
   * Cells of machine memory (offsets from the start of it, each a float64) that count executions of the instruction at a
   * host-physical address. `overhead` is the cell for those that retire no guest instruction.
   */
  countersAt(physical: number, overhead: number): readonly number[] {
    const linear = this.#linearOf(physical);
    const place = linear === undefined ? undefined : this.#sites.get(linear);
    if (!place) return [];
    const { site, unit } = place;
    const begins = unit && site.at === countedAt(unit);
    return [...(site.retires ? [] : [overhead]), ...(begins ? [this.#cpu.physical.ramBase + this.#hitsOf(unit)] : [])];
  }

  // Making units.

  /** Whether another unit fits. */
  get isFull(): boolean {
    return this.#top - this.#next < mostUnitBytes || this.#units.size >= mostUnits;
  }

  /** Where the next unit goes: in the place of the stub of an exit that falls through, if that is the last thing there is. */
  place(after: Exit | undefined): number {
    return after && this.#isLast(after) ? after.at : cacheLinear + this.#next;
  }

  #isLast({ kind, at }: Exit): boolean {
    return kind === "fall-through" && at + longTrapCode.length === cacheLinear + this.#next;
  }

  /** Takes room for a stub; its trap is there at once. */
  readonly stub = (): number => this.#takeTop(trapCode);

  #takeTop(bytes: readonly number[]): number {
    this.#top -= bytes.length;
    const at = cacheLinear + this.#top;
    this.#write(at, bytes);
    return at;
  }

  add(draft: Draft, context: number): Unit {
    const { bytes, ...facts } = draft;
    const unit: Unit = { id: this.#created++, context, end: draft.start + bytes.length, ...facts };
    this.#write(unit.start, bytes);
    this.#next = unit.end - cacheLinear;
    this.#memory.write64(this.#hitsOf(unit), 0n);
    this.#index(unit, true);
    this.generation++;
    return unit;
  }

  #index(unit: Unit, alive: boolean): void {
    this.#units.set(unit.id, unit);
    for (const site of unit.sites) this.#sites.set(site.at, { site, unit });
    if (!alive) return;
    this.#alive.add(unit.id);
    this.#byAddress.set(keyOf(unit.context, unit.rip), unit);
  }

  /** Lets an exit lead to a unit without the VMM; true if the unit's code simply follows. */
  link(from: Unit, exit: Exit, to: Unit): boolean {
    const elided = to.start === exit.stub;
    this.#links.set(exit.stub, { from, exit, to, elided });
    if (!elided) this.#aim(exit, to.start);
    return elided;
  }

  /** Patches the jump of an exit, or its stub where it has none. */
  #aim({ kind, at }: Exit, target: number): void {
    if (kind === "fall-through") this.#write(at, jumpCode(at, target));
    else {
      const isConditional = this.#byteAt(at) === 0x0f;
      const distanceAt = at + (isConditional ? 2 : 1);
      this.#write(distanceAt, jumpCode(distanceAt - 1, target).slice(1));
    }
  }

  #byteAt(linear: number): number {
    return this.#memory.read8(this.#code + linear - cacheLinear);
  }

  /** Bytes of the cache, as many as an instruction may have. */
  bytesAt(linear: number): readonly number[] {
    return Array.from({ length: 15 }, (_, n) =>
      linear + n < cacheLinear + cacheBytes ? this.#byteAt(linear + n) : 0x90,
    );
  }

  /** Lets indirect jumps and returns find a unit. */
  addFinder(unit: Unit): void {
    this.#lookups.add(unit);
  }

  hasFinder(unit: Unit): boolean {
    return this.#lookups.has(unit);
  }

  /** Lookups are those of this context from now on. */
  useContext(context: number): void {
    this.#lookups.useContext(context);
  }

  // Forgetting.

  /**
   * Makes a unit unreachable, with those whose code runs into it. Its code stays, for whoever is in the middle of it; its
   * entry traps. Gives the ids of all that died.
   */
  invalidate(unit: Unit): readonly number[] {
    if (!this.#alive.delete(unit.id)) return [];
    this.generation++;
    this.#byAddress.delete(keyOf(unit.context, unit.rip));
    this.#write(unit.start, trapCode);
    this.#sites.set(unit.start, { site: { ...unit.sites[0]!, trap: "exit" }, unit });
    this.#lookups.remove(unit);
    const died = [unit.id];
    for (const link of [...this.#links.values()]) {
      if (link.to.id === unit.id) {
        this.#links.delete(link.exit.stub);
        if (link.elided) died.push(...this.invalidate(link.from));
        else this.#unaim(link.exit);
      } else if (link.from.id === unit.id) this.#links.delete(link.exit.stub);
    }
    return died;
  }

  #unaim(exit: Exit): void {
    if (exit.kind === "fall-through") this.#write(exit.at, longTrapCode);
    else this.#aim(exit, exit.stub);
  }

  /** Forgets all units. Nobody may be in the middle of one. */
  flush(): void {
    this.#clear();
    this.generation++;
  }

  #clear(): void {
    this.#units.clear();
    this.#byAddress.clear();
    this.#alive.clear();
    this.#sites.clear();
    this.#links.clear();
    this.#top = cacheBytes;
    this.#write(cacheLinear, trapCode);
    this.#next = trapCode.length;
    this.#noteMiss();
    this.#lookups.clear();
  }

  /** At the start of the cache: where an address leads that has no unit yet. */
  #noteMiss(): void {
    const state = { rip: "target", saved: ["ecx"], starts: false, retires: false, shadowed: false } as const;
    this.#sites.set(cacheLinear, { site: { ...state, at: cacheLinear, trap: "lookup" }, unit: undefined });
  }

  #write(linear: number, bytes: readonly number[]): void {
    const at = this.#code + linear - cacheLinear;
    for (const [n, byte] of bytes.entries()) this.#cpu.writePhysical(at + n, 1, byte);
  }

  save(): SavedCache {
    return {
      next: this.#next,
      top: this.#top,
      created: this.#created,
      units: this.units,
      alive: [...this.#alive],
      links: [...this.#links].map(([stub, { to, elided }]) => [stub, to.id, elided]),
      lookups: this.#lookups.save(),
    };
  }

  /** After the memory has been restored. */
  restore(saved: SavedCache): void {
    this.#next = saved.next;
    this.#top = saved.top;
    this.#created = saved.created;
    for (const map of [this.#units, this.#byAddress, this.#sites, this.#links]) map.clear();
    this.#alive = new Set();
    this.#noteMiss();
    const alive = new Set(saved.alive);
    for (const unit of saved.units) {
      this.#index(unit, alive.has(unit.id));
      if (!alive.has(unit.id)) this.#sites.set(unit.start, { site: { ...unit.sites[0]!, trap: "exit" }, unit });
    }
    for (const [stub, to, elided] of saved.links) {
      const { unit: from, exit } = this.exitAt(stub) ?? this.#exitOf(stub);
      this.#links.set(stub, { from, exit, to: this.#units.get(to)!, elided });
    }
    this.#lookups.restore(saved.lookups);
    for (let at = 0; at < cacheBytes; at += pageBytes) this.#cpu.physical.announceWrite(this.#code + at, pageBytes);
    this.generation++;
  }

  /** An exit whose stub another unit has taken the place of. */
  #exitOf(stub: number): { readonly unit: Unit; readonly exit: Exit } {
    for (const unit of this.#units.values())
      for (const exit of unit.exits) if (exit.stub === stub) return { unit, exit };
    throw new Error("a chained exit that belongs to no unit");
  }
}

const isRepeated = ({ bytes }: Unit["guest"][number]): boolean => bytes.some((byte) => byte === 0xf2 || byte === 0xf3);

/**
 * The instruction whose executions are those of the unit: its first but for repeated ones, of which a step may do many
 * iterations; undefined if there is no other.
 */
function countedAt({ guest, sites }: Unit): number | undefined {
  const first = guest.find((instruction) => !isRepeated(instruction));
  return first && sites.find(({ starts, rip }) => starts && rip === first.rip)?.at;
}
