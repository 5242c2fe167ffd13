import { Bandwidth, type BandwidthState } from "./bandwidth.ts";
import type { StandingValue } from "./schedule-event.ts";
import { type Choice, type Context, copy, milliseconds, type Scheduler, tickleFor, waitingText } from "./scheduler.ts";
import { allowed, type Vcpu } from "./vcpu.ts";
import { pass, type VirtualTime } from "./virtual-time.ts";

/** Times in microseconds; the defaults are Xen's. */
export interface Credit2Options {
  readonly rateLimit: number;
  /** A vCPU is not taken from the pCPU it last ran on for less credit than this. */
  readonly migrationResistance: number;
  /** The period of caps. */
  readonly capPeriod: number;
}

export const credit2Defaults: Credit2Options = { rateLimit: 1000, migrationResistance: 500, capPeriod: 10_000 };

const initialCredit = 10_000;
const carryOver = 500;
const shortest = 500;
const longest = 10_000;

interface Unit {
  /** What it has used of its credit since the last helping, in microseconds of the heaviest vCPU. */
  readonly used: VirtualTime;
  /** What it had then. */
  given: number;
  yielded: boolean;
}

interface State {
  readonly units: Record<string, Unit>;
  /** Runnable vCPUs that wait, those with most credit first. */
  queue: string[];
}

/**
 * Xen's credit2 with one run queue for all pCPUs (Xen: one for each socket or less). Time costs the more credit the lighter a vCPU
 * is; the one with most credit runs; when the next has none left, all get more. There is no estimate of load.
 */
export class Credit2 implements Scheduler {
  readonly #context: Context;
  readonly #options: Credit2Options;
  readonly #bandwidth: Bandwidth;
  #state: State = { units: {}, queue: [] };

  constructor(context: Context, options: Credit2Options) {
    this.#context = context;
    this.#options = options;
    this.#bandwidth = new Bandwidth(context, options.capPeriod, (total, vcpus) => Math.floor(total / vcpus));
  }

