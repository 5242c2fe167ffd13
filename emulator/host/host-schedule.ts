/**
 * The vCPUs of all VMs on the physical CPUs of their host. The scheduler decides at moments of *host time*; between them each physical
 * CPU has the time of the vCPU that it executes. The one furthest behind has the next turn in the core, for a quantum, and not beyond
 * the next moment at which host time has to stop; so host time is the least time of all that execute something, and decisions are
 * taken in its order. A vCPU can be ahead of host time, by less than a quantum and an instruction, when it loses its physical CPU: the
 * next time it lets that much pass first, so its clock never goes back and the accounts add up.
 */

import type { HostConfiguration, TimedInput } from "../configuration/machine-configuration.ts";
import type { Adjustment, VcpuView } from "../machine-interface.ts";
import { type Happening, Happenings } from "../schedule/happenings.ts";
import { cyclesAt, microsecondsAt } from "../schedule/host-time.ts";
import type { Change } from "../schedule/model.ts";
import { PhysicalCpus } from "../schedule/physical-cpus.ts";
import { pseudoRandom } from "../schedule/pseudo-random.ts";
import type { ScheduleEvent } from "../schedule/schedule-event.ts";
import type { RunState } from "../schedule/vcpu.ts";
import type { StopReason } from "../trace/event.ts";
import type { Scheduling } from "../virtual-machine/processors.ts";
import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";
import { HostScript } from "./host-script.ts";
import { type Local, Placements } from "./placements.ts";
import { quantum } from "./quantum.ts";
import { type Unit, Units } from "./units.ts";
import { Wakings } from "./wakings.ts";

const never = Number.POSITIVE_INFINITY;

/** States of vCPUs that have something to do. */
const wants: ReadonlySet<RunState> = new Set(["running", "runnable", "parked"]);

/** The emulated core, which executes one vCPU at a time. */
export interface Core {
  /** Puts a vCPU into it. That alone changes nothing. */
  put(vm: VirtualMachine, vcpu: number): void;
  /** The run under way ends with the present step. */
  endRun(): void;
  record(event: ScheduleEvent): void;
  stop(vm: VirtualMachine, reason: StopReason, why: string): void;
}

/** Plain JSON. Times in cycles. */
interface State {
  readonly clock: number;
  /** When the present turn ends. */
  readonly turnEnd: number;
  /** Turns so far. */
  readonly turns: number;
}

export class HostSchedule {
  readonly cpus: PhysicalCpus;
  readonly #host: HostConfiguration;
  readonly #core: Core;
  readonly #vms: readonly VirtualMachine[];
  readonly #units: Units;
  readonly #script: HostScript;
  readonly #happenings = new Happenings();
  #state: State;
  readonly #placements: Placements;
  /** The next moment of host time, where it is known. */
  #moment: number | undefined;
  readonly #wakings = new Wakings((vm) => this.#placements.count(vm) === 0 && this.#sleeperOf(vm) !== undefined);
  /** Devices act for a VM that waits: what wakes its vCPUs now is none of them. */
  #serving = false;

