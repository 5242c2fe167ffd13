/** Finds the first instruction after which a guest could tell a technique from the bare machine. */

import {
  differences,
  type Observation,
  observationWords,
  type RegisterDifference,
  same,
} from "../inspection/observation.ts";
import type { Machine } from "../machine.ts";
import type { StopReason } from "../trace/event.ts";
import { type MemoryDifference, memoryDifferences, sameMemory } from "./memory.ts";
import { Runner } from "./runner.ts";

/** So many instructions from the start on are compared one by one; what comes later, at exits and at intervals. */
const oneByOne = 20_000;
/** Instructions between two comparisons of registers and memory at first; later an eighth of what has passed. */
const leastInterval = 2 ** 18;
/** Exits in an interval at which registers are compared. */
const exitsCompared = 64;

export interface Divergence {
  /** Instructions that had retired before the one at fault: up to it all was equal. */
  readonly instructions: number;
  /** Linear address of the instruction at fault, hexadecimal. */
  readonly address: string;
  readonly registers: readonly RegisterDifference[];
  readonly memory: readonly MemoryDifference[];
  /** How each guest stopped there, if one did. */
  readonly ends?: { readonly bare: StopReason | undefined; readonly hosted: StopReason | undefined };
}

export interface Lockstep {
  readonly divergence: Divergence | undefined;
  /** Instructions over which the runs were compared. */
  readonly instructions: number;
}

/** A moment of both runs at which they are equal. */
interface Moment {
  readonly bare: number;
  readonly hosted: number;
  readonly instructions: number;
}

type Verdict = "equal" | "differ" | "ended";

/**
 * Runs two machines with the same guest side by side, for at most `limit` instructions. Both must be new, with `clock:
 * "instructions"`.
 */
export function lockstep(bare: Machine, hosted: Machine, limit: number): Lockstep {
  const pair = new Pair(bare, hosted);
  for (;;) {
    const from = pair.moment;
    const verdict = from.instructions < oneByOne ? pair.each(Math.min(oneByOne, limit)) : pair.interval(limit);
    const instructions = pair.instructions;
    if (verdict === "differ" || !pair.agrees())
      return { divergence: pair.bisect(from, Math.max(instructions, from.instructions + 1)), instructions };
    if (verdict === "ended" || instructions >= limit) return { divergence: undefined, instructions };
  }
}

class Pair {
  readonly #bare: Runner;
  readonly #hosted: Runner;
  readonly #left: Observation = new Uint32Array(observationWords);
  readonly #right: Observation = new Uint32Array(observationWords);

  constructor(bare: Machine, hosted: Machine) {
    this.#bare = new Runner(bare);
    this.#hosted = new Runner(hosted);
  }

  get moment(): Moment {
    const { instructions } = this.#bare;
    return { bare: this.#bare.machine.now, hosted: this.#hosted.machine.now, instructions };
  }

  get instructions(): number {
    return Math.max(this.#bare.instructions, this.#hosted.instructions);
  }

  /** Compares registers before every instruction, up to `limit` of them. */
  each(limit: number): Verdict {
    while (this.instructions < limit) {
      const verdict = this.#one();
      if (verdict !== "equal") return verdict;
    }
    return this.#align() ? "equal" : "differ";
  }

  /** Lets one more instruction of the hosted guest retire, and compares registers before it. */
  #one(): Verdict {
    if (!this.#hosted.next()) return this.#bare.next() ? "differ" : "ended";
    const { count, before } = this.#hosted;
    return this.#bare.nextAfter(count) && same(this.#bare.before, before) ? "equal" : "differ";
  }

  /** Brings the bare guest to where the hosted one is. */
  #align(): boolean {
    return this.#bare.advanceTo(this.#hosted.instructions) && this.#bare.instructions === this.#hosted.instructions;
  }

  /** Goes on by an interval, comparing registers at the first exits in it. */
  interval(limit: number): Verdict {
    const from = this.instructions;
    const end = Math.min(limit, from + Math.max(leastInterval, from / 8));
    for (let exits = 0; exits < exitsCompared && this.#hosted.instructions < end; exits++) {
      const { machine } = this.#hosted;
      const stop = machine.run({ steps: end - machine.instructions, stopOnExit: true });
      if (stop.kind !== "exit") break;
      const verdict = this.#one();
      if (verdict !== "equal") return verdict;
    }
    const going = this.#hosted.advanceTo(end);
    if (!this.#align()) return "differ";
    return going ? "equal" : "ended";
  }

  /** Whether the guests could tell the difference now. */
  agrees(): boolean {
    if (this.#equalNow()) return true;
    // What one has delivered in the step of the last instruction, the other delivers in a step of its own.
    this.#bare.settle();
    this.#hosted.settle();
    return this.#equalNow();
  }

  #equalNow(): boolean {
    this.#observe();
    return (
      this.#bare.end === this.#hosted.end &&
      same(this.#left, this.#right) &&
      sameMemory(this.#bare.machine, this.#hosted.machine)
    );
  }

  #observe(): void {
    this.#bare.machine.observe(this.#left);
    this.#hosted.machine.observe(this.#right);
  }

  #goTo(moment: Moment): void {
    this.#bare.machine.goTo(moment.bare);
    this.#hosted.machine.goTo(moment.hosted);
  }

  /** Both guests at the first moment at which at least so many instructions have retired. False if one cannot get there. */
  #advanceTo(instructions: number): boolean {
    return this.#hosted.advanceTo(instructions) && this.#align();
  }

  /** The instruction between `from`, where all is equal, and `to` instructions, where something is not. */
  bisect(from: Moment, to: number): Divergence {
    let low = from;
    let high = to;
    while (high - low.instructions > 1) {
      const middle = Math.floor((low.instructions + high) / 2);
      this.#goTo(low);
      const there = this.#advanceTo(middle) && this.instructions < high && this.agrees();
      if (there) low = this.moment;
      else high = middle;
    }
    return this.#explain(low, high);
  }

  #explain(low: Moment, high: number): Divergence {
    this.#goTo(low);
    this.#bare.next();
    const address = this.#bare.address.toString(16);
    this.#goTo(low);
    this.#advanceTo(high);
    this.agrees();
    const { end: bare } = this.#bare;
    const { end: hosted } = this.#hosted;
    return {
      instructions: low.instructions,
      address,
      registers: differences(this.#left, this.#right),
      memory: memoryDifferences(this.#bare.machine, this.#hosted.machine),
      ...(bare === hosted ? {} : { ends: { bare, hosted } }),
    };
  }
}
