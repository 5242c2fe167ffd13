import type { Context } from "./scheduler.ts";
import type { Vcpu } from "./vcpu.ts";

/** What a VM with a cap has left of its period, and what its vCPUs have taken of it. Microseconds. */
interface Budget {
  left: number;
  readonly taken: Record<string, number>;
}

export interface BandwidthState {
  readonly budgets: Record<string, Budget>;
  next: number;
}

/** A cap as time: in every period the vCPUs of a VM share cap % of it; each takes a quota when it is put on a pCPU. */
export class Bandwidth {
  state: BandwidthState;
  readonly #context: Context;
  readonly #period: number;
  readonly #quota: (total: number, vcpus: number) => number;

  constructor(context: Context, period: number, quota: (total: number, vcpus: number) => number) {
    this.#context = context;
    this.#period = period;
    this.#quota = quota;
    this.state = { budgets: {}, next: period };
  }

  #total({ parameters: { cap } }: Vcpu): number {
    return Math.floor((cap * this.#period) / 100);
  }

  #budget(vcpu: Vcpu): Budget {
    // As long as nobody has a cap no period is begun.
    if (this.deadline === null) this.state.next = this.#period * (Math.floor(this.#context.now / this.#period) + 1);
    this.state.budgets[vcpu.vm] ??= { left: this.#total(vcpu), taken: {} };
    return this.state.budgets[vcpu.vm]!;
  }

  /** Null as long as no VM has a cap. */
  get deadline(): number | null {
    return Object.keys(this.state.budgets).length > 0 ? this.state.next : null;
  }

  /** The period is over: every budget is full again. Overrun is not possible, as every turn ends with what was taken. */
  replenish(): void {
    this.state = { budgets: {}, next: this.state.next + this.#period };
  }

  charge(vcpu: Vcpu, time: number): void {
    if (vcpu.parameters.cap === 0) return;
    const { taken } = this.#budget(vcpu);
    taken[vcpu.id] = (taken[vcpu.id] ?? 0) - time;
  }

  /** The time that the vCPU may run now, and takes; null: no cap; 0: nothing is left. */
  take(vcpu: Vcpu): number | null {
    if (vcpu.parameters.cap === 0) return null;
    const budget = this.#budget(vcpu);
    const held = budget.taken[vcpu.id] ?? 0;
    if (held > 0) return held;
    const siblings = this.#context.vcpus.filter(({ vm, state }) => vm === vcpu.vm && state !== "offline");
    const quota = Math.min(budget.left, Math.max(1, this.#quota(this.#total(vcpu), siblings.length)));
    budget.left -= quota;
    budget.taken[vcpu.id] = quota;
    return quota;
  }

  /** It does not run any more: what it has not used is its VM's again. */
  giveBack(vcpu: Vcpu): void {
    const budget = this.state.budgets[vcpu.vm];
    const held = budget?.taken[vcpu.id];
    if (!budget || held === undefined) return;
    budget.left += held;
    delete budget.taken[vcpu.id];
  }

  spent(vcpu: Vcpu): boolean {
    if (vcpu.parameters.cap === 0) return false;
    const { left, taken } = this.#budget(vcpu);
    return left <= 0 && (taken[vcpu.id] ?? 0) <= 0;
  }
}
