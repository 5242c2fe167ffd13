import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import { CS } from "../../cpu/state.ts";
import { guard } from "../../mmu/physical.ts";
import type { RecordedBody } from "../../trace/event.ts";
import { Adaptation, type SavedAdaptation } from "./adaptation.ts";
import type { SavedCache, TranslationCache } from "./cache.ts";
import { guestText } from "./reasons.ts";
import { Translator } from "./translator.ts";
import type { Exit, Unit } from "./unit.ts";
import { type TranslatedUnit, viewOf } from "./view.ts";

const pageBytes = 4096;
const accessed = 0x20n;
const hex = (value: number): string => value.toString(16);

export interface TranslationsWiring {
  readonly cpu: Cpu;
  readonly cache: TranslationCache;
  readonly record: (body: RecordedBody) => void;
  /** Host-physical address of guest memory; undefined where the guest has none. */
  readonly hostOf: (guestPhysical: number) => number | undefined;
  /** A page holds translated code now: writes to it must be seen. */
  readonly traced: (page: number) => void;
}

/** What a unit is entered from: an exit that can be chained to it, a lookup, or nothing that leads there again. */
export type Origin = { readonly unit: Unit; readonly exit: Exit } | "lookup" | undefined;

export interface SavedTranslations {
  readonly cache: SavedCache;
  readonly adaptation: SavedAdaptation;
  readonly contexts: readonly string[];
  readonly translated: number;
}

/** The units of a guest's kernel: made when they are needed, chained, and dropped when the code they stand for is another. */
export class Translations {
  readonly adaptation = new Adaptation();
  readonly cache: TranslationCache;
  readonly #wiring: TranslationsWiring;
  readonly #translator: Translator;
  /** Code segments (base, limit) and IOPLs that units are for. */
  #contexts: string[] = [];
  /** Guest-physical pages with code of living units. */
  #pages = new Map<number, Unit[]>();
  /** Guest instructions translated since this was last taken. */
  #translated = 0;
  #breakpoints:
    | { readonly guest: ReadonlySet<bigint>; readonly generation: number; readonly all: ReadonlySet<bigint> }
    | undefined;

  constructor(wiring: TranslationsWiring) {
    this.#wiring = wiring;
    this.cache = wiring.cache;
    this.#translator = new Translator(wiring.cpu);
  }

  /** Whether a guest-physical page has code of living units. */
  holdsCode(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Guest instructions translated since the last call. */
  takeWork(): number {
    const work = this.#translated;
    this.#translated = 0;
    return work;
  }

  /** Number of the guest's present code segment and IOPL. */
  get context(): number {
    const { cpu } = this.#wiring;
    const key = `${cpu.bases[CS]!}/${cpu.limit(CS)}/${cpu.iopl}`;
    const known = this.#contexts.indexOf(key);
    return known >= 0 ? known : this.#contexts.push(key) - 1;
  }

  /**
   * Where in the cache the guest goes on, at its RIP: found or translated, and chained to where it came from. Raises what
   * fetching the code raises. The guest's own registers must be loaded.
   */
  enter(origin: Origin): number {
    const { cpu } = this.#wiring;
    const { context } = this;
    this.cache.useContext(context);
    const after = typeof origin === "object" && this.#leadsHere(origin) ? origin : undefined;
    const unit = this.cache.find(context, cpu.rip) ?? this.#translate(context, after?.exit);
    // Making it may have emptied the cache.
    if (after && this.cache.isAlive(after.unit) && after.unit.context === context) this.#chain(after, unit);
    if (origin === "lookup" && !this.cache.hasFinder(unit)) {
      this.cache.addFinder(unit);
      this.#wiring.record({ kind: "chain", from: null, to: unit.id, how: "lookup", at: hex(unit.linear) });
    }
    return unit.start;
  }

  #leadsHere({ unit, exit }: { readonly unit: Unit; readonly exit: Exit }): boolean {
    const isOpen = this.cache.isAlive(unit) && this.cache.linkOf(exit) === undefined;
    return isOpen && exit.target === this.#wiring.cpu.rip;
  }

