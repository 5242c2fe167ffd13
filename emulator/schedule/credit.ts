import { type CreditUnit, handOut, priorities, priorityText } from "./credit-accounting.ts";
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
import { allowed, type Vcpu } from "./vcpu.ts";

/** Times in microseconds; the defaults are Xen's. */
export interface CreditOptions {
  /** Length of a turn, and of an accounting period. */
  readonly slice: number;
  /** A vCPU that could run on is not preempted before; 0: it may be at once. */
  readonly rateLimit: number;
  /** Whether a vCPU that wakes with credit left goes before all others. */
  readonly boost: boolean;
  /** `exact`: credits are burned for the time run. `sampled`: whoever runs at a tick pays for all of it, as at first. */
  readonly accounting: "exact" | "sampled";
}

export const creditDefaults: CreditOptions = { slice: 30_000, rateLimit: 1000, boost: true, accounting: "exact" };

interface State {
  readonly units: Record<string, CreditUnit>;
  /** Run queue of each pCPU. */
  readonly queues: string[][];
  /** VMs that earn, in the order in which they are given credits. */
  vms: string[];
  balance: number;
  /** Each pCPU sorts its queue at the first tick after an accounting. */
  unsorted: boolean;
  nextTick: number;
  nextAccount: number;
}

/** A credit is this many microseconds of a pCPU: ten make a millisecond. */
const creditTime = 100;
const ticksPerSlice = 3;

/**
 * Xen's credit scheduler. Each pCPU has a queue, ordered by priority: BOOST for those that just woke, UNDER for those with credit,
 * OVER for those without. Every slice, credits are handed out by weight; a VM above its cap is parked. A pCPU whose best is OVER
 * looks for better in its peers' queues. All pCPUs lie in one node; there is one kind of affinity.
 */
export class Credit implements Scheduler {
  readonly #context: Context;
  readonly #options: CreditOptions;
  readonly #tick: number;
  #state: State;

  constructor(context: Context, options: CreditOptions) {
    this.#context = context;
    this.#options = options;
    this.#tick = Math.floor(options.slice / ticksPerSlice);
    const queues = Array.from({ length: context.pcpus }, () => []);
    const nextAccount = options.slice;
    this.#state = { units: {}, queues, vms: [], balance: 0, unsorted: false, nextTick: this.#tick, nextAccount };
  }

