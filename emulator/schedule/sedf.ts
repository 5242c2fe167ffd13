import type { StandingValue } from "./schedule-event.ts";
import {
  type Choice,
  type Context,
  copy,
  earliest,
  milliseconds,
  placesFor,
  type Scheduler,
  waitingText,
} from "./scheduler.ts";
import { allowed, type Reservation, type Vcpu } from "./vcpu.ts";

/** Times in microseconds. */
export interface SedfOptions {
  /** The period of those that have no reservation of their own, but a share by weight. */
  readonly period: number;
  /** Part of that period that is left over. */
  readonly reserve: number;
  /** Length of a turn in time that nobody has reserved. */
  readonly extraQuantum: number;
}

export const sedfDefaults: SedfOptions = { period: 100_000, reserve: 5000, extraQuantum: 500 };

interface Unit {
  /** What is left of its slice in this period. */
  left: number;
  deadline: number;
  /** The pCPU it belongs to. */
  home: number;
  /** Time it had beyond its slices. */
  extra: number;
}

interface State {
  readonly units: Record<string, Unit>;
  readonly queues: string[][];
}

/**
 * Xen's former SEDF: every vCPU has a slice in each of its periods, by EDF on the pCPU it belongs to; nobody moves by itself. Time
 * left over goes to those that take extra time, to the one first that had least of it for its share. Without a reservation of its own a vCPU
 * has a slice by its weight. The extra time for those that blocked (penalty queue) is not there.
 */
export class Sedf implements Scheduler {
  readonly #context: Context;
  readonly #options: SedfOptions;
  #state: State;

  constructor(context: Context, options: SedfOptions) {
    this.#context = context;
    this.#options = options;
    this.#state = { units: {}, queues: Array.from({ length: context.pcpus }, () => []) };
  }