  #chain({ unit: from, exit }: { readonly unit: Unit; readonly exit: Exit }, to: Unit): void {
    const how = this.cache.link(from, exit, to) ? "elided" : exit.kind;
    this.#wiring.record({ kind: "chain", from: from.id, to: to.id, how, at: hex(to.linear) });
  }

  #translate(context: number, after: Exit | undefined): Unit {
    const { cpu, record } = this.#wiring;
    if (this.cache.isFull) this.flush("the translation cache is full");
    const place = this.cache.place(after);
    const linearOf = (rip: number): number => (cpu.bases[CS]! + rip) >>> 0;
    const { stub } = this.cache;
    const isAdapted = (rip: number): boolean => this.adaptation.isAdapted(linearOf(rip));
    const draft = this.#translator.draft({ at: place, stub, iopl: cpu.iopl, isAdapted });
    const unit = this.cache.add(draft, context);
    this.#translated += unit.guest.length;
    const { id, linear, guest, start, end } = unit;
    const bytes = guest.reduce((sum, instruction) => sum + instruction.bytes.length, 0);
    record({
      kind: "translate",
      unit: id,
      linear: hex(linear),
      instructions: guest.length,
      bytes,
      cache: hex(start),
      cacheBytes: end - start,
      text: guest.map(guestText),
    });
    // What is known already needs no detour through the VMM.
    for (const exit of unit.exits) {
      const target = exit.kind === "fall-through" ? undefined : this.cache.find(context, exit.target);
      if (target) this.#chain({ unit, exit }, target);
    }
    this.#watch(unit);
    return unit;
  }

  // The code that units stand for.

  #watch(unit: Unit): void {
    for (const { physical } of unit.source) {
      const page = Math.floor(physical / pageBytes);
      const known = this.#pages.get(page);
      if (known) known.push(unit);
      else {
        this.#pages.set(page, [unit]);
        this.#guard(page, true);
        this.#wiring.traced(page);
      }
    }
  }

  #guard(page: number, watched: boolean): void {
    const { cpu, hostOf } = this.#wiring;
    const host = hostOf(page * pageBytes);
    if (host === undefined) return;
    if (watched) cpu.guardPage(host / pageBytes, guard.translated);
    else cpu.unguardPage(host / pageBytes, guard.translated);
  }

  #unwatch(dead: readonly number[]): void {
    for (const [page, units] of [...this.#pages]) {
      const left = units.filter(({ id }) => !dead.includes(id));
      if (left.length === units.length) continue;
      if (left.length > 0) this.#pages.set(page, left);
      else {
        this.#pages.delete(page);
        this.#guard(page, false);
      }
    }
  }

  /** Bytes of guest-physical memory are about to be overwritten. */
  written(physical: number, bytes: number): void {
    const units = this.#pages.get(Math.floor(physical / pageBytes)) ?? [];
    const hit = units.filter(({ source }) =>
      source.some((part) => part.physical < physical + bytes && physical < part.physical + part.bytes),
    );
    this.#drop(hit, "its code was overwritten");
  }

  #drop(units: readonly Unit[], why: string): void {
    const dead = units.flatMap((unit) => this.cache.invalidate(unit));
    if (dead.length === 0) return;
    this.#unwatch(dead);
    this.#wiring.record({ kind: "invalidate", units: dead, why });
  }

  /** The guest's address translation changed, at one page or all: units whose code is elsewhere now go. The guest's own paging must be in force. */
  review(page?: number): void {
    const moved = new Map<number, boolean>();
    const isMoved = (unit: Unit): boolean =>
      unit.source.some(({ physical }, n) => {
        const linear = n === 0 ? unit.linear : (unit.linear & -pageBytes) + pageBytes;
        const number = Math.floor(linear / pageBytes);
        const known = moved.get(number) ?? this.#isMoved(linear, physical);
        moved.set(number, known);
        return known;
      });
    const near = (unit: Unit): boolean => page === undefined || Math.abs(unit.linear - page) < 2 ** 22;
    this.#drop(
      this.cache.living.filter((unit) => near(unit) && isMoved(unit)),
      "its code is mapped elsewhere or must be looked up again",
    );
  }

  /** Fetching there now would find another page, or set an accessed bit on the way. */
  #isMoved(linear: number, physical: number): boolean {
    const { physical: now, steps } = this.#wiring.cpu.walk(linear >>> 0, "execute", false);
    const used = steps.every(({ entry }) => (BigInt(`0x${entry}`) & accessed) !== 0n);
    return now === undefined || Math.floor(now / pageBytes) !== Math.floor(physical / pageBytes) || !used;
  }

  /** An instruction kept trapping, or no longer does: the units that hold it are made anew. */
  adapt(linear: number, callout: boolean): void {
    const holds = (unit: Unit): boolean =>
      unit.guest.some(({ rip }) => unit.linear + ((rip - unit.rip) >>> 0) === linear);
    const units = this.cache.living.filter(holds);
    const text = units.flatMap(({ guest, linear: at, rip: from }) =>
      guest.filter(({ rip }) => at + ((rip - from) >>> 0) === linear),
    )[0];
    this.#wiring.record({ kind: "adapt", at: hex(linear), callout, what: text ? guestText(text) : "" });
    this.#drop(units, callout ? "an instruction becomes a callout" : "an instruction is a callout no more");
  }

  flush(why: string): void {
    const dead = this.cache.living.map(({ id }) => id);
    this.cache.flush();
    this.#unwatch(dead);
    this.#wiring.record({ kind: "invalidate", units: dead, why });
  }

  /** Linear addresses to stop at: the guest's own, and where what stands for them begins in the cache. */
  breakpointsFor(guest: ReadonlySet<bigint>): ReadonlySet<bigint> {
    if (this.#breakpoints?.guest === guest && this.#breakpoints.generation === this.cache.generation)
      return this.#breakpoints.all;
    const all = new Set(guest);
    for (const { sites, linear, rip: from } of this.cache.units)
      for (const { starts, rip, at } of sites)
        if (starts && typeof rip === "number" && guest.has(BigInt((linear + (rip - from)) >>> 0))) all.add(BigInt(at));
    this.#breakpoints = { guest, generation: this.cache.generation, all };
    return all;
  }

  /** For the engine (`Monitor.countersAt`). */
  countersAt(physical: number): readonly number[] {
    return this.cache.countersAt(physical, this.#wiring.cpu.r8.byteOffset + layout.unretired);
  }

  view(): readonly TranslatedUnit[] {
    return this.cache.units.map((unit) => viewOf(this.cache, unit));
  }

  save(): SavedTranslations {
    return {
      cache: this.cache.save(),
      adaptation: this.adaptation.save(),
      contexts: [...this.#contexts],
      translated: this.#translated,
    };
  }

  restore(saved: SavedTranslations): void {
    for (const page of this.#pages.keys()) this.#guard(page, false);
    this.#pages.clear();
    this.cache.restore(saved.cache);
    this.adaptation.restore(saved.adaptation);
    this.#contexts = [...saved.contexts];
    this.#translated = saved.translated;
    for (const unit of this.cache.living)
      for (const { physical } of unit.source) {
        const page = Math.floor(physical / pageBytes);
        this.#pages.set(page, [...(this.#pages.get(page) ?? []), unit]);
      }
    for (const page of this.#pages.keys()) this.#guard(page, true);
  }
}