  #unit({ id }: Vcpu): Unit {
    return this.#state.units[id]!;
  }

  #credit({ id }: { readonly id: string }): number {
    const { given, used } = this.#state.units[id]!;
    return given - used.value;
  }

  get #heaviest(): number {
    return Math.max(
      ...this.#context.vcpus.filter(({ id }) => this.#state.units[id]).map(({ parameters }) => parameters.weight),
    );
  }

  add(vcpu: Vcpu): void {
    this.#state.units[vcpu.id] = { used: { value: 0, residue: 0 }, given: initialCredit, yielded: false };
  }

  remove(vcpu: Vcpu): void {
    delete this.#state.units[vcpu.id];
  }

  adjust(vcpu: Vcpu): void {
    if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
  }

  wake(vcpu: Vcpu): void {
    this.#insert(vcpu);
    const { migrationResistance, rateLimit } = this.#options;
    tickleFor(this.#context, vcpu, (current) => {
      if (this.#context.now - current.since < rateLimit) return 0;
      const resistance = current.pcpu === vcpu.pcpu ? 0 : migrationResistance;
      return this.#credit(vcpu) - this.#credit(current) - resistance;
    });
  }

  block(vcpu: Vcpu): void {
    this.#remove(vcpu);
    this.#bandwidth.giveBack(vcpu);
  }

  yield(vcpu: Vcpu): void {
    this.#unit(vcpu).yielded = true;
  }

  #insert(vcpu: Vcpu): void {
    const { queue } = this.#state;
    const credit = this.#credit(vcpu);
    const place = queue.findIndex((id) => this.#credit({ id }) < credit);
    queue.splice(place < 0 ? queue.length : place, 0, vcpu.id);
  }

  #remove({ id }: Vcpu): void {
    this.#state.queue = this.#state.queue.filter((other) => other !== id);
  }

  charge(vcpu: Vcpu, time: number): void {
    pass(this.#unit(vcpu).used, time, { scale: this.#heaviest, weight: vcpu.parameters.weight });
    this.#bandwidth.charge(vcpu, time);
  }

  get deadline(): number | null {
    return this.#bandwidth.deadline;
  }

  timer(): void {
    const were = this.#context.vcpus.filter((vcpu) => vcpu.state === "parked");
    this.#bandwidth.replenish();
    for (const vcpu of were) {
      this.#context.note("unpark", vcpu, `the budget of ${vcpu.vm} is full again`);
      tickleFor(this.#context, vcpu, (current) => this.#credit(vcpu) - this.#credit(current));
    }
    for (let pcpu = 0; pcpu < this.#context.pcpus; pcpu++)
      if ((this.#context.running(pcpu)?.parameters.cap ?? 0) > 0) this.#context.tickle(pcpu);
  }

  parked(vcpu: Vcpu): boolean {
    return this.#bandwidth.spent(vcpu);
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    const { rateLimit } = this.#options;
    const { now } = this.#context;
    const ran = current ? now - current.since : 0;
    const stays = current && allowed(current, pcpu) && !this.#bandwidth.spent(current);
    if (stays && ran < rateLimit && !this.#unit(current).yielded)
      return this.#turn(pcpu, current, `has run for ${ran} µs only: less than the rate limit of ${rateLimit} µs`);
    if (current) this.#bandwidth.giveBack(current);
    const next = this.#candidate(pcpu, stays ? current : undefined);
    if (current) {
      this.#unit(current).yielded = false;
      if (next !== current) this.#insert(current);
    }
    if (!next) return { vcpu: undefined, until: null, reason: "nobody is runnable who may run here" };
    this.#remove(next);
    if (this.#credit(next) <= 0) this.#reset(next);
    return this.#turn(pcpu, next, "has most credit");
  }

  /** Who has most credit; one that ran elsewhere must have clearly more than the one that runs here. */
  #candidate(pcpu: number, current: Vcpu | undefined): Vcpu | undefined {
    const mine = current && !this.#unit(current).yielded ? this.#credit(current) : Number.NEGATIVE_INFINITY;
    const better = this.#state.queue
      .map((id) => this.#context.vcpu(id))
      .find((vcpu) => {
        if (!allowed(vcpu, pcpu) || this.#bandwidth.spent(vcpu)) return false;
        const resistance = vcpu.pcpu === null || vcpu.pcpu === pcpu ? 0 : this.#options.migrationResistance;
        return this.#credit(vcpu) > mine + resistance;
      });
    return better ?? current;
  }

  /** Everybody gets a new helping; more than one if the next is deeper in debt than that. */
  #reset(next: Vcpu): void {
    const credit = this.#credit(next);
    const helpings = credit < -initialCredit ? 1 + Math.floor(-credit / initialCredit) : 1;
    for (const [id, unit] of Object.entries(this.#state.units)) {
      unit.given = Math.min(this.#credit({ id }) + helpings * initialCredit, initialCredit + carryOver);
      unit.used.value = 0;
    }
    const all = this.#context.vcpus.filter(({ id }) => this.#state.units[id]);
    const texts = all.map((vcpu) => `${vcpu.id} ${this.standing(vcpu)}`).join(", ");
    this.#context.note("account", next, `${next.id} had no credit left (${credit}): all get more; ${texts}`);
  }

  /** Until its credit is gone or down to that of the next in line. */
  #turn(pcpu: number, vcpu: Vcpu, why: string): Choice {
    const { now } = this.#context;
    const waiting = this.#state.queue.map((id) => this.#context.vcpu(id)).filter((other) => other !== vcpu);
    const rival = waiting.find((other) => allowed(other, pcpu) && !this.#bandwidth.spent(other));
    const gap = this.#credit(vcpu) - Math.max(0, rival ? this.#credit(rival) : 0);
    const alone = Math.floor((gap * vcpu.parameters.weight) / this.#heaviest);
    const ran = vcpu.state === "running" ? now - vcpu.since : 0;
    const wanted = Math.min(longest, Math.max(shortest, this.#options.rateLimit - ran, alone));
    const length = Math.min(wanted, this.#bandwidth.take(vcpu) ?? wanted);
    const others = waitingText(waiting, (other) => this.standing(other));
    const reason = `${vcpu.id} ${why}: ${this.standing(vcpu)}; ${others}; until ${milliseconds(now + length)}`;
    return { vcpu, until: now + length, reason };
  }

  standing(vcpu: Vcpu): string {
    return `credit ${this.#credit(vcpu)}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    return { measure: "credit", value: this.#credit(vcpu), band: "" };
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
