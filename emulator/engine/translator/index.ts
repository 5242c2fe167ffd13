import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import { guard } from "../../mmu/physical.ts";
import type { Breakpoints } from "../breakpoints.ts";
import type { CodeCache, Entry, ModeCode } from "../code-cache.ts";
import { pageBytes } from "../page.ts";
import { contextOf, type KeyedContext, sameContext } from "./context.ts";
import { flagForms } from "./flag-forms.ts";
import { leftByHost } from "./frame.ts";
import { Host } from "./host.ts";
import {
  type CodePlace,
  linearOf,
  neighbour,
  type PageIndex,
  type Parts,
  type Place,
  pageIndices,
  pageOf,
} from "./place.ts";
import { type CodeSource, type Plan, planRegion } from "./plan.ts";
import { makeRegion, mappingOf, type Region } from "./region.ts";
import type { Mapping } from "./region-writer.ts";

export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  /** A block that began this many times is translated. */
  readonly threshold?: number;
}

const defaultThreshold = 2000;
/** A page whose regions were overwritten this often is translated no more often than after 2^this times the threshold. */
const mostPatience = 12;
/** Where a region is left by a jump, other code of its loop begins: that is translated soon. */
const jumpHeat = 8;
/** Entries at one place after which they must have paid, and instructions each must execute for that. */
const trialEntries = 5000;
const worthwhile = 6;
/** Thresholds to wait before trying again where it did not pay. */
const patience = 100;
/** Regions of one page: for different contexts or breakpoints. */
const mostVariants = 8;
const never = -(2 ** 30);

const steps = layout.steps >> 3;

/** What the engine is about. */
export interface RunUnderWay {
  /** The step at which it ends. */
  readonly end: Float64Array;
  readonly breakpoints: Breakpoints | undefined;
}

/** Counts where blocks begin, and runs the hot ones as WebAssembly. */
export class Translator {
  readonly #cpu: Cpu;
  readonly #options: TranslatorOptions;
  readonly #threshold: number;
  readonly #cache: CodeCache;
  readonly #under: RunUnderWay;
  readonly #host: Host;
  /** Instructions executed in regions so far. */
  executed = 0;
  /** The last region that ran was left by a jump to other code. */
  jumped = false;
  /** It was left by an instruction that the host executed: mode, segments and translation may be others now. */
  displaced = false;

  constructor(cpu: Cpu, options: TranslatorOptions, cache: CodeCache, under: RunUnderWay) {
    this.#cpu = cpu;
    this.#options = options;
    this.#threshold = options.threshold ?? defaultThreshold;
    this.#cache = cache;
    this.#under = under;
    this.#host = new Host(cpu, under.end, options.memory);
  }

  /**
   * Told that a block begins at `offset` in the page. Runs translated code if there is any, and counts its steps; false if
   * it took none. RIP is then behind them, at an instruction for the interpreter or at another block. Throws what an
   * instruction throws.
   */
  reach(place: Place, offset: number): boolean {
    if (place.breakpoints?.marks[offset]) return false;
    const entry = this.#entryAt(place, offset);
    if (!entry) return false;
    const { region } = entry;
    const from = place.rip - region.start + offset;
    if (!region.isTranslatedAt(from)) return false;
    const executed = this.#run(region, from);
    entry.gained += executed;
    if (++entry.times === trialEntries) this.#judge(place.code, offset, entry);
    this.#host.rethrow();
    return executed > 0;
  }

  /** Where translated code for this place can be entered; makes it if the place has become hot. */
  #entryAt(place: Place, offset: number): Entry | undefined {
    const { code } = place;
    const known = code.entries?.[offset];
    if (known === undefined) {
      const heat = code.heat[offset]! + (this.jumped ? jumpHeat : 1);
      code.heat[offset] = heat;
      this.jumped = false;
      if (heat < this.#threshold * 2 ** Math.min(place.page.rewrites, mostPatience)) return undefined;
      const region = this.#translate(place, offset);
      return region && code.enter(offset, region);
    }
    if (this.#fits(known.region, place)) return known;
    const region = this.#find(place, offset);
    if (region) known.region = region;
    else code.entries![offset] = undefined;
    return region && known;
  }

  /** Enters a region; gives the steps taken. */
  #run(region: Region, offset: number): number {
    const { page } = region.parts[0]!;
    const { f64, physical } = this.#cpu;
    page.extent.setClosed(physical.guards[page.number] !== guard.code);
    const before = f64[steps]!;
    const left = this.#host.run(region, region.blockAt(offset)!);
    this.displaced = this.#host.displaced;
    this.jumped = left !== leftByHost && (left & 1) !== 0;
    const executed = f64[steps]! - before;
    this.executed += executed;
    return executed;
  }

