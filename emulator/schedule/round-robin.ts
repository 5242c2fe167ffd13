import type { StandingValue } from "./schedule-event.ts";
import { type Choice, type Context, copy, milliseconds, type Scheduler, tickleFor, waitingText } from "./scheduler.ts";
import { allowed, type Vcpu } from "./vcpu.ts";

export interface RoundRobinOptions {
  /** Length of a turn in microseconds. */
  readonly quantum: number;
}

export const roundRobinDefaults: RoundRobinOptions = { quantum: 10_000 };

/** One queue, first come first served, turns of equal length; weights and caps mean nothing. */
export class RoundRobin implements Scheduler {
  readonly #context: Context;
  readonly #options: RoundRobinOptions;
  #queue: string[] = [];

  constructor(context: Context, options: RoundRobinOptions) {
    this.#context = context;
    this.#options = options;
  }

  add(): void {
    // Known from the first time it wakes.
  }

  remove(vcpu: Vcpu): void {
    this.#remove(vcpu);
  }

  adjust(): void {
    // Only its affinity matters, which is looked at when somebody is picked.
  }

  wake(vcpu: Vcpu): void {
    this.#queue.push(vcpu.id);
    tickleFor(this.#context, vcpu, () => 0);
  }

  block(vcpu: Vcpu): void {
    this.#remove(vcpu);
  }

  /** The one that is hoped for comes next. */
  yield(_vcpu: Vcpu, to: Vcpu | undefined): void {
    if (!to || !this.#queue.includes(to.id)) return;
    this.#remove(to);
    this.#queue.unshift(to.id);
  }

  #remove({ id }: Vcpu): void {
    this.#queue = this.#queue.filter((other) => other !== id);
  }

  charge(): void {
    // Turns are ended by the time alone.
  }

  readonly deadline = null;

  timer(): void {
    // It has none.
  }

  parked(): boolean {
    return false;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    if (current) this.#queue.push(current.id);
    const vcpu = this.#queue.map((id) => this.#context.vcpu(id)).find((waiting) => allowed(waiting, pcpu));
    if (!vcpu) return { vcpu: undefined, until: null, reason: "nobody is runnable who may run here" };
    this.#remove(vcpu);
    const until = this.#context.now + this.#options.quantum;
    const others = waitingText(
      this.#queue.map((id) => this.#context.vcpu(id)),
      (other) => this.standing(other),
    );
    return { vcpu, until, reason: `${vcpu.id} has waited longest; ${others}; until ${milliseconds(until)}` };
  }

  standing(vcpu: Vcpu): string {
    const place = this.#queue.indexOf(vcpu.id);
    return place < 0 ? "running" : `place ${place + 1}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    return { measure: "place in the queue", value: this.#queue.indexOf(vcpu.id) + 1, band: "" };
  }

  save(): unknown {
    return copy(this.#queue);
  }

  restore(state: unknown): void {
    this.#queue = copy(state) as string[];
  }
}
