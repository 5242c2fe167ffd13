import type { Cpu } from "../../cpu/cpu.ts";
import { answerCpuid } from "../../cpu/cpuid.ts";
import { cpuBase, layout, tlbBase } from "../../cpu/layout.ts";
import type { Fault, VmExit } from "../../cpu/monitor.ts";
import { guard } from "../../mmu/physical.ts";
import type { PageBreakpoints } from "../breakpoints.ts";
import { flow } from "../cached-instruction.ts";
import type { CodePage, Entry, Instructions, ModeCode } from "../code-cache.ts";
import { pageBytes } from "../page.ts";
import { repeatQuickly } from "../repetition.ts";
import { contextOf, type KeyedContext, sameContext } from "./context.ts";
import { leftByHost } from "./frame.ts";
import { planRegion } from "./plan.ts";
import { makeRegion, type Region } from "./region.ts";

export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  /** Offsets of the state block and the TLB. Default: those of `layout.ts`. */
  readonly addresses?: { readonly cpuBase: number; readonly tlbBase: number };
  /** A block that began this many times is translated. */
  readonly threshold?: number;
}

/** Where execution is, as far as the translator has to know. */
export interface Place {
  readonly page: CodePage;
  readonly code: ModeCode;
  /** Those of `code`. */
  readonly instructions: Instructions;
  /** Host-physical address of the page. */
  readonly host: number;
  /** Offset in CS at which the page begins. */
  readonly rip: number;
  /** Its low 32 bits, signed. */
  readonly start: number;
  /** High 32 bits of RIP. */
  readonly high: number;
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
const never = -(2 ** 30);
const canonicalEnd = 2 ** 47;

const ripLow = layout.rip >> 2;
const ripHigh = ripLow + 1;
const steps = layout.steps >> 3;
const attention = layout.attention >> 2;

const breakpointKey = ({ breakpoints }: Place): string => breakpoints?.key ?? "";

/** Counts where blocks begin, and runs the hot ones as WebAssembly. */
export class Translator {
  readonly #cpu: Cpu;
  readonly #options: TranslatorOptions;
  readonly #threshold: number;
  /** The step at which the run under way ends; that may change while instructions execute. */
  readonly #end: Float64Array;
  readonly #base: number;
  /** What is running, the step at which its fuel is gone, and what an instruction threw that the host executed for it. */
  #place: Place | undefined;
  #region: Region | undefined;
  #paidUntil = 0;
  #thrown: unknown;
  readonly #host = {
    execute: (offset: number, count: number, left: number) => this.#execute(offset, count, left),
    fill: (linear: number, write: number) => this.#fill(linear, write),
    cpuid: (leaf: number, subleaf: number) => this.#cpuid(leaf >>> 0, subleaf >>> 0),
  };
  /** Instructions executed in regions so far. */
  executed = 0;
  /** The last region that ran was left by a jump to other code. */
  jumped = false;
  /** It was left by an instruction that the host executed: mode, segments and translation may be others now. */
  displaced = false;

  constructor(cpu: Cpu, options: TranslatorOptions, end: Float64Array) {
    this.#cpu = cpu;
    this.#options = options;
    this.#threshold = options.threshold ?? defaultThreshold;
    this.#end = end;
    this.#base = options.addresses?.cpuBase ?? cpuBase;
  }