  /** Entering costs more than executing a few instructions: where it does not pay, the interpreter goes on for a while. */
  #judge(code: ModeCode, offset: number, entry: Entry): void {
    if (entry.gained < trialEntries * worthwhile) {
      code.entries![offset] = undefined;
      code.heat[offset] = -this.#threshold * patience;
    }
    entry.times = 0;
    entry.gained = 0;
  }

  #context(place: Place): KeyedContext {
    place.context ??= contextOf(this.#cpu);
    return place.context;
  }

  /** Whether a region may run where execution is. */
  #fits(region: Region, place: Place): boolean {
    if (!region.valid || !region.hasPage(place.page, place.rip)) return false;
    const { breakpoints } = this.#under;
    if (region.breakpoints !== (breakpoints ? this.#keyOf(breakpoints, region) : "")) return false;
    return sameContext(region.context, this.#context(place));
  }

  /** Which breakpoints there are in the pages of a region. */
  #keyOf(breakpoints: Breakpoints, { parts, context }: Pick<Region, "parts" | "context">): string {
    const keys = pageIndices.map((index) => {
      const part = parts[index];
      return part ? (breakpoints.inPage(linearOf(part, context))?.key ?? "") : "";
    });
    return keys.some((key) => key !== "") ? keys.join() : "";
  }

  #fitting(place: Place): Region[] {
    return [...place.page.regions].filter((region) => this.#fits(region, place));
  }

  #find(place: Place, offset: number): Region | undefined {
    return this.#fitting(place).find((region) => region.blockAt(place.rip - region.start + offset) !== undefined);
  }

  /** Finds or makes a region with a block at `offset`; undefined if there can be none. */
  #translate(place: Place, offset: number): Region | undefined {
    place.code.heat[offset] = 0;
    const known = this.#find(place, offset);
    if (known) return known;
    // What the page is known to run is translated as one, so that execution can stay inside.
    const merged = this.#fitting(place).filter((region) => isWithinReach(region, place));
    const seeds = merged.flatMap(({ plan, start }) => plan.entries.map((entry) => start - place.rip + entry));
    const region = this.#make(place, [offset, ...seeds], this.#context(place));
    if (region?.blockAt(offset) === undefined) {
      place.code.heat[offset] = never;
      return undefined;
    }
    for (const part of merged) part.drop();
    this.#add(region);
    return region;
  }

  #add(region: Region): void {
    for (const index of pageIndices) {
      const part = region.parts[index];
      if (!part) continue;
      const { regions } = part.page;
      regions.add(region);
      for (const oldest of regions) if (regions.size > mostVariants) oldest.drop();
    }
    for (const { offset } of region.plan.blocks) {
      const { code } = region.parts[pageOf(offset) as PageIndex]!;
      const at = offset & (pageBytes - 1);
      if (code.instructions[at] && region.blockAt(offset) !== undefined) code.enter(at, region);
    }
  }

  #make(place: Place, seeds: readonly number[], context: KeyedContext): Region | undefined {
    const { physical } = this.#cpu;
    const { memory } = this.#options;
    const codePage = (physical.ramBase + place.host) / pageBytes;
    const around = this.#around(place, context);
    const code = this.#source(around);
    const plan = planRegion(seeds, code, context);
    if (plan.blocks.length === 0) return undefined;
    const parts = this.#note(plan, around, code);
    const mappings = new Map<number, Mapping>();
    for (const index of pageIndices) {
      const part = parts[index];
      if (part) mappings.set(index, mappingOf(context, linearOf(part, context), physical.ramBase + part.host));
    }
    const { breakpoints } = this.#under;
    const key = breakpoints ? this.#keyOf(breakpoints, { parts, context }) : "";
    const { extent } = place.page;
    const host = this.#host.functionsFor(context);
    const forms = flagForms(plan, BigInt(place.rip), context);
    const text = { plan, code, context, codePage, mappings, forms };
    return makeRegion({ ...text, parts, breakpoints: key, memory, extent, host });
  }

  /** A place and its neighbours, as far as they can be part of a region. */
  #around(place: Place, context: KeyedContext): Parts {
    const parts: Parts = { 0: place };
    for (const index of [-1, 1] as const) {
      const found = neighbour(this.#cpu, this.#cache, this.#under.breakpoints, place, context, index);
      if (found) parts[index] = found;
    }
    return parts;
  }

  #source(parts: Parts): CodeSource {
    const { bytes, physical } = this.#cpu;
    const partAt = (offset: number): CodePlace | undefined => parts[pageOf(offset) as PageIndex];
    const within = (offset: number): number => offset & (pageBytes - 1);
    const place = parts[0]!;
    return {
      start: place.rip,
      from: parts[-1] ? -pageBytes : 0,
      end: parts[1] ? pageBytes + parts[1].end : place.end,
      byteAt: (offset) => {
        const part = partAt(offset);
        return part ? bytes[physical.ramBase + part.host + within(offset)]! : -1;
      },
      // Only what has been executed: bytes beyond may be anything.
      isCode: (offset) => {
        const part = partAt(offset);
        return part?.instructions[within(offset)] !== undefined && !part.breakpoints?.marks[within(offset)];
      },
      countersAt: (offset) => {
        const part = partAt(offset);
        return (part && this.#cpu.monitor?.countersAt?.(part.host + within(offset))) ?? [];
      },
    };
  }

  /** Tells the pages what of them was translated; gives those of which anything was, and the first. */
  #note({ blocks }: Plan, around: Parts, code: CodeSource): Parts {
    const parts: Parts = { 0: around[0]! };
    for (const { offset, bytes } of blocks)
      for (let at = offset; at < offset + bytes; at++) {
        const index = pageOf(at) as PageIndex;
        const part = around[index]!;
        parts[index] = part;
        part.page.noteByte(at & (pageBytes - 1), code.byteAt(at));
      }
    return parts;
  }
}

/** Whether all pages of a region are the place's or its neighbours. */
const isWithinReach = ({ start, parts }: Region, place: Place): boolean =>
  pageIndices.every((index) => !parts[index] || Math.abs(start + index * pageBytes - place.rip) <= pageBytes);
