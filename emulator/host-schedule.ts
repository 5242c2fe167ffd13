/**
 * The vCPUs of all VMs on the physical CPUs of their host. The scheduler decides at moments of *host time*; between them each physical
 * CPU has the time of the vCPU that it executes. The one furthest behind has the next turn in the core, for a quantum, and not beyond
 * the next moment at which host time has to stop; so host time is the least time of all that execute something, and decisions are
 * taken in its order. A vCPU can be ahead of host time, by less than a quantum and an instruction, when it loses its physical CPU: the
 * next time it lets that much pass first, so its clock never goes back and the accounts add up.
 */
import type { HostConfiguration } from "./machine-configuration.ts";
import type { Adjustment, VcpuView } from "./machine-interface.ts";
import { type Scheduling, turnCycles } from "./processors.ts";
import { type Happening, Happenings } from "./schedule/happenings.ts";
import { cyclesAt, microsecondsAt } from "./schedule/host-time.ts";
import type { Change } from "./schedule/model.ts";
import { PhysicalCpus } from "./schedule/physical-cpus.ts";
import { pseudoRandom } from "./schedule/pseudo-random.ts";
import type { ScheduleEvent } from "./schedule/schedule-event.ts";
import type { RunState } from "./schedule/vcpu.ts";
import type { StopReason } from "./trace/event.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

const never = Number.POSITIVE_INFINITY;

/** States of vCPUs that have something to do. */
const wants: ReadonlySet<RunState> = new Set(["running", "runnable", "parked"]);

/** Cycles of a turn of a vCPU none of whose siblings runs: 0.84 ms. */
const loneTurnCycles = 100_000;

/** The emulated core, which executes one vCPU at a time. */
export interface Core {
  /** Puts a vCPU into it. That alone changes nothing. */
  put(vm: VirtualMachine, vcpu: number): void;
  /** The run under way ends with the present step. */
  endRun(): void;
  record(event: ScheduleEvent): void;
  stop(vm: VirtualMachine, reason: StopReason, why: string): void;
}

interface Unit {
  readonly id: string;
  readonly vm: VirtualMachine;
  readonly number: number;
}

/** What a physical CPU executes. */
interface Placement {
  readonly id: string;
  /** Host time in cycles from which it has it. */
  readonly since: number;
  /** It has not been in the core since. */
  readonly fresh: boolean;
}

/** Plain JSON. Times in cycles. */
interface State {
  readonly clock: number;
  /** When the present turn ends. */
  readonly turnEnd: number;
  /** Turns so far. */
  readonly turns: number;
  readonly placements: readonly (Placement | null)[];
  /** How many of the configured changes, and of each VM's inputs, have happened. */
  readonly changes: number;
  readonly inputs: readonly number[];
}

export class HostSchedule {
  readonly cpus: PhysicalCpus;
  readonly #host: HostConfiguration;
  readonly #core: Core;
  readonly #vms: readonly VirtualMachine[];
  readonly #units = new Map<string, Unit>();
  readonly #unitsOf = new Map<VirtualMachine, readonly Unit[]>();
  readonly #changes: readonly Change[];
  readonly #happenings = new Happenings();
  #state: State;
  /** The units of `#state.placements`. */
  #placed: readonly (Unit | undefined)[] = [];
  /** The next moment of host time, where it is known. */
  #moment: number | undefined;
  /** When VMs that wait have something to do next, where that is known. */
  readonly #wakings = new Map<VirtualMachine, number>();
  /** Devices act for a VM that waits: what wakes its vCPUs now is none of them. */
  #serving = false;

  constructor(host: HostConfiguration, vms: readonly VirtualMachine[], core: Core) {
    this.#host = host;
    this.#core = core;
    this.#vms = vms;
    const { pcpus, scheduler, changes = [] } = host;
    this.#changes = [...changes].sort((a, b) => a.at - b.at);
    this.cpus = new PhysicalCpus({
      pcpus,
      scheduler: scheduler.name,
      ...(scheduler.options && { options: scheduler.options }),
      record: (event) => core.record(event),
    });
    this.#state = {
      ...{ clock: 0, turnEnd: 0, turns: 0, changes: 0, inputs: vms.map(() => 0) },
      placements: this.cpus.pcpus.map(() => null),
    };
    for (const vm of vms) vm.processors.share(this.#schedulingOf(vm));
  }

