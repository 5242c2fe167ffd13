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
import { allowed, type Vcpu } from "./vcpu.ts";
import { normalWeight, pass, type VirtualTime } from "./virtual-time.ts";

export interface BvtOptions {
  /** How long whoever runs may go on beyond its due, in microseconds. */
  readonly allowance: number;
}

export const bvtDefaults: BvtOptions = { allowance: 5000 };

interface Unit {
  /** Actual virtual time: what it has had, in microseconds at normal weight. */
  readonly actual: VirtualTime;
  warped: boolean;
}

interface State {
  readonly units: Record<string, Unit>;
  queue: string[];
  /** Least actual virtual time of those that could run. */
  systemTime: number;
  /** When those that run have had their allowance, and somebody who woke since may have less virtual time. */
  recheck: number | null;
}

/**
 * Borrowed virtual time: the vCPU with the least effective virtual time runs, E = A, or A - W while it is warped, which it is from
 * waking until it blocks. The limits on how long and how often one may warp are not there.
 */
export class Bvt implements Scheduler {
  readonly #context: Context;
  readonly #options: BvtOptions;
  #state: State = { units: {}, queue: [], systemTime: 0, recheck: null };

  constructor(context: Context, options: BvtOptions) {
    this.#context = context;
    this.#options = options;
  }

  #unit({ id }: Vcpu): Unit {
    return this.#state.units[id]!;
  }

  #effective(vcpu: Vcpu): number {
    const { actual, warped } = this.#unit(vcpu);
    return actual.value - (warped ? vcpu.parameters.warp : 0);
  }

  #advance(vcpu: Vcpu): number {
    return normalWeight / vcpu.parameters.weight;
  }

  add(vcpu: Vcpu): void {
    this.#state.units[vcpu.id] = { actual: { value: this.#state.systemTime, residue: 0 }, warped: false };
  }

  remove(vcpu: Vcpu): void {
    delete this.#state.units[vcpu.id];
  }

  adjust(vcpu: Vcpu): void {
    if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
  }

  /** Whoever slept has nothing to catch up on. */
  wake(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    this.#refresh();
    unit.actual.value = Math.max(unit.actual.value, this.#state.systemTime);
    unit.warped = true;
    this.#state.queue.push(vcpu.id);
    const { now } = this.#context;
    tickleFor(this.#context, vcpu, (current) => {
      const end = current.since + this.#options.allowance;
      if (end > now) {
        this.#state.recheck = earliest(this.#state.recheck, end);
        return 0;
      }
      return this.#effective(current) - this.#effective(vcpu);
    });
  }

  block(vcpu: Vcpu): void {
    this.#unit(vcpu).warped = false;
    this.#remove(vcpu);
  }

  yield(): void {
    // It still has the least effective virtual time.
  }

  #remove({ id }: Vcpu): void {
    this.#state.queue = this.#state.queue.filter((other) => other !== id);
  }

  #refresh(): void {
    const ids = this.#state.queue.slice();
    for (let pcpu = 0; pcpu < this.#context.pcpus; pcpu++) {
      const current = this.#context.running(pcpu);
      if (current) ids.push(current.id);
    }
    const least = Math.min(...ids.map((id) => this.#state.units[id]!.actual.value));
    if (Number.isFinite(least)) this.#state.systemTime = Math.max(this.#state.systemTime, least);
  }

  charge(vcpu: Vcpu, time: number): void {
    pass(this.#unit(vcpu).actual, time, { scale: normalWeight, weight: vcpu.parameters.weight });
  }

  get deadline(): number | null {
    return this.#state.recheck;
  }

  timer(): void {
    const { pcpus, now } = this.#context;
    this.#state.recheck = null;
    for (let pcpu = 0; pcpu < pcpus; pcpu++) {
      const current = this.#context.running(pcpu);
      if (!current) continue;
      const end = current.since + this.#options.allowance;
      if (end <= now) this.#context.tickle(pcpu);
      else if (this.#state.queue.length > 0) this.#state.recheck = earliest(this.#state.recheck, end);
    }
  }

  parked(): boolean {
    return false;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    // Behind those with as much: the queue is searched for the first with the least.
    if (current) this.#state.queue.push(current.id);
    const candidates = this.#state.queue.map((id) => this.#context.vcpu(id)).filter((vcpu) => allowed(vcpu, pcpu));
    const [vcpu, next] = [...candidates].sort((a, b) => this.#effective(a) - this.#effective(b));
    if (!vcpu) return { vcpu: undefined, until: null, reason: "nobody is runnable who may run here" };
    this.#refresh();
    this.#remove(vcpu);
    const { allowance } = this.#options;
    const ahead = next ? (this.#effective(next) - this.#effective(vcpu)) / this.#advance(vcpu) : 9 * allowance;
    const until = this.#context.now + Math.max(1, Math.floor(ahead + allowance));
    const waiting = this.#state.queue.map((id) => this.#context.vcpu(id));
    const others = waitingText(waiting, (other) => this.standing(other));
    const reason = `${vcpu.id} has the least effective virtual time: ${this.standing(vcpu)}; ${others}; until ${milliseconds(until)}`;
    return { vcpu, until, reason };
  }

  standing(vcpu: Vcpu): string {
    const { warped } = this.#unit(vcpu);
    return `E ${this.#effective(vcpu)}${warped && vcpu.parameters.warp > 0 ? " warped" : ""}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    const warped = this.#unit(vcpu).warped && vcpu.parameters.warp > 0;
    return { measure: "effective virtual time, µs", value: this.#effective(vcpu), band: warped ? "warped" : "" };
  }

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