  #unit(vcpu: Vcpu): CreditUnit {
    return this.#state.units[vcpu.id]!;
  }

  add(vcpu: Vcpu): void {
    const { units } = this.#state;
    units[vcpu.id] = {
      credit: 0,
      residue: 0,
      priority: priorities.UNDER,
      parked: false,
      yielded: false,
      active: false,
      home: 0,
    };
    units[vcpu.id]!.home = this.#home(vcpu);
  }

  remove(vcpu: Vcpu): void {
    this.#dequeue(vcpu);
    delete this.#state.units[vcpu.id];
  }

  adjust(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    if (allowed(vcpu, unit.home)) return;
    const queued = this.#dequeue(vcpu);
    unit.home = this.#home(vcpu);
    if (queued) this.#insert(vcpu);
  }

  /** The allowed pCPU that the fewest vCPUs call home. */
  #home(vcpu: Vcpu): number {
    const crowd = (pcpu: number): number =>
      this.#context.vcpus.filter((other) => other !== vcpu && this.#state.units[other.id]?.home === pcpu).length;
    return placesFor(this.#context, vcpu).reduce((best, pcpu) => (crowd(pcpu) < crowd(best) ? pcpu : best));
  }

  wake(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    if (unit.parked) return;
    if (this.#options.boost && unit.priority === priorities.UNDER) {
      unit.priority = priorities.BOOST;
      this.#context.note("boost", vcpu, `${vcpu.id} woke with credit ${unit.credit}: BOOST`);
    }
    this.#insert(vcpu);
    this.#tickle(vcpu);
  }

  #tickle(vcpu: Vcpu): void {
    const { home, priority } = this.#unit(vcpu);
    const current = this.#context.running(home);
    const idle = placesFor(this.#context, vcpu).find((pcpu) => !this.#context.running(pcpu));
    if (!current) this.#context.tickle(home);
    else if (idle !== undefined) this.#context.tickle(idle);
    else if (priority > this.#unit(current).priority) this.#context.tickle(home);
  }

  block(vcpu: Vcpu): void {
    this.#dequeue(vcpu);
  }

  yield(vcpu: Vcpu): void {
    this.#unit(vcpu).yielded = true;
  }

  /** Behind all of its priority; who yielded goes behind one of a lower priority too. */
  #insert(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    const queue = this.#state.queues[unit.home]!;
    const lower = queue.findIndex((id) => this.#state.units[id]!.priority < unit.priority);
    const place = lower < 0 ? queue.length : lower + Number(unit.yielded);
    unit.yielded = false;
    queue.splice(place, 0, vcpu.id);
  }

  #dequeue({ id }: Vcpu): boolean {
    const queue = this.#state.queues.find((ids) => ids.includes(id));
    queue?.splice(queue.indexOf(id), 1);
    return queue !== undefined;
  }

  charge(vcpu: Vcpu, time: number): void {
    if (this.#options.accounting === "exact") this.#burn(this.#unit(vcpu), time);
  }

  #burn(unit: CreditUnit, time: number): void {
    const owed = time + unit.residue;
    unit.credit -= Math.floor(owed / creditTime);
    unit.residue = owed % creditTime;
  }

  get deadline(): number | null {
    return earliest(this.#state.nextTick, this.#state.nextAccount);
  }

  /** Credits are handed out before the tick of the same moment, so that it sorts by them. */
  timer(): void {
    const state = this.#state;
    if (state.nextAccount <= this.#context.now) {
      this.#account();
      state.nextAccount += this.#options.slice;
      return;
    }
    for (let pcpu = 0; pcpu < this.#context.pcpus; pcpu++) this.#tickOn(pcpu);
    if (state.unsorted) this.#sort();
    state.nextTick += this.#tick;
  }

  #tickOn(pcpu: number): void {
    const vcpu = this.#context.running(pcpu);
    if (!vcpu) return;
    const unit = this.#unit(vcpu);
    // Found running by a tick: no longer one that only answers and sleeps again.
    if (unit.priority === priorities.BOOST) unit.priority = priorities.UNDER;
    if (this.#options.accounting === "sampled") this.#burn(unit, this.#tick);
    if (unit.active) return;
    unit.active = true;
    if (!this.#state.vms.includes(vcpu.vm)) this.#state.vms.unshift(vcpu.vm);
  }

  #sort(): void {
    const { units, queues } = this.#state;
    const high = (id: string): boolean => units[id]!.priority >= priorities.UNDER;
    for (const [pcpu, queue] of queues.entries())
      queues[pcpu] = [...queue.filter(high), ...queue.filter((id) => !high(id))];
    this.#state.unsorted = false;
  }

  #account(): void {
    const state = this.#state;
    const members = this.#context.vcpus.filter(({ id }) => state.units[id]?.active);
    const given = handOut({
      members,
      units: state.units,
      order: state.vms,
      pcpus: this.#context.pcpus,
      perSlice: this.#options.slice / creditTime,
      balance: state.balance,
    });
    state.vms = given.order;
    state.balance = given.balance;
    state.unsorted ||= members.length > 0;
    if (members.length > 0) this.#context.note("account", undefined, given.text);
    for (const { vcpu, what } of given.changes)
      if (what === "park") this.#park(vcpu);
      else this.#unpark(vcpu, `credit ${this.#unit(vcpu).credit} is not below 0 any more`);
  }

  #park(vcpu: Vcpu): void {
    const unit = this.#unit(vcpu);
    unit.parked = true;
    this.#dequeue(vcpu);
    if (vcpu.state === "running") this.#context.tickle(vcpu.pcpu!);
    this.#context.note("park", vcpu, `${vcpu.id} is above its cap of ${vcpu.parameters.cap} %: credit ${unit.credit}`);
  }

  #unpark(vcpu: Vcpu, why: string): void {
    this.#unit(vcpu).parked = false;
    this.#context.note("unpark", vcpu, `${vcpu.id} may run again: ${why}`);
    if (vcpu.state !== "runnable" && vcpu.state !== "parked") return;
    this.#insert(vcpu);
    this.#tickle(vcpu);
  }

  parked(vcpu: Vcpu): boolean {
    return this.#unit(vcpu).parked;
  }

  pick(pcpu: number, current: Vcpu | undefined): Choice {
    const { rateLimit, slice } = this.#options;
    const { now } = this.#context;
    if (current && !this.parked(current)) {
      const unit = this.#unit(current);
      const ran = now - current.since;
      if (ran < rateLimit && !unit.yielded && allowed(current, pcpu))
        return this.#chosen(
          current,
          current.since + rateLimit,
          `has run for ${ran} µs only: less than the rate limit of ${rateLimit} µs`,
        );
      unit.home = allowed(current, pcpu) ? pcpu : this.#home(current);
      this.#insert(current);
      if (unit.home !== pcpu) this.#tickle(current);
    }
    const head = this.#state.queues[pcpu]![0];
    const best = head === undefined ? priorities.IDLE : this.#state.units[head]!.priority;
    const found = best <= priorities.OVER ? this.#steal(pcpu, best) : undefined;
    const next = found ?? (head === undefined ? undefined : this.#context.vcpu(head));
    if (!next) return { vcpu: undefined, until: null, reason: "nobody is runnable here or at a peer" };
    this.#dequeue(next);
    this.#unit(next).home = pcpu;
    const how = found ? "better than what waits here, taken from a peer's queue" : "head of the queue";
    return this.#chosen(next, now + slice, how);
  }

  #chosen(vcpu: Vcpu, until: number, how: string): Choice {
    const waiting = this.#state.queues.flat().map((id) => this.#context.vcpu(id));
    const others = waitingText(waiting, (other) => this.standing(other));
    const reason = `${vcpu.id} ${how}: ${this.standing(vcpu)}; ${others}; until ${milliseconds(until)}`;
    return { vcpu, until, reason };
  }

  /** The first vCPU in the other queues, beginning with the next pCPU, that may run here and has a strictly better priority. */
  #steal(pcpu: number, priority: number): Vcpu | undefined {
    const { queues, units } = this.#state;
    for (let n = 1; n < queues.length; n++) {
      const peer = (pcpu + n) % queues.length;
      for (const id of queues[peer]!) {
        if (units[id]!.priority <= priority) break;
        const vcpu = this.#context.vcpu(id);
        if (!allowed(vcpu, pcpu)) continue;
        this.#context.note(
          "steal",
          vcpu,
          `pCPU ${pcpu} takes ${id} (${this.standing(vcpu)}) from the queue of pCPU ${peer}`,
        );
        return vcpu;
      }
    }
    return undefined;
  }

  standing(vcpu: Vcpu): string {
    const { priority, credit } = this.#unit(vcpu);
    return `${priorityText(priority)} ${credit}`;
  }

  standingValue(vcpu: Vcpu): StandingValue {
    const { priority, credit } = this.#unit(vcpu);
    return { measure: "credit", value: credit, band: priorityText(priority) };
  }

  save(): unknown {
    return copy(this.#state);
  }

  restore(state: unknown): void {
    this.#state = copy(state) as State;
  }
}