  /** Plugs the vCPUs in, and wakes those that are ready to run. */
  start(): void {
    for (const vm of this.#vms) {
      const { parameters, affinities } = vm.configuration;
      const units = Array.from({ length: vm.processors.count }, (_, number) => {
        const unit = { id: `${vm.name}/${number}`, vm, number };
        this.#units.set(unit.id, unit);
        const affinity = affinities?.[number];
        this.cpus.add(vm.name, number, { ...parameters, ...(affinity !== undefined && { affinity }) });
        return unit;
      });
      this.#unitsOf.set(vm, units);
    }
    for (const id of pseudoRandom(this.#host.seed ?? 0).shuffled([...this.#units.keys()]))
      if (this.#isReady(id)) this.cpus.wake(id, `${id} starts`);
    this.#settle();
  }

  /** Host time in cycles. */
  get clock(): number {
    return this.#state.clock;
  }

  #set(changes: Partial<State>): void {
    this.#state = { ...this.#state, ...changes };
  }

  /** Something is to happen, or a VM that waits may have something to do earlier. */
  #expect(happening: Happening): void {
    this.#happenings.add(happening);
    this.#moment = undefined;
  }

  #forgetWaking(vm: VirtualMachine): void {
    this.#wakings.delete(vm);
    this.#moment = undefined;
  }

