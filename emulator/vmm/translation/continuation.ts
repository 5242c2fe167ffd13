import { flagMask } from "../../../isa/flags.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { CR4, type Segment } from "../../cpu/state.ts";
import type { VmmContext } from "../context.ts";
import type { GuestShadows } from "../cpu/guest-shadows.ts";
import type { GuestWork } from "../cpu/guest-work.ts";
import type { VirtualCpu } from "../cpu/virtual-cpu.ts";
import type { TranslationCache } from "./cache.ts";
import { type Left, Passage } from "./passage.ts";
import { slot } from "./places.ts";
import { reasonToInterpret } from "./reason-to-interpret.ts";
import type { Origin, Translations } from "./translations.ts";

const IF = flagMask("IF");
/** Interruptibility: blocking by STI and by MOV SS. */
const anyShadow = 3;

/** How the guest runs once the VMM has resumed it. */
type Running =
  /** Its process, directly. */
  | "directly"
  /** Its kernel, as units of the cache. */
  | "translated"
  /** Instruction by instruction, as the VMM's work. */
  | "interpreted"
  /** Its kernel, but nobody has looked yet where its translation is. */
  | "unplaced";

export interface ContinuationWiring {
  readonly context: VmmContext;
  readonly cache: TranslationCache;
  readonly virtual: VirtualCpu;
  readonly shadows: GuestShadows;
  readonly translations: Translations;
  readonly work: GuestWork;
  /** The VMM has completed instructions for the guest. */
  readonly completed: (instructions: number) => void;
}

/** The interpretation under way: retired instructions when it began, and those that are counted as the VMM's since. */
interface Interpretation {
  readonly from: number;
  readonly count: number;
}

export interface SavedContinuation {
  readonly running: Running;
  readonly entry: number;
  readonly left: Left | null;
  readonly shadowAt: number | null;
  readonly interpretation: Interpretation;
  readonly segments: readonly Segment[];
}

/** How the guest goes on after an exit: its process directly, its kernel as translated code, or interpreted by the VMM. */
export class Continuation {
  readonly passage: Passage;
  readonly #cpu: Cpu;
  readonly #wiring: ContinuationWiring;
  #running: Running = "unplaced";
  /** Where in the cache the kernel goes on. */
  #entry = 0;
  /** Where the cache was left. */
  #left: Left | undefined;
  /** Offset of an instruction before which no interrupt may come. */
  #shadowAt: number | undefined;
  #interpretation: Interpretation = { from: 0, count: 0 };

  constructor(wiring: ContinuationWiring) {
    const { context, cache, virtual } = wiring;
    this.#wiring = wiring;
    this.#cpu = context.cpu;
    this.passage = new Passage(context.cpu, cache, virtual);
  }

  get isUnplaced(): boolean {
    return this.#running === "unplaced";
  }

  get isInterpreted(): boolean {
    return this.#running === "interpreted";
  }

