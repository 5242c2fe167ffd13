import { Bandwidth, type BandwidthState } from "./bandwidth.ts";
import type { StandingValue } from "./schedule-event.ts";
import { type Choice, type Context, copy, milliseconds, type Scheduler, tickleFor, waitingText } from "./scheduler.ts";
import { allowed, type Vcpu } from "./vcpu.ts";
import { normalWeight, pass, type VirtualTime } from "./virtual-time.ts";

/** Times in microseconds. */
export interface EevdfOptions {
  /** Slice of one vCPU thread; 0: what Linux takes for so many CPUs. */
  readonly slice: number;
  /** The period of caps (quota of a control group). */
  readonly capPeriod: number;
}

export const eevdfDefaults: EevdfOptions = { slice: 0, capPeriod: 100_000 };

/** 0.70 ms × (1 + log₂ of the CPUs, at most 8). */
const linuxSlice = (pcpus: number): number => 700 * (1 + Math.floor(Math.log2(Math.min(pcpus, 8))));
/** What one CPU takes at a time of a group's quota. */
const quotaSlice = 5000;

interface Unit {
  /** Virtual runtime: what it has had, at normal weight (that of nice 0). */
  readonly vruntime: VirtualTime;
  deadline: number;
  /** How far behind the average it was when it went to sleep. */
  lag: number;
}

interface State {
  readonly units: Record<string, Unit>;
  queue: string[];
  /** Set by a directed yield: goes first if it is eligible. */
  buddy: string | null;
}

/**
 * Earliest eligible virtual deadline first, as Linux schedules the threads of KVM's vCPUs: eligible is who has had no more than the
 * average; of those, the one whose slice is due first. One queue for all pCPUs (Linux: one each, balanced); who runs keeps running
 * until its slice is used.
 */
export class Eevdf implements Scheduler {
  readonly #context: Context;
  readonly #slice: number;
  readonly #bandwidth: Bandwidth;
  #state: State = { units: {}, queue: [], buddy: null };

  constructor(context: Context, { slice, capPeriod }: EevdfOptions) {
    this.#context = context;
    this.#slice = slice || linuxSlice(context.pcpus);
    this.#bandwidth = new Bandwidth(context, capPeriod, () => quotaSlice);
  }

