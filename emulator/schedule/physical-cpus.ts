import type { ScheduleEvent, ScheduleKind, ScheduleOutcome } from "./schedule-event.ts";
import { type Context, checkChoice, copy, earliest, type Scheduler } from "./scheduler.ts";
import { type SchedulerOptions, schedulers } from "./schedulers.ts";
import { standings } from "./standings.ts";
import { enter, newTimed, type Timed, timesUntil } from "./state-times.ts";
import {
  allowed,
  newVcpu,
  type Parameters,
  type RunState,
  type Vcpu,
  type VmState,
  vmState,
  vmStates,
} from "./vcpu.ts";

export const mostPcpus = 64;
export const mostVcpus = 128;

interface Pcpu {
  current: string | null;
  /** Who ran there last: going idle and coming back is no context switch. */
  last: string | null;
  until: number | null;
  busy: number;
  switches: number;
}

interface State {
  now: number;
  sequence: number;
  readonly pcpus: Pcpu[];
  vcpus: Vcpu[];
  readonly vms: Record<string, Timed<VmState>>;
}

export interface PhysicalCpusOptions {
  readonly pcpus: number;
  readonly scheduler: string;
  readonly options?: SchedulerOptions;
  readonly record?: (event: ScheduleEvent) => void;
}

/** More decisions than this at one moment means that a scheduler never settles: our own fault. */
const mostRounds = 1000;

/**
 * The physical processors and what runs on them. Whoever drives it lets time pass to the next moment of interest (`next`, or an
 * earlier one of its own), says what vCPUs did (`wake`, `block`, `yield`), and calls `settle`; then `running` says who runs.
 */
export class PhysicalCpus {
  #state: State;
  readonly #scheduler: Scheduler;
  readonly #record: (event: ScheduleEvent) => void;
  readonly #tickled = new Set<number>();
  /** Changes of state that no event has told yet. */
  #untold: { states: ScheduleOutcome["states"]; vms: ScheduleOutcome["vms"] } = { states: [], vms: [] };
  /** How all stood before the scheduler's timer, while that acts. */
  #before: ReadonlyMap<string, number> | undefined;
  #byId = new Map<string, Vcpu>();

  constructor({ pcpus, scheduler, options = {}, record = () => undefined }: PhysicalCpusOptions) {
    const idle = (): Pcpu => ({ current: null, last: null, until: null, busy: 0, switches: 0 });
    this.#state = { now: 0, sequence: 0, pcpus: Array.from({ length: pcpus }, idle), vcpus: [], vms: {} };
    this.#record = record;
    const row = schedulers.find(({ name }) => name === scheduler);
    if (!row) throw new RangeError(`There is no scheduler “${scheduler}”.`);
    this.#scheduler = row.create(this.#context(), options);
  }