  #unit(id: string): Unit {
    return this.#units.get(id)!;
  }

  #vmNamed(wanted: string): VirtualMachine {
    return this.#vms.find(({ name }) => name === wanted)!;
  }

  #isReady(id: string): boolean {
    const { vm, number } = this.#unit(id);
    return !vm.processors.isAsleep(number);
  }

  #stateOf(id: string): RunState {
    return this.cpus.vcpu(id).state;
  }

  /** How a vCPU stands. */
  view(id: string): Pick<VcpuView, "state" | "pcpu" | "standing" | "parameters" | "times"> {
    const { state, pcpu, parameters } = this.cpus.vcpu(id);
    const standing = state === "offline" ? undefined : this.cpus.standing(id);
    return { state, pcpu: pcpu ?? undefined, standing, parameters, times: this.cpus.timesOf(id) };
  }

  // As the VMs see it.

  #schedulingOf(vm: VirtualMachine): Scheduling {
    const schedule = this;
    const idOf = (number: number): string => `${vm.name}/${number}`;
    return {
      get turnLeft() {
        return schedule.#state.turnEnd - vm.processors.cycle;
      },
      wake: (number) => schedule.#wake(vm, idOf(number)),
      yield: (number, why, to) => schedule.#yield(vm, idOf(number), why, to === undefined ? undefined : idOf(to)),
      state: (number) => (schedule.#happenings.blockOf(idOf(number)) ? "blocked" : schedule.#stateOf(idOf(number))),
      stolen: (number) => {
        const { runnable, parked } = schedule.cpus.timesOf(idOf(number));
        return cyclesAt(runnable + parked);
      },
    };
  }

  /** The time of what the VM does now: its vCPU's in the core. */
  #presentOf({ processors }: VirtualMachine): number {
    return processors.inCore && !this.#serving ? Math.max(this.clock, processors.cycle) : this.clock;
  }

  #wake(vm: VirtualMachine, id: string): void {
    this.#forgetWaking(vm);
    const at = this.#presentOf(vm);
    const block = this.#happenings.blockOf(id);
    // It came before the vCPU had nothing more to do.
    if (block && block.at >= at) this.#happenings.drop(block);
    else this.#expect({ what: "wake", at, id, why: this.#wakingText(vm, id) });
  }

  #wakingText({ name, processors }: VirtualMachine, id: string): string {
    if (this.#serving) return `${id}: a timer or another device interrupts`;
    const by = `${name}/${processors.current}`;
    return processors.inCore && by !== id ? `${by} wakes ${id}` : `${id}: something has come from outside`;
  }

  #yield(vm: VirtualMachine, id: string, why: string, to: string | undefined): void {
    this.#expect({ what: "yield", at: this.#presentOf(vm), id, why, ...(to !== undefined && { to }) });
    this.endTurn();
  }

  endTurn(): void {
    this.#set({ turnEnd: 0 });
    this.#core.endRun();
  }

  /** The vCPU in the core has nothing to do. */
  sleep(vm: VirtualMachine): void {
    const { processors } = vm;
    processors.fallAsleep();
    const id = `${vm.name}/${processors.current}`;
    this.#expect({ what: "block", at: this.#presentOf(vm), id, why: `${id} waits for an interrupt` });
    this.endTurn();
  }

  /** A VM has stopped: its vCPUs are taken away, but for one that can go on when something is typed. */
  stopped(vm: VirtualMachine): void {
    this.endTurn();
    this.#forgetWaking(vm);
    if (vm.waiting) return;
    const at = this.#presentOf(vm);
    for (const { id } of this.#unitsOf.get(vm)!)
      this.#expect({ what: "unplug", at, id, why: `${vm.name} has stopped` });
  }

  /** Somebody has done something to VMs from outside: they may have something to do. */
  touched(): void {
    this.#wakings.clear();
    this.#moment = undefined;
    this.endTurn();
  }

  /** Changes a VM, or one vCPU of it, at the present host time. */
  adjust({ name }: VirtualMachine, vcpu: number | undefined, adjustment: Adjustment): void {
    const at = this.clock;
    for (const { id } of this.#unitsOf.get(this.#vmNamed(name))!) {
      if (vcpu !== undefined && id !== `${name}/${vcpu}`) continue;
      if (adjustment.kind === "set") this.#expect({ at, id, what: "adjust", parameters: adjustment.parameters });
      else if (adjustment.kind === "plug") this.#expect({ at, id, what: "plug" });
      else this.#expect({ at, id, what: "unplug", why: `${id} is unplugged` });
    }
    this.endTurn();
  }

  // Turns.

  /** Gives the core to the vCPU whose turn is next, when host time has come to that. False if nothing will ever happen again. */
  next(): boolean {
    for (;;) {
      this.#moment ??= this.#nextMoment();
      const moment = this.#moment;
      const behind = this.#furthestBehind();
      if (behind && behind.local < moment) {
        this.#turn(behind.pcpu, behind.local, moment);
        return true;
      }
      if (moment === never) this.#standStill();
      if (this.#vms.every(({ stopped }) => stopped)) return false;
      this.#comeTo(moment);
    }
  }

  /** Of the physical CPUs that execute something, the one with the least time. */
  #furthestBehind(): { readonly pcpu: number; readonly local: number } | undefined {
    let behind: { readonly pcpu: number; readonly local: number } | undefined;
    for (let pcpu = 0; pcpu < this.#placed.length; pcpu++) {
      const unit = this.#placed[pcpu];
      if (!unit || unit.vm.stopped || this.#happenings.blockOf(unit.id)) continue;
      const local = Math.max(this.#state.placements[pcpu]!.since, unit.vm.processors.cycleOf(unit.number));
      if (!behind || local < behind.local) behind = { pcpu, local };
    }
    return behind;
  }

  #turn(pcpu: number, local: number, moment: number): void {
    const placement = this.#state.placements[pcpu]!;
    const { vm, number } = this.#placed[pcpu]!;
    const { processors } = vm;
    const stays = processors.inCore && processors.current === number;
    processors.passTime(this.clock);
    this.#core.put(vm, number);
    processors.take(local, stays);
    const { turns } = this.#state;
    this.#set({ turns: turns + 1, turnEnd: Math.min(local + this.#quantum(vm, turns), moment) });
    if (!placement.fresh) return;
    this.#place(pcpu, { ...placement, fresh: false });
    processors.monitor?.scheduled?.();
  }

  /**
   * Cycles of a turn: few where vCPUs of one VM run side by side, which would notice. With a seed, from a half to one and a half of
   * that.
   */
  #quantum(vm: VirtualMachine, turn: number): number {
    const alone = this.#placed.filter((unit) => unit?.vm === vm).length <= 1;
    const { quantum = alone ? loneTurnCycles : turnCycles, seed = 0 } = this.#host;
    return seed === 0
      ? quantum
      : Math.ceil(quantum / 2) + pseudoRandom(Math.imul(seed, 0x9e37_79b1) + turn).below(quantum);
  }

  // Host time.

  /** The moment that host time must not pass before something else is done. */
  #nextMoment(): number {
    const { changes, inputs } = this.#state;
    let moment = Math.min(
      this.#happenings.next,
      cyclesAt(Math.min(this.#changes[changes]?.at ?? never, this.#host.until ?? never)),
    );
    for (const [n, vm] of this.#vms.entries()) {
      if (vm.stopped && !vm.waiting) continue;
      const input = vm.configuration.inputs?.[inputs[n]!]?.at ?? never;
      moment = Math.min(moment, this.#wakingOf(vm), cyclesAt(input));
    }
    // A scheduler's own clock goes on for ever; but where everybody sleeps, nothing comes of that.
    const decision = this.cpus.next;
    if (decision !== null && (moment !== never || this.cpus.vcpus.some(({ state }) => wants.has(state))))
      moment = Math.min(moment, cyclesAt(decision));
    return Math.max(moment, this.clock);
  }

  /** When devices have something for a VM none of whose vCPUs runs, but of which one sleeps; infinite of others. */
  #wakingOf(vm: VirtualMachine): number {
    const known = this.#wakings.get(vm);
    if (known !== undefined) return known;
    if (vm.stopped || this.#runs(vm) || this.#sleeperOf(vm) === undefined) return never;
    const next = vm.time.nextWaking;
    const waking = typeof next === "number" ? next : never;
    this.#wakings.set(vm, waking);
    return waking;
  }

  #runs(vm: VirtualMachine): boolean {
    return this.#placed.some((unit) => unit?.vm === vm);
  }

  #sleeperOf(vm: VirtualMachine): Unit | undefined {
    const units = this.#unitsOf.get(vm)!;
    return units.find(({ id, number }) => vm.processors.isAsleep(number) && this.#stateOf(id) !== "offline");
  }

  /** Host time comes to a moment: what is to happen then happens, and the scheduler decides. */
  #comeTo(moment: number): void {
    this.#set({ clock: moment });
    this.#moment = undefined;
    const time = Math.max(this.cpus.now, Math.min(microsecondsAt(moment), this.cpus.next ?? never));
    this.cpus.advance(time);
    while (this.#happen() || this.#change() || this.#type() || this.#serve());
    if (time >= (this.#host.until ?? never)) this.#end(time);
    this.#settle();
    for (const vm of this.#vms) this.#review(vm);
    this.#moment = undefined;
  }

  /** True if something has happened that was due. */
  #happen(): boolean {
    const happening = this.#happenings.take(this.clock);
    if (!happening) return false;
    const { id } = happening;
    if (happening.what === "wake") this.cpus.wake(id, happening.why);
    else if (happening.what === "block") this.cpus.block(id, happening.why);
    else if (happening.what === "yield") this.cpus.yield(id, happening.why, happening.to);
    else if (happening.what === "unplug") this.cpus.unplug(id, happening.why);
    else if (happening.what === "adjust") this.cpus.adjust(id, happening.parameters);
    else this.#plug(id);
    return true;
  }

  #plug(id: string): void {
    this.cpus.replug(id);
    if (this.#isReady(id)) this.cpus.wake(id, `${id} goes on where it was`);
  }

  #change(): boolean {
    const change = this.#changes[this.#state.changes];
    if (!change || cyclesAt(change.at) > this.clock) return false;
    this.#set({ changes: this.#state.changes + 1 });
    const { vm, vcpu, set, unplug } = change;
    for (const { id } of this.#unitsOf.get(this.#vmNamed(vm))!) {
      if (vcpu !== undefined && id !== `${vm}/${vcpu}`) continue;
      if (set) this.cpus.adjust(id, set);
      if (unplug === true) this.cpus.unplug(id);
      if (unplug === false) this.#plug(id);
    }
    return true;
  }

  #type(): boolean {
    for (const [n, vm] of this.#vms.entries()) {
      const input = vm.configuration.inputs?.[this.#state.inputs[n]!];
      if (!input || cyclesAt(input.at) > this.clock || (vm.stopped && !vm.waiting)) continue;
      this.#set({ inputs: this.#state.inputs.with(n, this.#state.inputs[n]! + 1) });
      vm.processors.passTime(this.clock);
      this.#forgetWaking(vm);
      if (input.device === "serial") vm.input(input.text);
      else vm.press(input.text);
      return true;
    }
    return false;
  }

  /** Lets the devices of a VM that waits act, with one of its sleepers in the core. */
  #serve(): boolean {
    const vm = this.#vms.find((one) => this.#wakingOf(one) <= this.clock);
    if (!vm) return false;
    this.#forgetWaking(vm);
    this.#serving = true;
    vm.processors.passTime(this.clock);
    this.#core.put(vm, this.#sleeperOf(vm)!.number);
    vm.processors.doze(this.clock);
    vm.time.serve();
    this.#serving = false;
    return true;
  }

  #settle(): void {
    this.cpus.settle();
    const running = this.cpus.pcpus.map((_, pcpu) => this.cpus.running(pcpu)?.id);
    for (const [pcpu, placement] of this.#state.placements.entries())
      if (placement && placement.id !== running[pcpu]) {
        const { vm, number } = this.#unit(placement.id);
        const ready = this.#stateOf(placement.id) !== "blocked";
        if (!vm.stopped) vm.processors.monitorOf(number)?.descheduled?.(ready);
        this.#place(pcpu, null);
      }
    for (const [pcpu, id] of running.entries())
      if (id !== undefined && !this.#state.placements[pcpu]) {
        this.#wakings.delete(this.#unit(id).vm);
        this.#place(pcpu, { id, since: this.clock, fresh: true });
      }
  }

  #place(pcpu: number, placement: Placement | null): void {
    this.#set({ placements: this.#state.placements.with(pcpu, placement) });
    this.#findPlaced();
  }

  #findPlaced(): void {
    this.#placed = this.#state.placements.map((placement) => (placement ? this.#unit(placement.id) : undefined));
  }

  // Ends.

  /** Stops a VM that nothing will ever wake, not even what is typed. */
  #review(vm: VirtualMachine): void {
    if (vm.stopped || this.#wakingOf(vm) !== never) return;
    if (this.#unitsOf.get(vm)!.some(({ id }) => this.#isReady(id) || this.#happenings.concerns(id))) return;
    const next = vm.time.nextWaking;
    if (typeof next !== "number" && next.inputs.length === 0) vm.standStill(next);
  }

  /** Nothing will ever happen: VMs that wait for what is typed have stopped too, and those whose vCPUs have been taken away. */
  #standStill(): void {
    for (const vm of this.#vms) {
      if (vm.stopped) continue;
      const next = vm.time.nextWaking;
      const ready = this.#unitsOf.get(vm)!.some(({ id }) => this.#isReady(id));
      if (ready || typeof next === "number") this.#core.stop(vm, "halted", "All vCPUs that could go on are unplugged.");
      else vm.standStill(next);
    }
  }

  #end(time: number): void {
    for (const vm of this.#vms)
      this.#core.stop(vm, "time-limit", `The end that was set, ${time / 1000} ms of virtual time, has been reached.`);
  }

  /** To be taken when all is settled; objects in it are never changed. */
  save(): unknown {
    return { state: this.#state, happenings: this.#happenings.save(), cpus: this.cpus.save() };
  }

  restore(saved: unknown): void {
    const { state, happenings, cpus } = saved as { state: State; happenings: unknown; cpus: unknown };
    this.#state = state;
    this.#happenings.restore(happenings);
    this.cpus.restore(cpus);
    this.#findPlaced();
    this.#wakings.clear();
    this.#moment = undefined;
  }
}
