import { type CostProfile, costProfile, defaultCosts } from "../isa/costs.ts";
import type { Observation } from "./compare/observation.ts";
import { configurationProblem } from "./configuration.ts";
import { Cpu } from "./cpu/cpu.ts";
import { vector } from "./cpu/fault.ts";
import { layout, ramBase, tlbBase, tlbBytes } from "./cpu/layout.ts";
import { virtualTime } from "./cpu/virtual-time.ts";
import type { DeviceView } from "./devices/device-view.ts";
import type { Screen } from "./devices/screen.ts";
import { strokesOf } from "./devices/typing.ts";
import { type Digest, digestOf } from "./digest.ts";
import { Engine, type EngineStop } from "./engine/interpreter.ts";
import { pageBytes } from "./engine/page.ts";
import { adjustmentProblem } from "./host-configuration.ts";
import { HostSchedule } from "./host-schedule.ts";
import { Inspection } from "./inspection.ts";
import {
  type AnyConfiguration,
  type ComputerConfiguration,
  computerOf,
  type VmConfiguration,
} from "./machine-configuration.ts";
import type {
  AddressSpace,
  Adjustment,
  EventFilter,
  MachineInterface,
  RegisterView,
  RunOptions,
  Stop,
  TlbEntryView,
  VcpuPlace,
  VcpuView,
  VmxState,
  Watch,
} from "./machine-interface.ts";
import { observeProcessor } from "./observer.ts";
import { type Fairness, fairness } from "./schedule/fairness.ts";
import { type ScheduleEvent, scheduleBody } from "./schedule/schedule-event.ts";
import { disconnected, slicesOf } from "./slices.ts";
import { exceptionChain, shutdownText } from "./stop-texts.ts";
import type { VmcbView } from "./svm/vmcb-view.ts";
import { freeCrossings } from "./time/costs.ts";
import type { Intervened, Intervention } from "./time/intervention.ts";
import type { Unwritten } from "./time/snapshots.ts";
import { type Replayable, Timeline } from "./time/timeline.ts";
import type { EventKind, MachineEvent, Outlook, RecordedBody, StopReason } from "./trace/event.ts";
import { linearText, type Moment } from "./trace/event-columns.ts";
import { Recorder } from "./trace/recorder.ts";
import { imageExtent, type Stopped, VirtualMachine } from "./virtual-machine.ts";
import type { TranslatedUnit } from "./vmm/translation/view.ts";
import type { VmcsView } from "./vmx/vmcs-view.ts";
import { Watches } from "./watches.ts";

const noWatches: readonly Watch[] = [];

/** Snapshots may take this much, or as much as the guests' memory: less would keep none of a guest that writes all of it. */
const leastSnapshotBytes = 32 * 2 ** 20;
/** Steps between snapshots at first, for each VM whose devices have to be saved. */
const snapshotInterval = 2 ** 20;

/**
 * One emulated computer with its VMs: the core that executes all their vCPUs in turn, host-physical memory, the record of what
 * happened, and the way back in time. The present moment is a number of steps, counted for the whole computer.
 *
 * Devices change only at accesses and at their deadlines in virtual time, and every run pauses exactly there, so what
 * happens does not depend on how the time was cut into runs.
 */
export class Machine implements MachineInterface, Replayable<Intervention> {
  readonly configuration: ComputerConfiguration;
  readonly #cpu: Cpu;
  readonly #vms: readonly VirtualMachine[];
  readonly #engine: Engine;
  readonly #costs: CostProfile;
  readonly #recorder = new Recorder(() => this.#present());
  readonly #timeline: Timeline<Intervention>;
  readonly #watches: Watches;
  readonly #look: Inspection;
  /** Undefined where each vCPU has a physical CPU for itself. */
  readonly #schedule: HostSchedule | undefined;
  /** The VM whose vCPU is in the core. */
  #vm: VirtualMachine;
  /** The vCPU about to run, while another is looked at. */
  #home: VcpuPlace | undefined;
  /** The vCPU that runs while all others are frozen. */
  #only: VcpuPlace | undefined;
  /** The latest exit event. */
  #exit = 0;
  /** An exit to the guest's own hypervisor in the present slice, which is never pending. */
  #completedExit: number | undefined;
  /** The run under way is to end after such an exit. */
  #stopsOnExit = false;
  /** The run under way is to end after events that this accepts; and the first that it has accepted. */
  #stopOnEvent: EventFilter | undefined;
  #accepted: number | undefined;
  /** How the VM did that stopped last. */
  #lastStopped: Stopped | undefined;
  /** The vCPU that is recorded about, if that is not the one in the core. */
  #subject: VcpuPlace | undefined;
  /** The present, for events. */
  readonly #moment = { cycle: 0, step: 0, vm: "", vcpu: 0, linear: 0 };