  /** In the cache, in front of or within an instruction that STI or MOV SS keeps interrupts from. */
  get isShadowed(): boolean {
    const { cache } = this.#wiring;
    const site = this.passage.inCache ? cache.at(this.#cpu.rip)?.site : undefined;
    if (!site) return false;
    const behindSti = site.shadowed && (cache.data(slot.flagsBefore) & IF) === 0;
    return behindSti || (!site.starts && site.rip === this.#shadowAt);
  }

  /** The guest's state takes the place of the cache's; its instruction pointer. */
  leaveCache(): number {
    if (this.passage.inCache) {
      this.#left = this.passage.leave();
      this.#running = "unplaced";
    }
    return this.#cpu.rip;
  }

  /** The guest starts. */
  begin(): void {
    const reason = reasonToInterpret(this.#cpu);
    if (reason !== undefined) this.#interpret(reason);
    else {
      this.#wiring.shadows.descriptors.synchronize({ level: this.#cpu.cpl, kernelRuns: false });
      this.leave();
    }
  }

  /** Somebody else has changed the guest's registers. */
  reconsider(): void {
    const direct = this.#cpu.cpl === 3 && reasonToInterpret(this.#cpu) === undefined;
    this.#running = direct ? "directly" : "unplaced";
  }

  /** Decides how the guest goes on, and finds its code; what is to be said of it. */
  place(origin: Origin): string {
    const { shadows, translations, work } = this.#wiring;
    const reason = reasonToInterpret(this.#cpu);
    if (reason !== undefined) return this.#interpret(reason);
    if (shadows.reviewPaging()) translations.review();
    if (this.#cpu.cpl === 3) {
      this.#running = "directly";
      return "";
    }
    try {
      return this.#placeKernel(origin);
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      const delivered = work.deliver(thrown);
      return delivered === undefined ? "" : `, ${delivered}${this.place(undefined)}`;
    }
  }

  #placeKernel(origin: Origin): string {
    const cpu = this.#cpu;
    const { context, translations } = this.#wiring;
    // What leads to a unit is chained to it.
    const known = origin === undefined ? this.#whereLeft : undefined;
    if (known === undefined) {
      cpu.fetch8(cpu.rip);
      const host = cpu.fetchPage(cpu.codeLinear(cpu.rip));
      if (!cpu.physical.isRam(host)) return this.#interpret("code that is not in memory");
      if (!context.isCode(host)) {
        // The processor finds that there is nothing to execute.
        this.#running = "directly";
        return "";
      }
    }
    this.#entry = known ?? translations.enter(origin);
    this.#running = "translated";
    return "";
  }

  /** Back to where the cache was left, if that is where the guest is, or further on in the same unit. */
  get #whereLeft(): number | undefined {
    const left = this.#left;
    const { cache, translations } = this.#wiring;
    const unit = left?.unit === undefined ? undefined : cache.unit(left.unit);
    if (!left || !unit || !cache.isAlive(unit) || unit.context !== translations.context) return undefined;
    const { rip } = this.#cpu;
    return cache.startOf(unit, rip) ?? (left.rip === rip ? left.at : undefined);
  }

  /** From now on the guest's own registers stay loaded, and the processor executes one instruction at a time for the VMM. */
  #interpret(reason: string): string {
    this.#running = "interpreted";
    this.#interpretation = { from: this.#retired, count: 0 };
    this.#cpu.attention = true;
    this.#wiring.context.record({ kind: "interpret", instructions: 0, what: `the VMM interprets ${reason}` });
    return ", begins to interpret";
  }

  get #retired(): number {
    const { f64 } = this.#cpu;
    return f64[layout.steps >> 3]! - f64[layout.unretired >> 3]!;
  }

  /** Before each instruction that is interpreted: the one before was the VMM's work. True if it was the last. */
  interpretedOne(): boolean {
    const cpu = this.#cpu;
    const { context, shadows, translations, completed } = this.#wiring;
    const { from, count } = this.#interpretation;
    const done = this.#retired - from;
    const instructions = count + done;
    this.#interpretation = { from, count: instructions };
    cpu.f64[layout.unretired >> 3]! += done;
    completed(done);
    cpu.attention = true;
    // The reason may lie with the first instruction alone.
    if (instructions === 0 || cpu.activity !== 0 || reasonToInterpret(cpu) !== undefined) return false;
    const what = `the VMM has interpreted ${instructions} instruction${instructions === 1 ? "" : "s"}`;
    context.record({ kind: "interpret", instructions, what });
    // Not every write was looked at.
    shadows.drop("the VMM interpreted the guest");
    translations.review();
    this.#left = undefined;
    this.#running = "unplaced";
    this.leave();
    return true;
  }

  /** From the VMM to the guest, as it was placed. */
  leave(): void {
    if (this.#running === "interpreted") return;
    const cpu = this.#cpu;
    const { virtual, shadows } = this.#wiring;
    virtual.leave(shadows.prepare());
    this.#shadowAt = (cpu.interruptibility & anyShadow) === 0 ? undefined : cpu.rip;
    // What a process could ask of the VMM's tables and of CR0 traps.
    if (this.#running === "directly") cpu.r64[layout.cr4 >> 3] = cpu.r64[layout.cr4 >> 3]! | BigInt(CR4.UMIP);
    else if (this.#running === "translated") this.passage.enter(this.#entry, cpu.bus.interruptPending());
    else cpu.attention = true;
  }

  save(): SavedContinuation {
    return {
      running: this.#running,
      entry: this.#entry,
      left: this.#left ?? null,
      shadowAt: this.#shadowAt ?? null,
      interpretation: this.#interpretation,
      segments: this.passage.segments,
    };
  }

  restore(saved: SavedContinuation): void {
    this.#running = saved.running;
    this.#entry = saved.entry;
    this.#left = saved.left ?? undefined;
    this.#shadowAt = saved.shadowAt ?? undefined;
    this.#interpretation = saved.interpretation;
    this.passage.restore(saved.segments);
  }
}
