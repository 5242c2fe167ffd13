import type { Cpu } from "../../cpu/cpu.ts";
import { cpuBase, tlbBase } from "../../cpu/layout.ts";
import { guard } from "../../mmu/physical.ts";
import type { PageBreakpoints } from "../breakpoints.ts";
import type { CachedInstruction, CodePage, Instructions } from "../code-cache.ts";
import { pageBytes } from "../page.ts";
import { contextOf, type KeyedContext, sameContext } from "./context.ts";
import type { Addresses } from "./frame.ts";
import { planRegion } from "./plan.ts";
import { makeRegion, type Region } from "./region.ts";

export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  /** Offsets of the state block and the TLB. Default: those of `layout.ts`. */
  readonly addresses?: Omit<Addresses, "codePage">;
  /** A block that began this many times is translated. */
  readonly threshold?: number;
}

/** Where execution is, as far as the translator has to know. */
export interface Place {
  readonly page: CodePage;
  readonly instructions: Instructions;
  /** Offset in CS at which the page begins. */
  readonly rip: number;
  /** Where instructions must end, from the start of the page. */
  readonly end: number;
  readonly breakpoints: PageBreakpoints | undefined;
  /** Computed when first asked for. */
  context: KeyedContext | undefined;
}

const defaultThreshold = 2000;
/** Steps after which a region returns even if nothing asks it to, so that the host's compiler can replace its code. */
const longestStay = 100_000;
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
const never = Number.NEGATIVE_INFINITY;

const breakpointKey = ({ breakpoints }: Place): string => breakpoints?.key ?? "";

/** Counts where blocks begin, and runs the hot ones as WebAssembly. */
export class Translator {
  readonly #cpu: Cpu;
  readonly #options: TranslatorOptions;
  readonly #threshold: number;
  /** Instructions executed as translated code so far. */
  executed = 0;
  /** The last region that ran was left by a jump to other code. */
  jumped = false;

  constructor(cpu: Cpu, options: TranslatorOptions) {
    this.#cpu = cpu;
    this.#options = options;
    this.#threshold = options.threshold ?? defaultThreshold;
  }

  /**
   * Told that a block begins with `instruction`, at `offset` in the page. Runs translated code if there is any, for at most
   * `most` steps; gives the steps taken. RIP is then behind them, at an instruction for the interpreter or at another block.
   */
  reach(place: Place, offset: number, instruction: CachedInstruction, most: number): number {
    if (place.breakpoints?.marks[offset]) return 0;
    let { region } = instruction;
    if (region === undefined) {
      instruction.heat += this.jumped ? jumpHeat : 1;
      this.jumped = false;
      if (instruction.heat < this.#threshold * 2 ** Math.min(place.page.rewrites, mostPatience)) return 0;
      region = this.#translate(place, offset, instruction);
    } else if (!this.#fits(region, place)) region = this.#find(place, offset);
    instruction.region = region;
    if (region === undefined) return 0;
    const { page } = place;
    page.extent.setClosed(this.#cpu.physical.guards[page.number] !== guard.code);
    const fuel = Math.min(most, longestStay);
    const left = region.run(region.blockAt(offset)!, fuel);
    this.jumped = (left & 1) !== 0;
    const executed = fuel - (left >> 1);
    this.executed += executed;
    instruction.gained += executed;
    if (++instruction.entries === trialEntries) this.#judge(instruction);
    return executed;
  }

  /** Entering costs more than executing a few instructions: where it does not pay, the interpreter goes on for a while. */
  #judge(instruction: CachedInstruction): void {
    if (instruction.gained < trialEntries * worthwhile) {
      instruction.region = undefined;
      instruction.heat = -this.#threshold * patience;
    }
    instruction.entries = 0;
    instruction.gained = 0;
  }

  #context(place: Place): KeyedContext {
    place.context ??= contextOf(this.#cpu);
    return place.context;
  }

  /** Whether a region may run where execution is. */
  #fits(region: Region, place: Place): boolean {
    if (!region.valid || region.start !== place.rip || region.breakpoints !== breakpointKey(place)) return false;
    return sameContext(region.context, this.#context(place));
  }

  #fitting(place: Place): Region[] {
    return [...place.page.regions].filter((region) => this.#fits(region, place));
  }

  #find(place: Place, offset: number): Region | undefined {
    return this.#fitting(place).find((region) => region.blockAt(offset) !== undefined);
  }

  /** Finds or makes a region with a block at `offset`; undefined if there can be none. */
  #translate(place: Place, offset: number, instruction: CachedInstruction): Region | undefined {
    instruction.heat = 0;
    const known = this.#find(place, offset);
    if (known) return known;
    // What the page is known to run is translated as one, so that execution can stay inside.
    const parts = this.#fitting(place);
    const seeds = [offset, ...parts.flatMap((region) => region.plan.blocks.map((block) => block.offset))];
    const region = this.#make(place, seeds, this.#context(place));
    if (region?.blockAt(offset) === undefined) {
      instruction.heat = never;
      return undefined;
    }
    for (const part of parts) this.#drop(place.page, part);
    this.#add(place, region);
    return region;
  }

  #add(place: Place, region: Region): void {
    const { regions } = place.page;
    regions.add(region);
    for (const oldest of regions) if (regions.size > mostVariants) this.#drop(place.page, oldest);
    for (const block of region.plan.blocks) {
      const first = place.instructions[block.offset];
      if (first) first.region = region;
    }
  }

  #make(place: Place, seeds: readonly number[], context: KeyedContext): Region | undefined {
    const { bytes, physical } = this.#cpu;
    const at = physical.ramBase + place.page.number * pageBytes;
    const { memory, addresses: bases = { cpuBase, tlbBase } } = this.#options;
    const addresses = { ...bases, codePage: at / pageBytes };
    // Only what has been executed: bytes beyond may be anything.
    const marks = place.breakpoints?.marks;
    const isCode = (offset: number): boolean => place.instructions[offset] !== undefined && !marks?.[offset];
    const code = { bytes: bytes.subarray(at, at + pageBytes), start: place.rip, end: place.end, isCode };
    const plan = planRegion(seeds, code, context);
    if (plan.blocks.length === 0) return undefined;
    for (const { offset, bytes: length } of plan.blocks) place.page.note(code.bytes, offset, length);
    const { extent } = place.page;
    return makeRegion({ plan, code, context, breakpoints: breakpointKey(place), addresses, memory, extent });
  }

  #drop(page: CodePage, region: Region): void {
    region.valid = false;
    page.regions.delete(region);
  }
}
