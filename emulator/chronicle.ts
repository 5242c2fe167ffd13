import type { CostProfile } from "../isa/costs.ts";
import { vector } from "./cpu/fault.ts";
import type { EventFilter, VcpuPlace } from "./machine-interface.ts";
import type { ObservedBody } from "./mmu/translation-events.ts";
import { type ScheduleEvent, scheduleBody } from "./schedule/schedule-event.ts";
import type { EventKind, MachineEvent, RecordedBody } from "./trace/event.ts";
import { linearText, type Moment } from "./trace/event-columns.ts";
import { Recorder } from "./trace/recorder.ts";
import type { VirtualMachine } from "./virtual-machine/virtual-machine.ts";

/** Where and when the machine is. */
export interface Whereabouts {
  /** The VM whose vCPU is in the core. */
  readonly vm: VirtualMachine;
  /** Steps, and the virtual time of the vCPU in the core. */
  readonly now: number;
  readonly cycle: number;
  /** Host time in cycles; 0 without a scheduler. */
  readonly hostCycle: number;
  named(vm: string): VirtualMachine | undefined;
  /** The run under way ends with the present step. */
  endRun(): void;
  /** Virtual time passes for the vCPU in the core. */
  spend(cycles: number): void;
}

/** Most observed events of a step that are told apart by their numbers. */
const observedPlaces = 4096;

/** What a snapshot says of it. */
interface Saved {
  readonly sequence: number;
  readonly exit: number;
  /** The events that change after they are recorded: their costs are not known yet while a VMM waits with the guest. */
  readonly costs: readonly (readonly [number, number])[];
}

/** Records what happens, with its moment and what it costs on the machine itself, and ends runs that were to end with it. */
export class Chronicle {
  readonly #at: Whereabouts;
  readonly #costs: CostProfile;
  readonly #recorder = new Recorder(() => this.present());
  /** The latest exit event. */
  #exit = 0;
  /** An exit to the guest's own hypervisor since it was last asked, which is never pending. */
  #completed: number | undefined;
  /** Runs are to end after such an exit. */
  stopsOnExit = false;
  /** The run under way is to end after events that this accepts; and the first that it has accepted. */
  #filter: EventFilter | undefined;
  #accepted: number | undefined;
  /** The run under way is to end with the event of this number, or when the recorder has recorded so much. */
  #room = { sequence: Number.POSITIVE_INFINITY, recorded: Number.POSITIVE_INFINITY };
  /** The step in which something was observed last, and how often in that. */
  #observed = { step: -1, count: 0 };
  /** The vCPU that is recorded about, if that is not the one in the core. */
  #subject: VcpuPlace | undefined;
  readonly #moment = { cycle: 0, step: 0, vm: "", vcpu: 0, linear: 0 };

  constructor(at: Whereabouts, costs: CostProfile) {
    this.#at = at;
    this.#costs = costs;
  }

  /** The present, for events. */
  present(): Moment {
    const moment = this.#moment;
    const { vm, now } = this.#at;
    const subject = this.#subject;
    moment.step = now;
    moment.cycle = subject ? this.#at.hostCycle : this.#at.cycle;
    moment.vm = subject?.vm ?? vm.name;
    moment.vcpu = subject?.vcpu ?? vm.processors.current;
    moment.linear = subject
      ? this.#at.named(subject.vm)!.processors.placeOf(subject.vcpu).linear
      : vm.processors.linear;
    return moment;
  }

  /** Records what happens to a VM: to the vCPU in the core, or else to the one that was in it last. */
  recordOf(vm: VirtualMachine, body: RecordedBody): number {
    return vm === this.#at.vm
      ? this.record(body)
      : this.#recordAbout({ vm: vm.name, vcpu: vm.processors.current }, body);
  }