  #context(): Context {
    const host = this;
    return {
      get pcpus() {
        return host.#state.pcpus.length;
      },
      get now() {
        return host.now;
      },
      get vcpus() {
        return host.#state.vcpus;
      },
      vcpu: (id) => host.#vcpu(id),
      running: (pcpu) => host.running(pcpu),
      tickle: (pcpu) => void host.#tickled.add(pcpu),
      note: (kind, vcpu, reason) => {
        if (vcpu) host.#parkOne(vcpu);
        host.#event(kind, vcpu, reason);
      },
    };
  }

  #event(
    kind: ScheduleKind,
    vcpu: Vcpu | undefined,
    reason: string,
    place?: { pcpu: number; from: string | null; movedFrom?: number },
  ): void {
    const { now: time } = this.#state;
    const { pcpu = vcpu?.pcpu ?? null, from = null, movedFrom } = place ?? {};
    const about = kind === "account" ? this.vcpus : [vcpu, from === null ? undefined : this.#vcpu(from)];
    const told = this.#untold;
    this.#untold = { states: [], vms: [] };
    this.#record({
      sequence: ++this.#state.sequence,
      time,
      kind,
      pcpu,
      vcpu: vcpu?.id ?? null,
      from,
      reason,
      ...told,
      standings: standings(this.#scheduler, about, this.#before),
      ...((kind === "plug" || kind === "adjust") && vcpu && { parameters: vcpu.parameters }),
      ...(movedFrom !== undefined && { movedFrom }),
    });
  }

  #timer(): void {
    const there = this.vcpus.filter(({ state }) => state !== "offline");
    this.#before = new Map(there.map((vcpu) => [vcpu.id, this.#scheduler.standingValue(vcpu).value]));
    this.#scheduler.timer();
    this.#before = undefined;
  }

  /** @throws RangeError if there is none */
  vcpu(id: string): Readonly<Vcpu> {
    return this.#vcpu(id);
  }

  #vcpu(id: string): Vcpu {
    const vcpu = this.#byId.get(id);
    if (!vcpu) throw new RangeError(`There is no vCPU ${id}.`);
    return vcpu;
  }

  get now(): number {
    return this.#state.now;
  }

  get vcpus(): readonly Vcpu[] {
    return this.#state.vcpus;
  }

  get pcpus(): readonly Readonly<Pcpu>[] {
    return this.#state.pcpus;
  }

  running(pcpu: number): Vcpu | undefined {
    const current = this.#state.pcpus[pcpu]!.current;
    return current === null ? undefined : this.#vcpu(current);
  }

  standing(id: string): string {
    return this.#scheduler.standing(this.#vcpu(id));
  }

  // What happens to vCPUs.

  /** Plugs a vCPU in; it is blocked until it is woken. */
  add(vm: string, number: number, parameters: Partial<Parameters> = {}): void {
    const { now } = this;
    const vcpu = newVcpu(vm, number, parameters, now);
    const { id } = vcpu;
    if (this.#byId.has(id)) throw new RangeError(`There is a vCPU ${id} already.`);
    this.#state.vcpus.push(vcpu);
    this.#byId.set(id, vcpu);
    this.#state.vms[vm] ??= newTimed(vmStates, "offline", now);
    this.#settleVm(vm);
    this.#scheduler.add(vcpu);
    this.#event("plug", vcpu, `${id} is plugged in`);
  }

  /** Takes a vCPU away from the guest. Its times stay, and it counts as offline from now on. */
  unplug(id: string, why = `${id} is unplugged`): void {
    const vcpu = this.#vcpu(id);
    if (vcpu.state === "offline") return;
    if (vcpu.state !== "blocked") this.block(id, why);
    this.#enter(vcpu, "offline");
    this.#scheduler.remove(vcpu);
    this.#event("unplug", vcpu, why);
  }

  /** Plugs a vCPU in again that was unplugged. */
  replug(id: string): void {
    const vcpu = this.#vcpu(id);
    if (vcpu.state !== "offline") return;
    this.#enter(vcpu, "blocked");
    this.#scheduler.add(vcpu);
    this.#event("plug", vcpu, `${id} is plugged in again`);
  }

  /** Changes parameters of one vCPU; weight and cap are a VM's: change them for all its vCPUs. */
  adjust(id: string, changes: Partial<Parameters>): void {
    const vcpu = this.#vcpu(id);
    vcpu.parameters = { ...vcpu.parameters, ...changes };
    if (vcpu.state !== "offline") this.#scheduler.adjust(vcpu);
    if (vcpu.state === "running" && !allowed(vcpu, vcpu.pcpu!)) this.#tickled.add(vcpu.pcpu!);
    this.#event("adjust", vcpu, `${id}: ${JSON.stringify(changes)}`);
  }

  wake(id: string, why: string): void {
    const vcpu = this.#vcpu(id);
    if (vcpu.state !== "blocked") return;
    this.#enter(vcpu, "runnable");
    vcpu.woken = this.now;
    this.#event("wake", vcpu, why);
    this.#scheduler.wake(vcpu);
  }

  block(id: string, why: string): void {
    const vcpu = this.#vcpu(id);
    if (vcpu.state === "blocked" || vcpu.state === "offline") return;
    const pcpu = vcpu.state === "running" ? vcpu.pcpu! : -1;
    if (pcpu >= 0) {
      this.#release(pcpu);
      this.#tickled.add(pcpu);
    }
    this.#enter(vcpu, "blocked");
    vcpu.woken = null;
    this.#event("block", vcpu, why);
    this.#scheduler.block(vcpu);
  }

  /** The running vCPU lets others go first; `to`: it hopes for this one. */
  yield(id: string, why: string, to?: string): void {
    const vcpu = this.#vcpu(id);
    if (vcpu.state !== "running") return;
    this.#event("yield", vcpu, why);
    this.#scheduler.yield(vcpu, to === undefined ? undefined : this.#vcpu(to));
    this.#tickled.add(vcpu.pcpu!);
  }

  // Time.

  /** The next moment at which something is to be decided; null: none. Time must not pass it. */
  get next(): number | null {
    return earliest(this.#scheduler.deadline, ...this.#state.pcpus.map(({ until }) => until));
  }

  /** Virtual time passes, on all pCPUs together. */
  advance(to: number): void {
    const { now, pcpus } = this.#state;
    if (!(Number.isInteger(to) && to >= now && to <= (this.next ?? to)))
      throw new RangeError(`Time cannot pass from ${now} to ${to}: the next decision is at ${this.next}.`);
    for (const pcpu of pcpus) {
      if (pcpu.current === null) continue;
      pcpu.busy += to - now;
      if (to > now) this.#scheduler.charge(this.#vcpu(pcpu.current), to - now);
    }
    this.#state.now = to;
  }

  /** Decides whatever there is to decide now. */
  settle(): void {
    for (let round = 0; ; round++) {
      if (round > mostRounds) throw new Error(`The scheduler does not come to rest at ${this.now} µs.`);
      while ((this.#scheduler.deadline ?? Number.POSITIVE_INFINITY) <= this.now) this.#timer();
      for (const [pcpu, { until }] of this.#state.pcpus.entries())
        if (until !== null && until <= this.now) this.#tickled.add(pcpu);
      this.#park();
      if (this.#tickled.size === 0) this.#askIdle();
      const [pcpu] = [...this.#tickled].sort((a, b) => a - b);
      if (pcpu === undefined) break;
      this.#tickled.delete(pcpu);
      this.#decide(pcpu);
    }
    this.#tellParked();
  }

  /** Idle pCPUs look again as long as somebody waits whom they may run and they take somebody. */
  #askIdle(): void {
    const waiting = this.#state.vcpus.filter(({ state }) => state === "runnable");
    if (waiting.length === 0) return;
    for (const [pcpu, { current }] of this.#state.pcpus.entries())
      if (current === null && waiting.some((vcpu) => allowed(vcpu, pcpu))) this.#decide(pcpu);
  }

  #park(): void {
    for (const vcpu of this.#state.vcpus) this.#parkOne(vcpu);
  }

  #parkOne(vcpu: Vcpu): void {
    if (vcpu.state === "runnable" || vcpu.state === "parked")
      this.#enter(vcpu, this.#scheduler.parked(vcpu) ? "parked" : "runnable");
  }

  /** A budget is spent or full again, which no decision has followed from. */
  #tellParked(): void {
    for (const { vcpu: id, state } of this.#untold.states) {
      const vcpu = this.#vcpu(id);
      if (state === "parked") this.#event("park", vcpu, `${id} may not run for now: ${this.standing(id)}`);
      else this.#event("unpark", vcpu, `${id} may run again: ${this.standing(id)}`);
    }
  }

  #decide(pcpu: number): void {
    const place = this.#state.pcpus[pcpu]!;
    const current = this.running(pcpu);
    const choice = this.#scheduler.pick(pcpu, current);
    // It may just have given back what kept a sibling parked.
    this.#park();
    checkChoice(choice, pcpu, current, this.now);
    const { vcpu, until, reason } = choice;
    if (vcpu === current) {
      place.until = until;
      if (vcpu) this.#event("keep", vcpu, reason, { pcpu, from: null });
      return;
    }
    if (current) {
      this.#release(pcpu);
      this.#enter(current, "runnable");
      current.counts.preemptions++;
      this.#park();
    }
    const last = vcpu?.pcpu ?? pcpu;
    if (vcpu) this.#put(vcpu, pcpu);
    place.until = until;
    const moved = last === pcpu ? {} : { movedFrom: last };
    this.#event(vcpu ? "switch" : "idle", vcpu, reason, { pcpu, from: current?.id ?? null, ...moved });
  }

  #put(vcpu: Vcpu, pcpu: number): void {
    const place = this.#state.pcpus[pcpu]!;
    if (vcpu.pcpu !== null && vcpu.pcpu !== pcpu) vcpu.counts.migrations++;
    if (place.last !== vcpu.id) {
      place.switches++;
      vcpu.counts.switches++;
    }
    if (vcpu.woken !== null) {
      const latency = this.now - vcpu.woken;
      vcpu.latencies[latency] = (vcpu.latencies[latency] ?? 0) + 1;
      vcpu.woken = null;
    }
    vcpu.pcpu = pcpu;
    place.current = place.last = vcpu.id;
    this.#enter(vcpu, "running");
  }

  #release(pcpu: number): void {
    const place = this.#state.pcpus[pcpu]!;
    place.current = null;
    place.until = null;
  }

  // Accounting.

  #enter(vcpu: Vcpu, state: RunState): void {
    if (vcpu.state === state) return;
    enter(vcpu, state, this.now);
    this.#untold.states = [...this.#untold.states, { vcpu: vcpu.id, state }];
    this.#settleVm(vcpu.vm);
  }

  #settleVm(name: string): void {
    const vm = this.#state.vms[name]!;
    const state = vmState(this.#state.vcpus.filter((vcpu) => vcpu.vm === name));
    if (!enter(vm, state, this.now)) return;
    this.#untold.vms = [...this.#untold.vms, { vm: name, state }];
  }

  /** Time in each state up to now. */
  timesOf(id: string): Record<RunState, number> {
    return timesUntil(this.#vcpu(id), this.now);
  }

  get vms(): readonly string[] {
    return Object.keys(this.#state.vms);
  }

  vmTimes(name: string): Record<VmState, number> {
    return timesUntil(this.#state.vms[name]!, this.now);
  }

  // Snapshots.

  /** Plain JSON. To be taken when all is settled. */
  save(): unknown {
    return copy({ host: this.#state, scheduler: this.#scheduler.save() });
  }

  restore(saved: unknown): void {
    const { host, scheduler } = copy(saved) as { host: State; scheduler: unknown };
    this.#state = host;
    this.#byId = new Map(host.vcpus.map((vcpu) => [vcpu.id, vcpu]));
    this.#tickled.clear();
    this.#untold = { states: [], vms: [] };
    this.#scheduler.restore(scheduler);
  }
}
