import { type Choice, type Context, copy, milliseconds, type Scheduler, tickleFor, waitingText } from "./scheduler.ts";
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
}

/**
 * Borrowed virtual time: the vCPU with the least effective virtual time runs, E = A, or A - W while it is warped, which it is from
 * waking until it blocks. The limits on how long and how often one may warp are not there.
 */
export class Bvt implements Scheduler {
  readonly #context: Context;
  readonly #options: BvtOptions;
  #state: State = { units: {}, queue: [], systemTime: 0 };

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
    tickleFor(this.#context, vcpu, (current) => {
      if (this.#context.now - current.since < this.#options.allowance) return 0;
      return this.#effective(current) - this.#effective(vcpu);
    });
  }

  block(vcpu: Vcpu): void {
    this.#unit(vcpu).warped = false;
    this.#remove(vcpu);
  }

  /** It gives up its warp, and goes behind the next in line. */
  yield(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    unit.warped = false;
    const next = this.#state.queue.map((id) => this.#context.vcpu(id)).filter((other) => allowed(other, vcpu.pcpu!));
    const least = Math.min(...next.map((other) => this.#effective(other)));
    if (Number.isFinite(least)) unit.actual.value = Math.max(unit.actual.value, least);
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

  readonly deadline = null;

  timer(): void {
    // It has none.
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

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