  constructor(host: HostConfiguration, vms: readonly VirtualMachine[], core: Core) {
    this.#host = host;
    this.#core = core;
    this.#vms = vms;
    this.#units = new Units(vms);
    const { pcpus, scheduler } = host;
    this.#script = new HostScript(host, vms, {
      change: (change) => this.#change(change),
      type: (vm, input) => this.#type(vm, input),
    });
    this.cpus = new PhysicalCpus({
      pcpus,
      scheduler: scheduler.name,
      ...(scheduler.options && { options: scheduler.options }),
      record: (event) => core.record(event),
    });
    this.#state = { clock: 0, turnEnd: 0, turns: 0 };
    this.#placements = new Placements(pcpus, (id) => this.#units.unit(id));
    for (const vm of vms) vm.processors.share(this.#schedulingOf(vm));
  }

  /** Plugs the vCPUs in, and wakes those that are ready to run. */
  start(): void {
    for (const { vm, number } of this.#units.all) {
      const { parameters, affinities } = vm.configuration;
      const affinity = affinities?.[number];
      this.cpus.add(vm.name, number, { ...parameters, ...(affinity !== undefined && { affinity }) });
    }
    for (const id of pseudoRandom(this.#host.seed ?? 0).shuffled(this.#units.all.map(({ id }) => id)))
      if (this.#units.isReady(id)) this.cpus.wake(id, `${id} starts`);
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
    this.#wakings.forget(vm);
    this.#moment = undefined;
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
    for (const { id } of this.#units.of(vm)) this.#expect({ what: "unplug", at, id, why: `${vm.name} has stopped` });
  }

  /** Somebody has done something to VMs from outside: they may have something to do. */
  touched(): void {
    this.#wakings.forgetAll();
    this.#moment = undefined;
    this.endTurn();
  }

  /** Changes a VM, or one vCPU of it, at the present host time. */
  adjust({ name }: VirtualMachine, vcpu: number | undefined, adjustment: Adjustment): void {
    const at = this.clock;
    for (const id of this.#units.named(name, vcpu)) {
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
      const behind = this.#placements.furthestBehind(this.#goes);
      if (behind && behind.time < moment) {
        this.#turn(behind, moment);
        return true;
      }
      if (moment === never) this.#standStill();
      if (this.#vms.every(({ stopped }) => stopped)) return false;
      this.#comeTo(moment);
    }
  }

  /** A vCPU that runs goes on until it has nothing to do, or its VM has stopped. */
  readonly #goes = ({ id, vm }: Unit): boolean => !vm.stopped && !this.#happenings.blockOf(id);

  #turn({ pcpu, unit: { vm, number }, time }: Local, moment: number): void {
    const { processors } = vm;
    const stays = processors.inCore && processors.current === number;
    processors.passTime(this.clock);
    this.#core.put(vm, number);
    processors.take(time, stays);
    const { turns } = this.#state;
    this.#set({
      turns: turns + 1,
      turnEnd: Math.min(time + quantum(this.#host, this.#placements.count(vm), turns), moment),
    });
    if (this.#placements.enter(pcpu)) processors.monitor?.scheduled?.();
  }

  // Host time.

  /** The moment that host time must not pass before something else is done. */
  #nextMoment(): number {
    let moment = Math.min(this.#happenings.next, this.#script.next, cyclesAt(this.#host.until ?? never));
    for (const vm of this.#vms) moment = Math.min(moment, this.#wakings.of(vm));
    // A scheduler's own clock goes on for ever; but where everybody sleeps, nothing comes of that.
    const decision = this.cpus.next;
    if (decision !== null && (moment !== never || this.cpus.vcpus.some(({ state }) => wants.has(state))))
      moment = Math.min(moment, cyclesAt(decision));
    return Math.max(moment, this.clock);
  }

  #sleeperOf(vm: VirtualMachine): Unit | undefined {
    const units = this.#units.of(vm);
    return units.find(({ id, number }) => vm.processors.isAsleep(number) && this.#stateOf(id) !== "offline");
  }

  /** Host time comes to a moment: what is to happen then happens, and the scheduler decides. */
  #comeTo(moment: number): void {
    this.#set({ clock: moment });
    this.#moment = undefined;
    const time = Math.max(this.cpus.now, Math.min(microsecondsAt(moment), this.cpus.next ?? never));
    this.cpus.advance(time);
    while (this.#happen() || this.#script.perform(this.clock) || this.#serve());
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
    if (this.#units.isReady(id)) this.cpus.wake(id, `${id} goes on where it was`);
  }

  #change({ vm, vcpu, set, unplug }: Change): void {
    for (const id of this.#units.named(vm, vcpu)) {
      if (set) this.cpus.adjust(id, set);
      if (unplug === true) this.cpus.unplug(id);
      if (unplug === false) this.#plug(id);
    }
  }

  #type(vm: VirtualMachine, { device, text }: TimedInput): void {
    vm.processors.passTime(this.clock);
    this.#forgetWaking(vm);
    if (device === "serial") vm.input(text);
    else vm.press(text);
  }

  /** Lets the devices of a VM that waits act, with one of its sleepers in the core. */
  #serve(): boolean {
    const vm = this.#vms.find((one) => this.#wakings.of(one) <= this.clock);
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
    this.#placements.change(running, this.clock, {
      left: ({ id, vm, number }) => {
        if (!vm.stopped) vm.processors.monitorOf(number)?.descheduled?.(this.#stateOf(id) !== "blocked");
      },
      came: ({ vm }) => this.#wakings.forget(vm),
    });
  }

  // Ends.

  /** Stops a VM that nothing will ever wake, not even what is typed. */
  #review(vm: VirtualMachine): void {
    if (vm.stopped || this.#wakings.of(vm) !== never) return;
    if (this.#units.of(vm).some(({ id }) => this.#units.isReady(id) || this.#happenings.concerns(id))) return;
    const next = vm.time.nextWaking;
    if (typeof next !== "number" && next.inputs.length === 0) vm.standStill(next);
  }

  /** Nothing will ever happen: VMs that wait for what is typed have stopped too, and those whose vCPUs have been taken away. */
  #standStill(): void {
    for (const vm of this.#vms) {
      if (vm.stopped) continue;
      const next = vm.time.nextWaking;
      const ready = this.#units.of(vm).some(({ id }) => this.#units.isReady(id));
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
    const { cpus } = this;
    return {
      state: this.#state,
      happenings: this.#happenings.save(),
      script: this.#script.save(),
      placements: this.#placements.save(),
      cpus: cpus.save(),
    };
  }

  restore(saved: unknown): void {
    const { state, happenings, script, placements, cpus } = saved as {
      state: State;
      happenings: unknown;
      script: ReturnType<HostScript["save"]>;
      placements: ReturnType<Placements["save"]>;
      cpus: unknown;
    };
    this.#state = state;
    this.#happenings.restore(happenings);
    this.#script.restore(script);
    this.cpus.restore(cpus);
    this.#placements.restore(placements);
    this.#wakings.forgetAll();
    this.#moment = undefined;
  }
}