  /**
   * Told that a block begins at `offset` in the page. Runs translated code if there is any, and counts its steps; false if
   * it took none. RIP is then behind them, at an instruction for the interpreter or at another block. Throws what an
   * instruction throws.
   */
  reach(place: Place, offset: number): boolean {
    if (place.breakpoints?.marks[offset]) return false;
    const entry = this.#entryAt(place, offset);
    if (!entry?.region.isTranslatedAt(offset)) return false;
    const executed = this.#run(place, entry.region, offset);
    entry.gained += executed;
    if (++entry.times === trialEntries) this.#judge(place.code, offset, entry);
    if (this.#thrown !== undefined) this.#rethrow();
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
  #run(place: Place, region: Region, offset: number): number {
    const { page } = place;
    const { f64, physical } = this.#cpu;
    page.extent.setClosed(physical.guards[page.number] !== guard.code);
    const before = f64[steps]!;
    const fuel = Math.min(this.#end[0]! - before, longestStay);
    this.#place = place;
    this.#region = region;
    this.#paidUntil = before + fuel;
    const left = region.run(region.blockAt(offset)!, fuel, this.#base);
    this.displaced = left === leftByHost;
    this.jumped = !this.displaced && (left & 1) !== 0;
    if (left !== leftByHost) f64[steps] = this.#paidUntil - (left >> 1);
    const executed = f64[steps]! - before;
    this.executed += executed;
    return executed;
  }

  #rethrow(): never {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    throw thrown;
  }

  /** Called by translated code, which does not expect exceptions: they go on when it has returned. */
  #execute(offset: number, count: number, left: number): number {
    this.#cpu.f64[steps] = this.#paidUntil - left;
    try {
      return this.#interpret(offset, count);
    } catch (thrown) {
      this.#thrown = thrown;
      return leftByHost;
    }
  }

  /** Executes instructions in the place of the region as the interpreter would; gives the fuel for what comes then. */
  #interpret(offset: number, count: number): number {
    const cpu = this.#cpu;
    const { r32, f64 } = cpu;
    const place = this.#place!;
    const region = this.#region!;
    const { generation } = cpu;
    let at = offset;
    for (let n = 0; n < count; ) {
      const instruction = place.instructions[at];
      if (instruction === undefined || at + instruction.length > place.end) return leftByHost;
      instruction.execute(instruction);
      f64[steps]! += 1;
      const here = (r32[ripLow]! - place.start) | 0;
      if (here === at && instruction.flow === flow.repeated && r32[attention] === 0)
        f64[steps]! += repeatQuickly(cpu, instruction, this.#end[0]! - f64[steps]!);
      if (r32[attention] !== 0 || f64[steps]! >= this.#end[0]!) return leftByHost;
      if (((r32[ripLow]! - place.start) | 0) === at && instruction.flow === flow.repeated) continue;
      at += instruction.length;
      n++;
      if (((r32[ripLow]! - place.start) | 0) !== at || r32[ripHigh] !== place.high || at >= pageBytes)
        return leftByHost;
      if (!region.valid || (cpu.generation !== generation && !sameContext(region.context, contextOf(cpu))))
        return leftByHost;
      // After an instruction that may change anything, the page is looked up again.
      if (instruction.flow === flow.system && cpu.fetchPage(cpu.codeLinear(cpu.rip)) !== place.host + at)
        return leftByHost;
    }
    if (region.blockAt(at) === undefined) return leftByHost;
    const fuel = Math.min(this.#end[0]! - f64[steps]!, longestStay);
    this.#paidUntil = f64[steps]! + fuel;
    return fuel;
  }

  /** Called by translated code on a TLB miss. What cannot be translated now is for the interpreter to meet again. */
  #fill(linear: number, write: number): number {
    const cpu = this.#cpu;
    // Under a VMM the translation may exit, which needs all state in its place.
    if (cpu.monitor !== undefined || linear < -canonicalEnd || linear >= canonicalEnd) return 0;
    try {
      cpu.translate(linear, write !== 0 ? "write" : "read");
      return 1;
    } catch (thrown) {
      if ((thrown as Fault | VmExit).kind === undefined) throw thrown;
      return 0;
    }
  }

  #cpuid(leaf: number, subleaf: number): number {
    answerCpuid(this.#cpu, leaf, subleaf, this.#region!.context.bits === 64);
    return 0;
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
  #translate(place: Place, offset: number): Region | undefined {
    place.code.heat[offset] = 0;
    const known = this.#find(place, offset);
    if (known) return known;
    // What the page is known to run is translated as one, so that execution can stay inside.
    const parts = this.#fitting(place);
    const seeds = [offset, ...parts.flatMap((region) => region.plan.blocks.map((block) => block.offset))];
    const region = this.#make(place, seeds, this.#context(place));
    if (region?.blockAt(offset) === undefined) {
      place.code.heat[offset] = never;
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
    for (const { offset } of region.plan.blocks) if (place.instructions[offset]) place.code.enter(offset, region);
  }

  #make(place: Place, seeds: readonly number[], context: KeyedContext): Region | undefined {
    const { bytes, physical } = this.#cpu;
    const at = physical.ramBase + place.page.number * pageBytes;
    const { memory, addresses: bases = { cpuBase, tlbBase } } = this.#options;
    const addresses = { tlbDistance: bases.tlbBase - bases.cpuBase, codePage: at / pageBytes };
    // Only what has been executed: bytes beyond may be anything.
    const marks = place.breakpoints?.marks;
    const isCode = (offset: number): boolean => place.instructions[offset] !== undefined && !marks?.[offset];
    const code = { bytes: bytes.subarray(at, at + pageBytes), start: place.rip, end: place.end, isCode };
    const plan = planRegion(seeds, code, context);
    if (plan.blocks.length === 0) return undefined;
    for (const { offset, bytes: length } of plan.blocks) place.page.note(code.bytes, offset, length);
    const { extent } = place.page;
    const breakpoints = breakpointKey(place);
    return makeRegion({ plan, code, context, breakpoints, addresses, memory, extent, host: this.#host });
  }

  #drop(page: CodePage, region: Region): void {
    region.valid = false;
    page.regions.delete(region);
  }
}