  #unit({ id }: Vcpu): Unit {
    return this.#state.units[id]!;
  }

  #neighbours(home: number): Vcpu[] {
    return this.#context.vcpus.filter(({ id }) => this.#state.units[id]?.home === home);
  }

  /** Its own reservation, or its part of the period by weight among its neighbours that have none, after theirs. */
  #reservation(vcpu: Vcpu): Reservation {
    const { reservation, weight } = vcpu.parameters;
    if (reservation) return reservation;
    const { period, reserve } = this.#options;
    const near = this.#neighbours(this.#unit(vcpu).home);
    const taken = near.reduce(
      (sum, { parameters: { reservation: own } }) => sum + (own ? own.budget / own.period : 0),
      0,
    );
    const weights = near.reduce((sum, { parameters }) => sum + (parameters.reservation ? 0 : parameters.weight), 0);
    const free = Math.max(0, period - reserve - Math.ceil(taken * period));
    return { budget: Math.floor((free * weight) / weights), period, extra: true };
  }

  #load(home: number): number {
    const rate = ({ parameters: { reservation, weight } }: Vcpu): number =>
      reservation ? reservation.budget / reservation.period : weight / 2560;
    return this.#neighbours(home).reduce((sum, vcpu) => sum + rate(vcpu), 0);
  }

  add(vcpu: Vcpu): void {
    const home = placesFor(this.#context, vcpu).reduce((best, pcpu) =>
      this.#load(pcpu) < this.#load(best) ? pcpu : best,
    );
    this.#state.units[vcpu.id] = { left: 0, deadline: this.#context.now, home, extra: 0 };
    this.#renew(vcpu);
  }

  remove(vcpu: Vcpu): void {
    delete this.#state.units[vcpu.id];
  }

  adjust(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    if (!allowed(vcpu, unit.home)) {
      const queued = this.#dequeue(vcpu);
      delete this.#state.units[vcpu.id];
      this.add(vcpu);
      if (queued) this.#enqueue(vcpu);
    }
    for (const neighbour of this.#neighbours(this.#unit(vcpu).home)) this.#renew(neighbour);
    this.#context.tickle(this.#unit(vcpu).home);
  }

  #renew(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    const { budget, period } = this.#reservation(vcpu);
    Object.assign(unit, { left: budget, deadline: this.#context.now + period });
  }

  /** Who comes back after its period begins a new one; what it missed is gone. */
  wake(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    if (unit.deadline <= this.#context.now) this.#renew(vcpu);
    // Its part of the extra time is what it uses from now on.
    const scores = this.#neighbours(unit.home)
      .filter((other) => other !== vcpu && (other.state === "runnable" || other.state === "running"))
      .map((other) => this.#score(other));
    const least = Math.min(...scores);
    if (Number.isFinite(least)) unit.extra = Math.max(unit.extra, Math.floor(least * this.#share(vcpu)));
    this.#enqueue(vcpu);
  }

  #enqueue(vcpu: Vcpu): void {
    const { home } = this.#unit(vcpu);
    this.#state.queues[home]!.push(vcpu.id);
    const current = this.#context.running(home);
    if (!current || this.#before(vcpu, current)) this.#context.tickle(home);
  }

  block(vcpu: Vcpu): void {
    this.#dequeue(vcpu);
  }

  yield(): void {
    // It still has the earliest deadline.
  }

  #dequeue({ id }: Vcpu): boolean {
    const queue = this.#state.queues.find((ids) => ids.includes(id));
    queue?.splice(queue.indexOf(id), 1);
    return queue !== undefined;
  }

  #share(vcpu: Vcpu): number {
    const { budget, period } = this.#reservation(vcpu);
    return Math.max(1, budget) / period;
  }

  #score(vcpu: Vcpu): number {
    return this.#unit(vcpu).extra / this.#share(vcpu);
  }

  /** With a slice left, before those without; by deadline among the first, by extra time had among the others. */
  #before(a: Vcpu, b: Vcpu): boolean {
    const [first, second] = [this.#unit(a), this.#unit(b)];
    if (first.left > 0 !== second.left > 0) return first.left > 0;
    return first.left > 0 ? first.deadline < second.deadline : this.#score(a) < this.#score(b);
  }

  charge(vcpu: Vcpu, time: number): void {
    const unit = this.#unit(vcpu);
    const paid = Math.min(unit.left, time);
    unit.left -= paid;
    unit.extra += time - paid;
  }

  #awake(): Vcpu[] {
    const { units } = this.#state;
    return this.#context.vcpus.filter(({ id, state }) => units[id] && state !== "blocked" && state !== "offline");
  }

  get deadline(): number | null {
    return earliest(...this.#awake().map((vcpu) => this.#unit(vcpu).deadline));
  }

  timer(): void {
    for (const vcpu of this.#awake()) {
      const unit = this.#unit(vcpu);
      if (unit.deadline > this.#context.now) continue;
      const { budget, period } = this.#reservation(vcpu);
      unit.left = budget;
      unit.deadline += period;
      this.#context.note(
        "replenish",
        vcpu,
        `${vcpu.id} has ${milliseconds(budget)} until ${milliseconds(unit.deadline)}`,
      );
      this.#context.tickle(unit.home);
    }
  }

  parked(vcpu: Vcpu): boolean {
    return this.#unit(vcpu).left <= 0 && !this.#reservation(vcpu).extra;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    if (current) this.#state.queues[this.#unit(current).home]!.push(current.id);
    const candidates = this.#state.queues[pcpu]!.map((id) => this.#context.vcpu(id)).filter(
      (vcpu) => !this.parked(vcpu),
    );
    if (candidates.length === 0) return { vcpu: undefined, until: null, reason: "nobody who belongs here is runnable" };
    const vcpu = candidates.reduce((best, other) => (this.#before(other, best) ? other : best));
    this.#dequeue(vcpu);
    const { left } = this.#unit(vcpu);
    const why = left > 0 ? "has the earliest deadline" : "had least extra time for its share";
    const until = this.#context.now + (left > 0 ? left : this.#options.extraQuantum);
    const waiting = this.#state.queues[pcpu]!.map((id) => this.#context.vcpu(id));
    const others = waitingText(waiting, (other) => this.standing(other));
    return { vcpu, until, reason: `${vcpu.id} ${why}: ${this.standing(vcpu)}; ${others}` };
  }

  standing(vcpu: Vcpu): string {
    const { left, deadline, extra } = this.#unit(vcpu);
    return left > 0
      ? `due ${milliseconds(deadline)}, slice ${milliseconds(left)}`
      : `slice used, extra time ${milliseconds(extra)}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    const { left } = this.#unit(vcpu);
    return { measure: "slice left, µs", value: left, band: left > 0 ? "slice" : "extra time" };
  }

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
