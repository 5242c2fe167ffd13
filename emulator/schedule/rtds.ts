import type { StandingValue } from "./schedule-event.ts";
import {
  type Choice,
  type Context,
  copy,
  earliest,
  milliseconds,
  type Scheduler,
  tickleFor,
  waitingText,
} from "./scheduler.ts";
import { allowed, type Reservation, type Vcpu } from "./vcpu.ts";

/** Xen's defaults, microseconds. */
export const rtdsDefaults: Reservation = { budget: 4000, period: 10_000, extra: true };

interface Unit {
  budget: number;
  deadline: number;
  /** 0 as long as it runs on its reservation; one more each time it goes on with time nobody reserved. */
  level: number;
}

interface State {
  readonly units: Record<string, Unit>;
  queue: string[];
}

/**
 * Xen's RTDS: a deferrable server for each vCPU, global EDF. Every vCPU has its budget in each of its periods; the one with the
 * earliest deadline runs; a spent one waits for its next period, or, with extra time, goes on behind all that have budget.
 */
export class Rtds implements Scheduler {
  readonly #context: Context;
  readonly #options: Reservation;
  #state: State = { units: {}, queue: [] };

  constructor(context: Context, options: Reservation) {
    this.#context = context;
    this.#options = options;
  }

  #unit({ id }: Vcpu): Unit {
    return this.#state.units[id]!;
  }

  #reservation(vcpu: Vcpu): Reservation {
    return vcpu.parameters.reservation ?? this.#options;
  }

  add(vcpu: Vcpu): void {
    const { budget, period } = this.#reservation(vcpu);
    this.#state.units[vcpu.id] = { budget, deadline: this.#context.now + period, level: 0 };
  }

  remove(vcpu: Vcpu): void {
    delete this.#state.units[vcpu.id];
  }

  /** A new reservation counts from its next period on. */
  adjust(vcpu: Vcpu): void {
    if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
  }

  wake(vcpu: Vcpu): void {
    if (this.#unit(vcpu).deadline <= this.#context.now) this.#renew(vcpu);
    this.#state.queue.push(vcpu.id);
    this.#tickle(vcpu);
  }

  block(vcpu: Vcpu): void {
    this.#remove(vcpu);
  }

  yield(): void {
    // It still has the earliest deadline.
  }

  #remove({ id }: Vcpu): void {
    this.#state.queue = this.#state.queue.filter((other) => other !== id);
  }

  #renew(vcpu: Vcpu): void {
    const { budget, period } = this.#reservation(vcpu);
    this.#state.units[vcpu.id] = { budget, deadline: this.#context.now + period, level: 0 };
  }

  #tickle(vcpu: Vcpu): void {
    tickleFor(this.#context, vcpu, (current) => this.#order(current, vcpu));
  }

  /** Above 0 if `b` goes before `a`. */
  #order(a: Vcpu, b: Vcpu): number {
    const [first, second] = [this.#unit(a), this.#unit(b)];
    return first.level === second.level ? first.deadline - second.deadline : first.level > second.level ? 1 : -1;
  }

  charge(vcpu: Vcpu, time: number): void {
    const unit = this.#unit(vcpu);
    unit.budget -= time;
    if (unit.budget <= 0) this.#spend(vcpu);
  }

  #spend(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    const { budget, extra } = this.#reservation(vcpu);
    unit.budget = 0;
    if (!extra) return;
    unit.level++;
    unit.budget = budget;
  }

  get deadline(): number | null {
    const { units } = this.#state;
    const waits = this.#context.vcpus.filter(
      ({ id, state }) => units[id] && state !== "blocked" && state !== "offline",
    );
    return earliest(...waits.map((vcpu) => this.#unit(vcpu).deadline));
  }

  timer(): void {
    const { now } = this.#context;
    for (const vcpu of this.#context.vcpus) {
      const unit = this.#state.units[vcpu.id];
      if (!unit || vcpu.state === "blocked" || unit.deadline > now) continue;
      const { budget, period } = this.#reservation(vcpu);
      this.#state.units[vcpu.id] = { budget, deadline: unit.deadline + period, level: 0 };
      this.#context.note(
        "replenish",
        vcpu,
        `${vcpu.id} has ${milliseconds(budget)} until ${milliseconds(unit.deadline + period)}`,
      );
      if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
      else this.#tickle(vcpu);
    }
  }

  parked(vcpu: Vcpu): boolean {
    return this.#unit(vcpu).budget <= 0;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    if (current) this.#state.queue.push(current.id);
    const candidates = this.#state.queue
      .map((id) => this.#context.vcpu(id))
      .filter((vcpu) => allowed(vcpu, pcpu) && !this.parked(vcpu))
      .sort((a, b) => this.#order(a, b));
    const [vcpu] = candidates;
    if (!vcpu) return { vcpu: undefined, until: null, reason: "nobody with budget is runnable who may run here" };
    this.#remove(vcpu);
    const until = this.#context.now + this.#unit(vcpu).budget;
    const waiting = this.#state.queue.map((id) => this.#context.vcpu(id));
    const others = waitingText(waiting, (other) => this.standing(other));
    return { vcpu, until, reason: `${vcpu.id} has the earliest deadline: ${this.standing(vcpu)}; ${others}` };
  }

  standing(vcpu: Vcpu): string {
    const { budget, deadline, level } = this.#unit(vcpu);
    return `due ${milliseconds(deadline)}, budget ${milliseconds(budget)}${level > 0 ? `, extra ${level}` : ""}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    const { budget, level } = this.#unit(vcpu);
    return { measure: "budget left, µs", value: budget, band: level > 0 ? `extra ${level}` : "" };
  }

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