  /** @param actions what is done to it from outside, and when */
  constructor(configuration: AnyConfiguration, actions: readonly Intervened[] = []) {
    this.configuration = computerOf(configuration);
    const { vms, technique, costs, clock, fiveLevelPaging, translate } = this.configuration;
    this.#costs = clock === "instructions" ? freeCrossings : costProfile(costs ?? defaultCosts)!;
    const { places, ramBytes, memory } = slicesOf(vms, technique);
    const cpu = new Cpu({ memory, ramBytes, bus: disconnected, fiveLevelPaging });
    this.#cpu = cpu;
    const images = vms.map((vm, n) => {
      const { start, end } = imageExtent(vm);
      return { start: places[n]!.guestBase + start, end: places[n]!.guestBase + end };
    });
    this.#engine = new Engine(cpu, { images, ...(translate === false ? {} : { translate: { memory } }) });
    this.#vms = vms.map((vm, n) => new VirtualMachine(vm, { ...this.#surroundings(), ...places[n]! }));
    this.#vm = this.#vms[0]!;
    this.#look = new Inspection(cpu, () => this.#vm);
    this.#watches = new Watches(
      cpu,
      (address) => this.#vm.memory.hostOf(address),
      () => this.#engine.stopBy(this.now),
    );
    cpu.deadlineChanged = () => this.#vm.time.changed();
    observeProcessor(
      cpu,
      () => this.#vm.board.interrupts,
      (body) => this.#record(body),
    );
    this.#schedule = this.#start();
    const bytes = vms.reduce((sum, vm) => sum + vm.memory * 2 ** 20, 0);
    const limit = Math.max(leastSnapshotBytes, bytes);
    this.#timeline = new Timeline(this, memory.buffer, {
      ...{ limit, actions, interval: snapshotInterval * vms.length },
      unwritten: this.#unwritten(places[0]!.guestBase),
    });
    this.#turn();
  }

  /** Loads the guests, one after the other, and lets the scheduler begin if there is one. */
  #start(): HostSchedule | undefined {
    for (const vm of this.#vms) {
      if (vm !== this.#vm) this.#vm.processors.leave();
      this.#vm = vm;
      vm.connect();
      vm.start();
    }
    const { host } = this.configuration;
    const schedule =
      host &&
      new HostSchedule(host, this.#vms, {
        put: (vm, vcpu) => this.#put(vm, vcpu),
        endRun: () => this.#engine.stopBy(this.now),
        record: (event) => this.#recordDecision(event),
        stop: (vm, reason, why) => this.#stop(vm, reason, why),
      });
    schedule?.start();
    return schedule;
  }

  /** Puts a vCPU into the core. Nothing else changes. */
  #put(vm: VirtualMachine, vcpu: number): void {
    if (vm !== this.#vm) {
      this.#vm.processors.leave();
      this.#vm = vm;
      vm.connect();
    }
    vm.processors.show(vcpu);
  }

  #surroundings() {
    const { technique, vmx, hypervisor = {} } = this.configuration;
    return {
      ...{ technique, offersVmx: vmx !== false, costs: this.#costs, hypervisor, cpu: this.#cpu },
      countsInstructions: this.configuration.clock === "instructions",
      interpret: () => this.#engine.interpret(),
      isCode: (physical: number) => this.#engine.isCode(physical),
      endRunIn: (steps: number) => this.#engine.stopBy(this.now + steps),
      record: (vm: VirtualMachine, body: RecordedBody) => this.#recordOf(vm, body),
      recordExit: (...exit: Parameters<Recorder["recordExit"]>) => this.#recordExit(...exit),
      recordCompletedExit: (...exit: Parameters<Recorder["recordExit"]>) => {
        this.#completedExit = this.#recordExit(...exit);
        if (this.#stopsOnExit) this.#engine.stopBy(this.now);
        return this.#completedExit;
      },
      settle: (sequence: number, cost: number) => this.#recorder.settle(sequence, cost),
      stop: (vm: VirtualMachine, reason: StopReason, why: string) => this.#stop(vm, reason, why),
    };
  }

  /**
   * What lies before the first guest's memory, the processor's state and the VMM's tables, is written by many; what lies between the
   * TLB and host-physical memory by nobody.
   */
  #unwritten(guestBase: number): Unwritten {
    const cpu = this.#cpu;
    const first = ramBase / pageBytes;
    const guest = first + guestBase / pageBytes;
    const unused = Math.ceil((tlbBase + tlbBytes) / pageBytes);
    return {
      hasAll: (from, end) =>
        from >= guest ? cpu.physical.areClean(from - first, end - first) : from >= unused && end <= first,
      has: (page) => (page >= guest ? cpu.physical.isClean(page - first) : page >= unused && page < first),
      start: () => cpu.clean(),
    };
  }

  // What is, now.

  get now(): number {
    return this.#cpu.f64[layout.steps >> 3]!;
  }
  get cycle(): number {
    return virtualTime(this.#cpu);
  }
  get instructions(): number {
    return this.now - this.#cpu.f64[layout.unretired >> 3]! + this.#cpu.f64[layout.emulated >> 3]!;
  }
  get directInstructions(): number {
    const interpreted = this.#vms.reduce((sum, vm) => sum + vm.processors.interpretedInstructions, 0);
    return this.now - this.#cpu.f64[layout.unretired >> 3]! - interpreted;
  }
  get walkReferences(): number {
    return this.#cpu.f64[layout.walkReferences >> 3]!;
  }
  get guest(): VmConfiguration {
    return this.#vm.configuration;
  }
  get vm(): string {
    return this.#vm.name;
  }
  get vcpu(): number {
    return this.#vm.processors.current;
  }
  get bits(): 16 | 32 | 64 {
    return this.#look.bits;
  }
  get rip(): bigint {
    return this.#look.rip;
  }
  get linearRip(): bigint {
    return this.#look.linearRip;
  }
  get withinInstruction(): boolean {
    return this.#look.withinInstruction;
  }
  get cpl(): number {
    return this.#cpu.cpl;
  }
  get pendingExit(): MachineEvent | undefined {
    return this.#exitPending === undefined ? undefined : this.#recorder.at(this.#exitPending);
  }
  /** Sequence number of the exit that the VMM has not handled yet. */
  get #exitPending(): number | undefined {
    return this.#vm.monitor?.exitPending ? this.#exit : undefined;
  }
  /** When all VMs have: as the last of them did. */
  get stopped(): Stopped | undefined {
    return this.#vms.every((vm) => vm.stopped) ? this.#lastStopped : undefined;
  }

  #present(): Moment {
    const moment = this.#moment;
    moment.step = this.now;
    const subject = this.#subject;
    moment.cycle = subject ? (this.#schedule?.clock ?? 0) : this.cycle;
    moment.vm = subject?.vm ?? this.#vm.name;
    moment.vcpu = subject?.vcpu ?? this.vcpu;
    moment.linear = subject ? this.#vmNamed(subject.vm)!.processors.placeOf(subject.vcpu).linear : this.#look.linear;
    return moment;
  }

  #vmNamed(wanted: string): VirtualMachine | undefined {
    return this.#vms.find(({ name }) => name === wanted);
  }

  /** All machine memory: processor state, TLB and host-physical RAM (`cpu/layout.ts`). To compare, not to change. */
  get bytes(): Uint8Array {
    return this.#cpu.bytes;
  }

  /** The guest's physical memory. To compare, not to change. */
  get guestMemory(): Uint8Array {
    return this.#look.guestMemory;
  }

  /** Pages that are not the guest's and that it could write now. */
  get writableOutside(): number {
    return this.#look.writableOutside;
  }

  /** Guest-physical address of a linear address by the guest's page tables; undefined if it has none. */
  guestPhysical(linear: number): number | undefined {
    return this.#look.guestPhysical(linear);
  }

  translatedUnits(): readonly TranslatedUnit[] {
    return this.#look.translatedUnits();
  }

  /** Fills in what the guest could find out about its processor now. */
  observe(into: Observation): Observation {
    return this.#look.observe(into);
  }

  // Events.

  /** Records what happens to a VM: to the vCPU in the core, or else to the one that was in it last. */
  #recordOf(vm: VirtualMachine, body: RecordedBody): number {
    return vm === this.#vm ? this.#record(body) : this.#recordAbout({ vm: vm.name, vcpu: vm.processors.current }, body);
  }

  /** Records what happens at host time, to a vCPU that need not be in the core. */
  #recordAbout(subject: VcpuPlace, body: RecordedBody): number {
    this.#subject = subject;
    const sequence = this.#recorder.record(body);
    this.#subject = undefined;
    this.#offer(body.kind, sequence);
    return sequence;
  }

  #recordDecision(event: ScheduleEvent): void {
    const [vm = this.vm, vcpu = this.vcpu] = event.vcpu?.split("/") ?? [];
    this.#recordAbout({ vm, vcpu: Number(vcpu) }, scheduleBody(event));
  }

  #record(body: RecordedBody): number {
    // Breakpoints are to be found in the new code as well.
    if (body.kind === "translate") this.#engine.stopBy(this.now);
    const sequence = this.#recorder.record(body);
    this.#offer(body.kind, sequence);
    const price = this.#priceOf(body);
    if (price > 0) {
      this.#cpu.f64[layout.extraCycles >> 3]! += price;
      this.#vm.time.passes(0);
    }
    return sequence;
  }

  /** Cycles that something takes on the machine itself; crossings are priced where they happen. */
  #priceOf(body: RecordedBody): number {
    if (body.kind === "exception") return body.vector === vector.PF ? this.#costs.pageFault : this.#costs.exception;
    return body.kind === "io" && !this.#vm.monitor ? this.#costs.portAccess : 0;
  }

  #recordExit(...exit: Parameters<Recorder["recordExit"]>): number {
    this.#exit = this.#recorder.recordExit(...exit);
    this.#offer("exit", this.#exit);
    this.#vm.time.passes(this.#costs.exit);
    return this.#exit;
  }

  /** Ends the run under way with this step, if it is to end after this event. */
  #offer(kind: EventKind, sequence: number): void {
    if (!this.#stopOnEvent?.kinds.has(kind) || !this.#stopOnEvent.accept(this.#recorder.at(sequence)!)) return;
    this.#accepted ??= sequence;
    this.#engine.stopBy(this.now);
  }

  get lastSequence(): number {
    return this.#recorder.lastSequence;
  }

  events(after: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    return this.#recorder.after(after, limit, kinds);
  }

  #stop(vm: VirtualMachine, reason: StopReason, why: string): void {
    if (vm.stopped) return;
    const chain = reason === "triple-fault" ? exceptionChain(this.#recorder) : "";
    const text = chain ? `${why} The exceptions: ${chain}.` : why;
    vm.consoles.flush();
    vm.board.devices.vga.show();
    this.#recordOf(vm, { kind: "stop", reason, text });
    vm.stopped = { kind: "stopped", reason, text };
    this.#lastStopped = vm.stopped;
    this.#schedule?.stopped(vm);
    this.#engine.stopBy(this.now);
  }

  // Running.

  step(): Stop {
    const stop = this.run({ steps: 1 });
    return stop.kind === "limit" ? { kind: "step" } : stop;
  }

  run(options: RunOptions): Stop {
    this.#goHome();
    const only = this.#canRun(options.only) ? options.only : undefined;
    if (only?.vm !== this.#only?.vm || only?.vcpu !== this.#only?.vcpu)
      this.#timeline.act({ kind: "freeze", only: only ?? null });
    this.#stopOnEvent = options.stopOnEvent;
    this.#accepted = undefined;
    const stop = this.#run(options);
    this.#stopOnEvent = undefined;
    return stop;
  }

  #run({ steps, breakpoints, watches = noWatches, stopOnExit, turnOf }: RunOptions): Stop {
    this.#watches.use(watches);
    const end = this.now + steps;
    const start = { linear: this.#look.linear, instructions: this.instructions };
    const moved = () => this.#look.linear !== start.linear || this.instructions !== start.instructions;
    const stopsOn = (exit: MachineEvent) => (typeof stopOnExit === "function" ? stopOnExit(exit) : stopOnExit === true);
    for (;;) {
      this.#timeline.pause();
      this.#goHome();
      const { stopped } = this;
      if (stopped) return stopped;
      if (this.#timeline.arrived) return { kind: "limit" };
      const pending = this.#exitPending;
      if (breakpoints?.size && pending === undefined && moved() && breakpoints.has(this.linearRip))
        return { kind: "breakpoint", address: this.linearRip };
      if (this.now >= end || this.#isTurnOf(turnOf)) return { kind: "limit" };
      const { now } = this;
      const stop = this.#slice(end, breakpoints, Boolean(stopOnExit));
      const hits = this.#watches.take();
      if (hits.length > 0) return { kind: "watch", hits };
      if (stop.kind === "breakpoint") return stop;
      const exit = this.#exitPending ?? this.#completedExit;
      if (stopOnExit && exit !== undefined && exit !== pending && stopsOn(this.#recorder.at(exit)!))
        return { kind: "exit", sequence: exit };
      // What devices do between two steps belongs to the next one.
      if (this.#accepted !== undefined && this.now > now && !this.stopped)
        return { kind: "event", sequence: this.#accepted };
    }
  }

  #isTurnOf(place: VcpuPlace | undefined): boolean {
    return place !== undefined && place.vm === this.vm && place.vcpu === this.vcpu;
  }

  /** Where a turn is over, gives the core to whose turn it is. */
  #turn(): void {
    // Of a VM that has stopped in the midst of an exit, that stays pending.
    if (this.#exitPending !== undefined && !this.#vm.stopped) return;
    if (this.stopped || this.#vm.processors.turnLeft > 0) return;
    (this.#schedule ?? this.#vm.processors).next();
  }

  /** Whether there is such a vCPU, with something to do; another has to be done with its exit first. */
  #canRun(place: VcpuPlace | undefined): boolean {
    const vm = place && this.#vmNamed(place.vm);
    if (this.#exitPending !== undefined && !(place?.vm === this.vm && place.vcpu === this.vcpu)) return false;
    if (!vm || vm.stopped || !(place.vcpu < vm.processors.count) || vm.processors.isAsleep(place.vcpu)) return false;
    return vm.processors.state(place.vcpu) !== "offline";
  }

  /** From now on only this vCPU runs, or all do. */
  #freeze(only: VcpuPlace | undefined): void {
    this.#hold(only);
    if (!only) {
      this.#vm.processors.endTurn();
      this.#schedule?.endTurn();
      return;
    }
    const stays = only.vm === this.vm && only.vcpu === this.vcpu;
    const { processors } = this.#vmNamed(only.vm)!;
    const clock = this.#schedule?.clock ?? 0;
    processors.passTime(clock);
    this.#see(only);
    processors.take(Math.max(clock, processors.cycle), stays);
  }

  #hold(only: VcpuPlace | undefined): void {
    this.#only = only;
    for (const vm of this.#vms) vm.processors.held = vm.name === only?.vm;
  }

  /** Runs to the next moment at which something other than the processor may happen, at most to `end`. */
  #slice(end: number, breakpoints: ReadonlySet<bigint> | undefined, stopOnExit: boolean): EngineStop {
    this.#completedExit = undefined;
    this.#stopsOnExit = stopOnExit;
    const time = this.#vm.time.serve();
    const pause = Math.max(1, this.#timeline.nextPause - this.now);
    const steps = Math.ceil(Math.min(end - this.now, time, pause));
    // A pending exit is handled first; the engine would return for it again.
    const single = this.#exitPending !== undefined || this.#accepted !== undefined;
    const run = single ? { steps: 1 } : { steps, stopOnExit };
    const places = breakpoints && (this.#vm.monitor?.breakpointsFor?.(breakpoints) ?? breakpoints);
    const stop = this.#engine.run({ ...run, breakpoints: places });
    if (!this.#vm.stopped) this.#conclude(stop);
    this.#turn();
    return stop.kind === "breakpoint" ? { kind: "breakpoint", address: this.linearRip } : stop;
  }

  #conclude(stop: EngineStop): void {
    if (stop.kind === "idle") this.#idle();
    else if (stop.kind === "shutdown") this.#stop(this.#vm, "triple-fault", shutdownText);
    else if (stop.kind === "unsupported") this.#stop(this.#vm, "unsupported", `Ringside has no ${stop.what}.`);
    else if (stop.kind === "ran-off-code")
      this.#stop(
        this.#vm,
        "ran-off-code",
        `The guest ran off its code: at ${stop.address.toString(16)}h memory is empty, and no code was loaded there.`,
      );
  }

  #idle(): void {
    // Where nobody else may run, nothing would ever happen again.
    if (this.#only) this.#freeze(undefined);
    if (this.#schedule) {
      this.#schedule.sleep(this.#vm);
      return;
    }
    const standstill = this.#vm.time.idle();
    if (standstill) this.#vm.standStill(standstill);
  }

  // Looking and changing.

  vcpus(): readonly VcpuView[] {
    return this.#vms.flatMap((vm) => Array.from({ length: vm.processors.count }, (_, vcpu) => this.#view(vm, vcpu)));
  }

  #view({ name, processors }: VirtualMachine, vcpu: number): VcpuView {
    const { linear, bits } = processors.placeOf(vcpu);
    const view = {
      ...{ vm: name, vcpu, bits, cycle: processors.cycleOf(vcpu) },
      linearRip: BigInt.asUintN(64, BigInt(linear)),
    };
    return {
      ...view,
      ...(this.#schedule?.view(`${name}/${vcpu}`) ?? {
        ...{ pcpu: vcpu, standing: undefined, parameters: undefined, times: undefined },
        state: processors.isAsleep(vcpu) ? "blocked" : "running",
      }),
    };
  }

  look({ vm, vcpu }: VcpuPlace): string | undefined {
    const found = this.#vmNamed(vm);
    if (!found) return `There is no VM ${vm}.`;
    const { count } = found.processors;
    if (!(vcpu >= 0 && vcpu < count)) return `${vm} has no vCPU ${vcpu}: it has ${count}, numbered from 0.`;
    this.#home ??= { vm: this.vm, vcpu: this.vcpu };
    this.#see({ vm, vcpu });
    return undefined;
  }

  /** Puts a vCPU into the core, without its having the turn. */
  #see({ vm, vcpu }: VcpuPlace): void {
    this.#put(this.#vmNamed(vm)!, vcpu);
  }

  /** The vCPU that is about to run is in the core again. */
  #goHome(): void {
    if (this.#home) this.#see(this.#home);
    this.#home = undefined;
  }

  /** The vCPU that is meant by what is done: the one that is looked at. Not told where there is but one. */
  get #meant(): { readonly on?: VcpuPlace } {
    const { vm, vcpu } = this;
    const several = this.#vms.length > 1 || this.#vm.processors.count > 1;
    return several ? { on: { vm, vcpu } } : {};
  }

  schedule(): Fairness | undefined {
    return this.#schedule && fairness(this.#schedule.cpus);
  }

  adjust(vm: string, vcpu: number | undefined, adjustment: Adjustment): string | undefined {
    const views = this.vcpus().filter((view) => view.vm === vm && (vcpu === undefined || view.vcpu === vcpu));
    const problem = adjustmentProblem({ vm, vcpu, adjustment }, this.configuration, views);
    if (problem !== undefined) return problem;
    this.#timeline.act({ kind: "adjust", vm, ...(vcpu !== undefined && { vcpu }), adjustment });
    return undefined;
  }

  registers(): readonly RegisterView[] {
    return this.#look.registers();
  }

  register(name: string): bigint | undefined {
    return this.#look.register(name);
  }

  setRegister(name: string, value: bigint): true | string {
    return this.#timeline.act({ kind: "set-register", name, value, ...this.#meant }) as true | string;
  }

  readMemory(space: AddressSpace, address: bigint, length: number): (number | undefined)[] {
    return this.#look.readMemory(space, address, length);
  }

  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    const what = { kind: "write-memory", space, address, bytes: bytes.slice(), ...this.#meant } as const;
    return this.#timeline.act(what) as number;
  }

  walk(linear: bigint): MachineEvent & { kind: "walk" } {
    const { linear: at, ...moment } = this.#present();
    return { sequence: this.lastSequence, ...moment, rip: linearText(at), ...this.#look.walk(linear) };
  }

  guestPhysicalOf(linear: bigint): bigint | undefined {
    return this.#look.guestPhysicalOf(linear);
  }

  tlbEntries(): readonly TlbEntryView[] {
    return this.#look.tlbEntries();
  }

  get vmx(): VmxState | undefined {
    return this.#look.vmx;
  }

  vmcs(): VmcsView | undefined {
    return this.#look.vmcs();
  }

  vmcb(): VmcbView | undefined {
    return this.#look.vmcb();
  }

  why(): Outlook | undefined {
    const { pendingExit } = this;
    if (pendingExit?.kind !== "exit") return this.#look.why();
    const { what, why } = pendingExit;
    return { outcome: "leaves", what, why, sensitive: true };
  }

  disk(drive: number): Uint8Array | undefined {
    return this.#vm.disk(drive);
  }

  devices(): readonly DeviceView[] {
    return this.#look.devices();
  }

  picture(): ReturnType<MachineInterface["picture"]> {
    return this.#look.picture();
  }

  get screen(): Screen {
    return this.#vm.board.devices.vga.screen();
  }

  input(text: string): void {
    this.#timeline.act({ kind: "input", text, ...this.#meant });
  }

  press(text: string): string | undefined {
    const strokes = strokesOf(text);
    if (typeof strokes === "string") return strokes;
    this.#timeline.act({ kind: "press", text, ...this.#meant });
    return undefined;
  }

  get actions(): readonly Intervened[] {
    return this.#timeline.actions;
  }

  perform(what: Intervention): true | string | number | undefined {
    const { vm, vcpu } = this;
    const looking = this.#home !== undefined;
    this.#see(what.on ?? this.#home ?? { vm, vcpu });
    const result = this.#perform(what);
    this.#schedule?.touched();
    this.#see(this.#home ?? { vm, vcpu });
    this.#home = undefined;
    if (what.kind === "freeze") this.#freeze(what.only ?? undefined);
    this.#turn();
    if (looking) this.look({ vm, vcpu });
    return result;
  }

  #perform(what: Intervention): true | string | number | undefined {
    switch (what.kind) {
      case "input":
        this.#vm.input(what.text);
        return undefined;
      case "press":
        return this.#vm.press(what.text);
      case "set-register":
        return this.#look.setRegister(what);
      case "write-memory":
        return this.#look.writeMemory(what);
      case "adjust":
        this.#schedule?.adjust(this.#vmNamed(what.vm)!, what.vcpu, what.adjustment);
        return undefined;
      case "freeze":
        return undefined;
    }
  }

  get digest(): Digest {
    const { vm, vcpu } = this;
    const home = this.#home;
    this.#goHome();
    const digest = digestOf(this.#cpu.bytes.subarray(ramBase), this.save());
    if (home) this.look({ vm, vcpu });
    return digest;
  }

  // Going back.

  goTo(step: number): void {
    this.#goHome();
    this.#timeline.goTo(step);
  }

  get settled(): boolean {
    return !this.#vm.monitor?.exitPending;
  }

  save(): unknown {
    const open = new Set([this.#exit, ...this.#vms.flatMap((vm) => vm.processors.openExits)]);
    return {
      sequence: this.lastSequence,
      exit: this.#exit,
      // The events that change after they are recorded: their costs are not known yet while a VMM waits with the guest.
      costs: [...open].map((sequence) => {
        const event = this.#recorder.at(sequence);
        return [sequence, event?.kind === "exit" ? event.cost : 0] as const;
      }),
      present: this.#vms.indexOf(this.#vm),
      vms: this.#vms.map((vm) => vm.save()),
      lastStopped: this.#lastStopped,
      only: this.#only,
      ...(this.#schedule && { schedule: this.#schedule.save() }),
    };
  }

  restore(rest: unknown): void {
    const { sequence, exit, costs, present, vms, lastStopped, only, schedule } = rest as {
      sequence: number;
      exit: number;
      costs: readonly (readonly [number, number])[];
      present: number;
      vms: readonly unknown[];
      lastStopped: Stopped | undefined;
      only: VcpuPlace | undefined;
      schedule?: unknown;
    };
    this.#recorder.forgetAfter(sequence);
    this.#exit = exit;
    for (const [open, cost] of costs) this.#recorder.settle(open, cost);
    this.#engine.forget();
    this.#cpu.reload();
    for (const [n, vm] of this.#vms.entries()) vm.restore(vms[n]);
    this.#vm = this.#vms[present]!;
    this.#vm.connect();
    this.#lastStopped = lastStopped;
    this.#hold(only);
    this.#schedule?.restore(schedule);
  }

  advance(steps: number): void {
    this.#stopOnEvent = undefined;
    this.#accepted = undefined;
    this.#run({ steps });
  }
}

/** A machine with its guest loaded and ready to run; `actions` is what will be done to it from outside, and when. @throws RangeError with `configurationProblem`'s sentence */
export function createMachine(configuration: AnyConfiguration, actions: readonly Intervened[] = []): Machine {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new RangeError(problem);
  return new Machine(configuration, actions);
}