  /** Records what happens at host time, to a vCPU that need not be in the core. */
  #recordAbout(subject: VcpuPlace, body: RecordedBody): number {
    this.#subject = subject;
    const sequence = this.#recorder.record(body);
    this.#subject = undefined;
    this.#recorded(body.kind, sequence);
    return sequence;
  }

  recordDecision(event: ScheduleEvent): void {
    const { vm: present } = this.#at;
    const [vm = present.name, vcpu = present.processors.current] = event.vcpu?.split("/") ?? [];
    this.#recordAbout({ vm, vcpu: Number(vcpu) }, scheduleBody(event));
  }

  record(body: RecordedBody): number {
    // Breakpoints are to be found in the new code as well.
    if (body.kind === "translate") this.#at.endRun();
    const sequence = this.#recorder.record(body);
    this.#recorded(body.kind, sequence);
    const price = this.#priceOf(body);
    if (price > 0) this.#at.spend(price);
    return sequence;
  }

  /** What happens is told to the run under way, if it asks for that. */
  observe(body: ObservedBody): void {
    if (!this.#filter?.kinds.has(body.kind)) return;
    const { linear, ...moment } = this.present();
    if (this.#observed.step !== moment.step) this.#observed = { step: moment.step, count: 0 };
    const place = Math.min(++this.#observed.count, observedPlaces - 1) / observedPlaces;
    this.#offerEvent({ sequence: this.lastSequence + place, ...moment, rip: linearText(linear), ...body });
  }

  /** Cycles that something takes on the machine itself; crossings are priced where they happen. */
  #priceOf(body: RecordedBody): number {
    if (body.kind === "exception") return body.vector === vector.PF ? this.#costs.pageFault : this.#costs.exception;
    return body.kind === "io" && !this.#at.vm.monitor ? this.#costs.portAccess : 0;
  }

  recordExit(...exit: Parameters<Recorder["recordExit"]>): number {
    this.#exit = this.#recorder.recordExit(...exit);
    if (this.#filter?.reasons?.has(exit[0].reason) !== false) this.#offer("exit", this.#exit);
    if (this.isFull) this.#at.endRun();
    this.#at.vm.time.passes(this.#costs.exit);
    return this.#exit;
  }

  recordCompletedExit(...exit: Parameters<Recorder["recordExit"]>): number {
    this.#completed = this.recordExit(...exit);
    if (this.stopsOnExit) this.#at.endRun();
    return this.#completed;
  }

  settle(sequence: number, cost: number): void {
    this.#recorder.settle(sequence, cost);
  }

  get lastSequence(): number {
    return this.#recorder.lastSequence;
  }

  at(sequence: number): MachineEvent | undefined {
    return this.#recorder.at(sequence);
  }

  after(sequence: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    return this.#recorder.after(sequence, limit, kinds);
  }

  get recorder(): Recorder {
    return this.#recorder;
  }

  // Ends of runs.

  /** Runs are to end after events that this accepts. */
  stopOn(filter: EventFilter | undefined): void {
    this.#filter = filter;
    this.#accepted = undefined;
  }

  /** The next run has room for so many events, and no more than can be kept; undefined: for all, the oldest of which are dropped. */
  makeRoom(events: number | undefined): void {
    const { recorded, limit, lastSequence } = this.#recorder;
    const end = Number.POSITIVE_INFINITY;
    const bounded = events !== undefined;
    this.#room = { sequence: bounded ? lastSequence + events : end, recorded: bounded ? recorded + limit / 2 : end };
  }

  /** The run under way has recorded as much as it may. */
  get isFull(): boolean {
    return this.#recorder.lastSequence >= this.#room.sequence || this.#recorder.recorded >= this.#room.recorded;
  }

  #recorded(kind: EventKind, sequence: number): void {
    this.#offer(kind, sequence);
    if (this.isFull) this.#at.endRun();
  }

  /** Number of the first event that was accepted. */
  get accepted(): number | undefined {
    return this.#accepted;
  }

  /** Ends the run under way with this step, if it is to end after this event. */
  #offer(kind: EventKind, sequence: number): void {
    if (this.#filter?.kinds.has(kind)) this.#offerEvent(this.#recorder.at(sequence)!);
  }

  #offerEvent(event: MachineEvent): void {
    if (!this.#filter?.accept(event)) return;
    this.#accepted ??= event.sequence;
    this.#at.endRun();
  }

  /** Number of the exit that the VMM of the vCPU in the core has not handled yet. */
  get pending(): number | undefined {
    return this.#at.vm.monitor?.exitPending ? this.#exit : undefined;
  }

  get completed(): number | undefined {
    return this.#completed;
  }

  /** No exit has been completed from now on. */
  beginSlice(stopsOnExit: boolean): void {
    this.#completed = undefined;
    this.stopsOnExit = stopsOnExit;
  }

  /** @param open numbers of exits from which guests have not been resumed */
  save(open: readonly number[]): Saved {
    const costs = [...new Set([this.#exit, ...open])].map((sequence) => {
      const event = this.#recorder.at(sequence);
      return [sequence, event?.kind === "exit" ? event.cost : 0] as const;
    });
    return { sequence: this.lastSequence, exit: this.#exit, costs };
  }

  restore({ sequence, exit, costs }: Saved): void {
    this.#recorder.forgetAfter(sequence);
    this.#observed = { step: -1, count: 0 };
    this.#exit = exit;
    for (const [open, cost] of costs) this.#recorder.settle(open, cost);
  }
}