  #unit({ id }: Vcpu): Unit {
    return this.#state.units[id]!;
  }

  #had(vcpu: Vcpu): number {
    return this.#unit(vcpu).vruntime.value;
  }

  /** Those that take part: they wait or run. */
  get #present(): Vcpu[] {
    const running = Array.from({ length: this.#context.pcpus }, (_, pcpu) => this.#context.running(pcpu));
    const waiting = this.#state.queue.map((id) => this.#context.vcpu(id));
    return [...new Set([...running.filter((vcpu) => vcpu !== undefined), ...waiting])];
  }

  /** Average virtual runtime, by weight. */
  #average(vcpus: readonly Vcpu[]): number {
    const weight = vcpus.reduce((sum, { parameters }) => sum + parameters.weight, 0);
    if (weight === 0) return Math.max(0, ...Object.values(this.#state.units).map(({ vruntime }) => vruntime.value));
    return vcpus.reduce((sum, vcpu) => sum + this.#unit(vcpu).vruntime.value * vcpu.parameters.weight, 0) / weight;
  }

  #virtual(time: number, { parameters: { weight } }: Vcpu): number {
    return Math.ceil((time * normalWeight) / weight);
  }

  add(vcpu: Vcpu): void {
    this.#state.units[vcpu.id] = { vruntime: { value: 0, residue: 0 }, deadline: 0, lag: 0 };
  }

  remove(vcpu: Vcpu): void {
    delete this.#state.units[vcpu.id];
    if (this.#state.buddy === vcpu.id) this.#state.buddy = null;
  }

  adjust(vcpu: Vcpu): void {
    if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
  }

  /** It comes back as far from the average as it left; its own weight moves the average, which is made up for. */
  wake(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    const others = this.#present.filter((other) => other !== vcpu);
    const load = others.reduce((sum, { parameters }) => sum + parameters.weight, 0);
    const average = this.#average(others);
    const lag = load > 0 ? (unit.lag * (load + vcpu.parameters.weight)) / load : 0;
    unit.vruntime.value = Math.round(average - lag);
    unit.deadline = unit.vruntime.value + this.#virtual(this.#slice, vcpu);
    this.#state.queue.push(vcpu.id);
    tickleFor(this.#context, vcpu, () => 0);
  }

  block(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    const present = [...new Set([...this.#present, vcpu])];
    const limit = this.#virtual(2 * this.#slice, vcpu);
    unit.lag = Math.max(-limit, Math.min(limit, this.#average(present) - unit.vruntime.value));
    this.#remove(vcpu);
    this.#bandwidth.giveBack(vcpu);
  }

  /** Its slice counts as used: the deadline moves on. */
  yield(vcpu: Vcpu, to: Vcpu | undefined): void {
    const unit = this.#unit(vcpu);
    unit.deadline = Math.max(unit.deadline, unit.vruntime.value) + this.#virtual(this.#slice, vcpu);
    this.#state.buddy = to?.id ?? null;
  }

  #remove({ id }: Vcpu): void {
    this.#state.queue = this.#state.queue.filter((other) => other !== id);
  }

  charge(vcpu: Vcpu, time: number): void {
    pass(this.#unit(vcpu).vruntime, time, { scale: normalWeight, weight: vcpu.parameters.weight });
    this.#bandwidth.charge(vcpu, time);
  }

  get deadline(): number | null {
    return this.#bandwidth.deadline;
  }

  timer(): void {
    const were = this.#context.vcpus.filter(({ state }) => state === "parked");
    this.#bandwidth.replenish();
    for (const vcpu of were) {
      this.#context.note("unpark", vcpu, `the quota of ${vcpu.vm} is full again`);
      tickleFor(this.#context, vcpu, () => 0);
    }
    for (let pcpu = 0; pcpu < this.#context.pcpus; pcpu++)
      if ((this.#context.running(pcpu)?.parameters.cap ?? 0) > 0) this.#context.tickle(pcpu);
  }

  parked(vcpu: Vcpu): boolean {
    return this.#bandwidth.spent(vcpu);
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    if (current) {
      this.#bandwidth.giveBack(current);
      this.#state.queue.push(current.id);
      const unit = this.#unit(current);
      if (unit.vruntime.value >= unit.deadline)
        unit.deadline = unit.vruntime.value + this.#virtual(this.#slice, current);
    }
    const present = this.#present;
    const candidates = this.#state.queue
      .map((id) => this.#context.vcpu(id))
      .filter((vcpu) => allowed(vcpu, pcpu) && !this.#bandwidth.spent(vcpu));
    const average = this.#average(present);
    const { vcpu, why } = this.#best(candidates, average);
    if (!vcpu) return { vcpu: undefined, until: null, reason: "nobody is runnable who may run here" };
    this.#remove(vcpu);
    return this.#turn(vcpu, `${why}, average ${average.toFixed(0)}`);
  }

  #best(candidates: readonly Vcpu[], average: number): { vcpu: Vcpu | undefined; why: string } {
    const eligible = candidates.filter((vcpu) => this.#had(vcpu) <= average);
    const buddy = eligible.find(({ id }) => id === this.#state.buddy);
    this.#state.buddy = null;
    if (buddy) return { vcpu: buddy, why: "is the one a spinning vCPU yielded to, and eligible" };
    if (eligible.length > 0)
      return {
        vcpu: eligible.reduce((a, b) => (this.#unit(b).deadline < this.#unit(a).deadline ? b : a)),
        why: "has the earliest deadline of those eligible",
      };
    const vcpu = candidates.length > 0 ? candidates.reduce((a, b) => (this.#had(b) < this.#had(a) ? b : a)) : undefined;
    return { vcpu, why: "has had least; nobody who may run here is eligible" };
  }

  #turn(vcpu: Vcpu, why: string): Choice {
    const { deadline } = this.#unit(vcpu);
    const left = Math.max(1, Math.ceil(((deadline - this.#had(vcpu)) * vcpu.parameters.weight) / normalWeight));
    const until = this.#context.now + Math.min(left, this.#bandwidth.take(vcpu) ?? left);
    const waiting = this.#state.queue.map((id) => this.#context.vcpu(id));
    const others = waitingText(waiting, (other) => this.standing(other));
    return {
      vcpu,
      until,
      reason: `${vcpu.id} ${why}: ${this.standing(vcpu)}; ${others}; until ${milliseconds(until)}`,
    };
  }

  standing(vcpu: Vcpu): string {
    return `had ${this.#had(vcpu)}, due ${this.#unit(vcpu).deadline}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    return { measure: "virtual time had, µs", value: this.#had(vcpu), band: "" };
  }

  save(): unknown {
    return copy({ state: this.#state, bandwidth: this.#bandwidth.state });
  }

  restore(saved: unknown): void {
    const { state, bandwidth } = copy(saved) as { state: State; bandwidth: BandwidthState };
    this.#state = state;
    this.#bandwidth.state = bandwidth;
  }
}
