import { type CostProfile, costProfile, defaultCosts } from "../isa/costs.ts";
import { longestInstruction } from "../isa/cursor.ts";
import { decode } from "../isa/decode.ts";
import { type Board, createBoard } from "./board.ts";
import { type Observation, observe } from "./compare/observation.ts";
import { writableOutside } from "./compare/resource-control.ts";
import { configurationProblem } from "./configuration.ts";
import { Consoles } from "./consoles.ts";
import type { Cpu } from "./cpu/cpu.ts";
import { vector } from "./cpu/fault.ts";
import { layout, ramBase, tlbBase, tlbBytes } from "./cpu/layout.ts";
import type { Monitor } from "./cpu/monitor.ts";
import { bareOutlook } from "./cpu/outlook.ts";
import { CS } from "./cpu/state.ts";
import { DeviceTime } from "./device-time.ts";
import { unixSeconds } from "./devices/date-time.ts";
import { type Screen, screenLines } from "./devices/screen.ts";
import { strokesOf } from "./devices/typing.ts";
import { type Digest, digestOf } from "./digest.ts";
import { Engine, type EngineStop } from "./engine/interpreter.ts";
import { pageBytes } from "./engine/page.ts";
import type {
  AddressSpace,
  EventFilter,
  MachineConfiguration,
  MachineInterface,
  RegisterView,
  RunOptions,
  Stop,
  TlbEntryView,
  VmxState,
  Watch,
} from "./machine-interface.ts";
import { GuestMemory } from "./memory/guest-memory.ts";
import { loadAddress } from "./memory/start-modes.ts";
import { tlbEntries } from "./mmu/tlb-view.ts";
import { explained } from "./mmu/translation.ts";
import { observeProcessor } from "./observer.ts";
import type { Processors } from "./processors.ts";
import { registerValue, registerViews, setRegister } from "./registers.ts";
import { exceptionChain, haltText, shutdownText } from "./stop-texts.ts";
import { type VmcbView, vmcbView } from "./svm/vmcb-view.ts";
import { freeCrossings } from "./time/costs.ts";
import type { Intervened, Intervention } from "./time/intervention.ts";
import type { Unwritten } from "./time/snapshots.ts";
import { type Replayable, Timeline } from "./time/timeline.ts";
import type { EventKind, MachineEvent, Outlook, RecordedBody, StopReason } from "./trace/event.ts";
import { linearText, type Moment } from "./trace/event-columns.ts";
import { Recorder } from "./trace/recorder.ts";
import { utf8 } from "./utf8.ts";
import { createVmm, hostReservedBytes, type Vmm } from "./vmm/index.ts";
import type { TranslatedUnit } from "./vmm/translation/view.ts";
import { builtIn } from "./vmx/entry-checks.ts";
import { VmxOperation } from "./vmx/operation.ts";
import { entering } from "./vmx/vm-entry.ts";
import { type VmcsView, vmcsView } from "./vmx/vmcs-view.ts";
import { Watches } from "./watches.ts";

type Stopped = Stop & { kind: "stopped" };

const noWatches: readonly Watch[] = [];

/** Snapshots may take this much, or as much as the guest's memory: less would keep none of a guest that writes all of it. */
const leastSnapshotBytes = 32 * 2 ** 20;

/**
 * One emulated computer with one guest: processor, memory, devices, the VMM of its technique, the record of what
 * happened, and the way back in time. The present moment is a number of steps.
 *
 * Devices change only at accesses and at their deadlines in virtual time, and every run pauses exactly there, so what
 * happens does not depend on how the time was cut into runs.
 */
export class Machine implements MachineInterface, Replayable<Intervention> {
  readonly configuration: MachineConfiguration;
  readonly #board: Board;
  readonly #cpu: Cpu;
  readonly #processors: Processors;
  readonly #time: DeviceTime;
  readonly #engine: Engine;
  readonly #vmx: VmxOperation | undefined;
  readonly #costs: CostProfile;
  readonly #recorder: Recorder;
  readonly #timeline: Timeline<Intervention>;
  readonly #memory: GuestMemory;
  readonly #watches: Watches;
  readonly #consoles = new Consoles((device, text) => this.#record({ kind: "output", device, text }));
  #stopped: Stopped | undefined;
  /** Stopped because the guest waits for input: it goes on when there is some. */
  #waiting = false;
  /** The latest exit event. */
  #exit = 0;
  /** An exit to the guest's own hypervisor in the present slice, which is never pending. */
  #completedExit: number | undefined;
  /** The run under way is to end after such an exit. */
  #stopsOnExit = false;
  /** The run under way is to end after events that this accepts; and the first that it has accepted. */
  #stopOnEvent: EventFilter | undefined;
  #accepted: number | undefined;
  /** The present, for events. */
  readonly #moment = { cycle: 0, step: 0, vm: "vm0", vcpu: 0, linear: 0 };

  /** @param actions what is done to it from outside, and when */
  constructor(configuration: MachineConfiguration, actions: readonly Intervened[] = []) {
    this.configuration = configuration;
    const { image, origin, mode, costs, clock } = configuration;
    this.#costs = clock === "instructions" ? freeCrossings : costProfile(costs ?? defaultCosts)!;
    this.#board = this.#createBoard();
    this.#time = new DeviceTime(this.#board, (steps) => this.#engine.stopBy(this.now + steps));
    const { cpu, processors, memory, guestBase, guestBytes, interrupts } = this.#board;
    this.#cpu = cpu;
    this.#processors = processors;
    this.#recorder = new Recorder(() => this.#present());
    this.#board.start();
    cpu.r32[layout.countsInstructions >> 2] = clock === "instructions" ? 1 : 0;
    this.#memory = new GuestMemory(cpu, guestBase, guestBytes);
    this.#watches = new Watches(
      cpu,
      (address) => this.#memory.hostOf(address),
      () => this.#engine.stopBy(this.now),
    );
    const start = guestBase + loadAddress(mode, origin);
    const translate = configuration.translate === false ? {} : { translate: { memory } };
    this.#engine = new Engine(cpu, { image: { start, end: start + image.length }, ...translate });
    cpu.deadlineChanged = () => this.#time.changed();
    observeProcessor(cpu, interrupts, (body) => this.#record(body));
    processors.virtualize(this.#createVmm());
    // Under a hypervisor there is no VMX for the guest.
    this.#vmx = configuration.technique === "bare-metal" && configuration.vmx !== false ? this.#createVmx() : undefined;
    cpu.vmx = this.#vmx;
    const limit = Math.max(leastSnapshotBytes, guestBytes);
    this.#timeline = new Timeline(this, memory.buffer, { limit, actions, unwritten: this.#unwritten(guestBase) });
  }

  /**
   * What lies before the guest's memory, the processor's state and the VMM's tables, is written by many; what lies between the
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

  #createBoard(): Board {
    return createBoard(this.configuration, {
      record: (body) => this.#record(body),
      touched: () => this.#time.changed(),
      send: (device, byte) => this.#consoles.send(device, byte),
      exit: (code, port) =>
        this.#stop("debug-exit", `The guest wrote ${code} to the debug-exit port ${port.toString(16).toUpperCase()}h.`),
      powerOff: (by) => this.#stop("shutdown", `The guest switched the machine off: ${by}.`),
      reset: (by) => this.#stop("reset", `The guest reset the machine: ${by}.`),
      addressLineChanged: () => this.#addressLineChanged(),
      screenChanged: (screen) => this.#screenChanged(screen),
      attend: () => this.#engine.stopBy(this.now),
    });
  }

  /** What stands between the processor in the core and the machine: its monitor of the built-in VMM. */
  get #monitor(): Monitor | undefined {
    return this.#processors.monitor;
  }

  /** Address line 20 has been opened or closed: memory lies elsewhere now. */
  #addressLineChanged(): void {
    this.#monitor?.addressLineChanged?.();
    for (let vcpu = 0; vcpu < this.#processors.count; vcpu++) this.#processors.flushTlb(vcpu);
    this.#cpu.refresh();
  }

  #screenChanged(screen: Screen): void {
    const { mode, columns, rows, graphics } = screen;
    const lines = mode === "text" ? screenLines(screen) : [];
    this.#record({ kind: "screen", mode, columns, rows, graphics, lines });
  }

  #createVmm(): Vmm | undefined {
    const { technique, mode } = this.configuration;
    const { a20, guestBase, guestBytes } = this.#board;
    return createVmm(technique, {
      vcpus: this.#processors,
      cpu: this.#cpu,
      slice: guestBase - hostReservedBytes,
      guestBase,
      guestBytes,
      a20,
      mode,
      image: imageExtent(this.configuration),
      costs: this.#costs,
      interpret: () => this.#engine.interpret(),
      isCode: (physical) => this.#engine.isCode(physical),
      record: (body) => this.#record(body),
      recordExit: (...exit) => this.#recordExit(...exit),
      settle: (sequence, cost) => {
        this.#recorder.settle(sequence, cost);
        this.#time.passes(0);
      },
      startSeconds: unixSeconds(this.#board.date),
      interruptProcessor: (id, command) => this.#interruptProcessor(id, command),
      timeChanged: () => this.#time.changed(),
      stop: (reason, text) => this.#stop(reason, text),
    });
  }

  #createVmx(): VmxOperation {
    const cpu = this.#cpu;
    return new VmxOperation({
      cpu,
      costs: this.#costs,
      record: (body) => this.#record(body),
      recordExit: (...exit) => {
        this.#completedExit = this.#recordExit(...exit);
        if (this.#stopsOnExit) this.#engine.stopBy(this.now);
        return this.#completedExit;
      },
      settle: (sequence, cost) => this.#recorder.settle(sequence, cost),
      spend: (cycles) => {
        cpu.f64[layout.extraCycles >> 3]! += cycles;
        this.#time.passes(0);
      },
      stop: (reason, text) => this.#stop(reason, text),
      attend: () => this.#engine.stopBy(this.now),
    });
  }

  #interruptProcessor(id: number, command: number): boolean {
    const { apicBus } = this.#board;
    if (!apicBus.agents.some((agent) => agent.id === id)) return false;
    const message = { mode: (command >> 8) & 7, vector: command & 0xff, level: false, logical: false };
    apicBus.send({ ...message, destination: id });
    return true;
  }

  // What is, now.

  get now(): number {
    return this.#cpu.f64[layout.steps >> 3]!;
  }
  get cycle(): number {
    return this.#processors.cycle;
  }
  get instructions(): number {
    return this.now - this.#cpu.f64[layout.unretired >> 3]! + this.#cpu.f64[layout.emulated >> 3]!;
  }
  get directInstructions(): number {
    return this.now - this.#cpu.f64[layout.unretired >> 3]! - this.#processors.interpretedInstructions;
  }
  get walkReferences(): number {
    return this.#cpu.f64[layout.walkReferences >> 3]!;
  }
  get vcpu(): number {
    return this.#processors.current;
  }
  get bits(): 16 | 32 | 64 {
    return this.#cpu.bits;
  }
  get rip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#monitor?.guestPlace?.rip ?? this.#cpu.rip));
  }
  get linearRip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#linear));
  }
  /** The linear instruction pointer: unsigned, or signed canonical in 64-bit code. */
  get #linear(): number {
    const place = this.#monitor?.guestPlace;
    if (place) return place.linear;
    const linear = this.#cpu.bases[CS]! + this.#cpu.rip;
    return this.#cpu.bits === 64 ? linear : linear >>> 0;
  }
  get withinInstruction(): boolean {
    return this.#monitor?.guestPlace?.starts === false;
  }
  get cpl(): number {
    return this.#cpu.cpl;
  }
  get pendingExit(): MachineEvent | undefined {
    return this.#exitPending === undefined ? undefined : this.#recorder.at(this.#exitPending);
  }
  /** Sequence number of the exit that the VMM has not handled yet. */
  get #exitPending(): number | undefined {
    return this.#monitor?.exitPending ? this.#exit : undefined;
  }
  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  #present(): Moment {
    const moment = this.#moment;
    moment.cycle = this.cycle;
    moment.step = this.now;
    moment.vcpu = this.vcpu;
    moment.linear = this.#linear;
    return moment;
  }

  /** All machine memory: processor state, TLB and host-physical RAM (`cpu/layout.ts`). To compare, not to change. */
  get bytes(): Uint8Array {
    return this.#cpu.bytes;
  }

  /** The guest's physical memory. To compare, not to change. */
  get guestMemory(): Uint8Array {
    const { guestBase, guestBytes } = this.#board;
    return this.#cpu.bytes.subarray(ramBase + guestBase, ramBase + guestBase + guestBytes);
  }

  /** Pages that are not the guest's and that it could write now. */
  get writableOutside(): number {
    const { guestBase, guestBytes } = this.#board;
    return writableOutside(this.#cpu, guestBase, guestBytes);
  }

  /** Guest-physical address of a linear address by the guest's page tables; undefined if it has none. */
  guestPhysical(linear: number): number | undefined {
    return this.#monitor ? this.#monitor.guestPhysical(linear) : this.#cpu.walk(linear, "read", false).physical;
  }

  translatedUnits(): readonly TranslatedUnit[] {
    return this.#monitor?.translatedUnits?.() ?? [];
  }

  /** Fills in what the guest could find out about its processor now. */
  observe(into: Observation): Observation {
    return observe(this.#cpu, into);
  }

  // Events.

  #record(body: RecordedBody): number {
    // Breakpoints are to be found in the new code as well.
    if (body.kind === "translate") this.#engine.stopBy(this.now);
    const sequence = this.#recorder.record(body);
    this.#offer(body.kind, sequence);
    const price = this.#priceOf(body);
    if (price > 0) {
      this.#cpu.f64[layout.extraCycles >> 3]! += price;
      this.#time.passes(0);
    }
    return sequence;
  }

  /** Cycles that something takes on the machine itself; crossings are priced where they happen. */
  #priceOf(body: RecordedBody): number {
    if (body.kind === "exception") return body.vector === vector.PF ? this.#costs.pageFault : this.#costs.exception;
    return body.kind === "io" && !this.#monitor ? this.#costs.portAccess : 0;
  }

  #recordExit(...exit: Parameters<Recorder["recordExit"]>): number {
    this.#exit = this.#recorder.recordExit(...exit);
    this.#offer("exit", this.#exit);
    this.#time.passes(this.#costs.exit);
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

  #stop(reason: StopReason, why: string): void {
    if (this.#stopped) return;
    const chain = reason === "triple-fault" ? exceptionChain(this.#recorder) : "";
    const text = chain ? `${why} The exceptions: ${chain}.` : why;
    this.#consoles.flush();
    this.#board.devices.vga.show();
    this.#record({ kind: "stop", reason, text });
    this.#stopped = { kind: "stopped", reason, text };
    this.#engine.stopBy(this.now);
  }

  // Running.

  step(): Stop {
    const stop = this.run({ steps: 1 });
    return stop.kind === "limit" ? { kind: "step" } : stop;
  }

  run(options: RunOptions): Stop {
    this.#stopOnEvent = options.stopOnEvent;
    this.#accepted = undefined;
    const stop = this.#run(options);
    this.#stopOnEvent = undefined;
    return stop;
  }

  #run({ steps, breakpoints, watches = noWatches, stopOnExit }: RunOptions): Stop {
    this.#watches.use(watches);
    const end = this.now + steps;
    const start = { linear: this.#linear, instructions: this.instructions };
    const moved = () => this.#linear !== start.linear || this.instructions !== start.instructions;
    const stopsOn = (exit: MachineEvent) => (typeof stopOnExit === "function" ? stopOnExit(exit) : stopOnExit === true);
    for (;;) {
      this.#timeline.pause();
      if (this.#stopped) return this.#stopped;
      if (this.#timeline.arrived) return { kind: "limit" };
      const pending = this.#exitPending;
      if (breakpoints?.size && pending === undefined && moved() && breakpoints.has(this.linearRip))
        return { kind: "breakpoint", address: this.linearRip };
      if (this.now >= end) return { kind: "limit" };
      const turned = pending === undefined && this.#processors.turnLeft <= 0 && this.#processors.next();
      if (turned && breakpoints?.has(this.linearRip) && moved()) return { kind: "breakpoint", address: this.linearRip };
      const { now } = this;
      const stop = this.#slice(end, breakpoints, Boolean(stopOnExit));
      const hits = this.#watches.take();
      if (hits.length > 0) return { kind: "watch", hits };
      if (stop.kind === "breakpoint") return stop;
      const exit = this.#exitPending ?? this.#completedExit;
      if (stopOnExit && exit !== undefined && exit !== pending && stopsOn(this.#recorder.at(exit)!))
        return { kind: "exit", sequence: exit };
      // What devices do between two steps belongs to the next one.
      if (this.#accepted !== undefined && this.now > now && !this.#stopped)
        return { kind: "event", sequence: this.#accepted };
    }
  }

  /** Runs to the next moment at which something other than the processor may happen, at most to `end`. */
  #slice(end: number, breakpoints: ReadonlySet<bigint> | undefined, stopOnExit: boolean): EngineStop {
    this.#completedExit = undefined;
    this.#stopsOnExit = stopOnExit;
    const time = this.#time.serve();
    const pause = Math.max(1, this.#timeline.nextPause - this.now);
    const steps = Math.ceil(Math.min(end - this.now, time, pause));
    // A pending exit is handled first; the engine would return for it again.
    const single = this.#exitPending !== undefined || this.#accepted !== undefined;
    const run = single ? { steps: 1 } : { steps, stopOnExit };
    const places = breakpoints && (this.#monitor?.breakpointsFor?.(breakpoints) ?? breakpoints);
    const stop = this.#engine.run({ ...run, breakpoints: places });
    if (!this.#stopped) this.#conclude(stop);
    return stop.kind === "breakpoint" ? { kind: "breakpoint", address: this.linearRip } : stop;
  }

  #conclude(stop: EngineStop): void {
    if (stop.kind === "idle") this.#idle();
    else if (stop.kind === "shutdown") this.#stop("triple-fault", shutdownText);
    else if (stop.kind === "unsupported") this.#stop("unsupported", `Ringside has no ${stop.what}.`);
    else if (stop.kind === "ran-off-code")
      this.#stop(
        "ran-off-code",
        `The guest ran off its code: at ${stop.address.toString(16)}h memory is empty, and no code was loaded there.`,
      );
  }

  #idle(): void {
    const standstill = this.#time.idle();
    if (!standstill) return;
    const { interruptible, inputs } = standstill;
    this.#waiting = interruptible && inputs.length > 0;
    this.#stop("halted", haltText(interruptible, inputs));
  }

  // Looking and changing.

  registers(): readonly RegisterView[] {
    return registerViews(this.#cpu);
  }

  register(name: string): bigint | undefined {
    return registerValue(this.#cpu, name);
  }

  setRegister(name: string, value: bigint): true | string {
    return this.#timeline.act({ kind: "set-register", name, value }) as true | string;
  }

  readMemory(space: AddressSpace, address: bigint, length: number): (number | undefined)[] {
    return this.#memory.read(space, address, length);
  }

  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    return this.#timeline.act({ kind: "write-memory", space, address, bytes: bytes.slice() }) as number;
  }

  walk(linear: bigint): MachineEvent & { kind: "walk" } {
    const address = this.#cpu.longMode ? Number(BigInt.asIntN(64, linear)) : Number(BigInt.asUintN(32, linear));
    const walked = this.#monitor?.walk?.(address) ?? this.#cpu.walk(address, "read");
    const { physical, host, verdict } = walked;
    const { steps, references } = explained(walked.steps);
    const body = {
      kind: "walk" as const,
      linear: linear.toString(16),
      ...(physical === undefined ? {} : { physical: physical.toString(16) }),
      ...(host === undefined ? {} : { host: host.toString(16) }),
      references,
      cached: this.#cpu.isCached(address),
      steps,
      verdict,
    };
    const { linear: at, ...moment } = this.#present();
    return { sequence: this.lastSequence, ...moment, rip: linearText(at), ...body };
  }

  guestPhysicalOf(linear: bigint): bigint | undefined {
    const address = this.#cpu.longMode ? Number(BigInt.asIntN(64, linear)) : Number(BigInt.asUintN(32, linear));
    // On the bare machine, a hypervisor of the guest's own may have a guest with guest-physical addresses of its own.
    const found = this.#monitor ? this.guestPhysical(address) : this.#cpu.walk(address, "read", false).host;
    return found === undefined ? undefined : BigInt(found);
  }

  tlbEntries(): readonly TlbEntryView[] {
    return tlbEntries(this.#cpu.tlb);
  }

  get vmx(): VmxState | undefined {
    if (this.#monitor?.vmcs) return { operation: "non-root", hypervisor: "built-in" };
    if (!this.#vmx) return undefined;
    const { state: operation, vmxonRegion } = this.#vmx;
    return { operation, hypervisor: "guest", ...(operation === "off" ? {} : { vmxonRegion }) };
  }

  vmcs(): VmcsView | undefined {
    const failed = this.stopped?.reason === "vm-entry-failure";
    const vmcs = this.#monitor?.vmcs;
    if (vmcs) return vmcsView(vmcs, failed ? builtIn : undefined);
    const current = this.#vmx?.current;
    return current && vmcsView(current, this.#vmx?.state === "root" ? entering(this.#vmx) : undefined);
  }

  vmcb(): VmcbView | undefined {
    const vmcb = this.#monitor?.vmcb;
    return vmcb && vmcbView(vmcb, this.stopped?.reason === "vm-entry-failure");
  }

  why(): Outlook | undefined {
    const { pendingExit } = this;
    if (pendingExit?.kind === "exit") {
      const { what, why } = pendingExit;
      return { outcome: "leaves", what, why, sensitive: true };
    }
    const cpu = this.#cpu;
    const bytes = this.readMemory("linear", this.linearRip, longestInstruction);
    const decoded = decode((offset) => bytes[offset] ?? -1, 0, cpu.bits);
    if (typeof decoded === "string") return undefined;
    const { next } = cpu;
    cpu.next = cpu.sequential(decoded.length);
    try {
      return cpu.monitor?.why?.(decoded) ?? bareOutlook(cpu, decoded);
    } finally {
      cpu.next = next;
    }
  }

  disk(drive: number): Uint8Array | undefined {
    return this.#board.drives.find(({ number }) => number === drive)?.disk.contents();
  }

  get screen(): Screen {
    return this.#board.devices.vga.screen();
  }

  input(text: string): void {
    this.#timeline.act({ kind: "input", text });
  }

  press(text: string): string | undefined {
    const strokes = strokesOf(text);
    if (typeof strokes === "string") return strokes;
    this.#timeline.act({ kind: "press", text });
    return undefined;
  }

  get actions(): readonly Intervened[] {
    return this.#timeline.actions;
  }

  perform(what: Intervention): true | string | number | undefined {
    switch (what.kind) {
      case "input":
        this.#board.devices.uart.type(utf8(what.text));
        return this.#attend();
      case "press": {
        const strokes = strokesOf(what.text);
        if (typeof strokes === "string") return strokes;
        this.#board.devices.keyboard.keyboard.type(strokes);
        return this.#attend();
      }
      case "set-register":
        return setRegister(this.#cpu, what.name, what.value, (linear, length) =>
          this.readMemory("linear", linear, length),
        );
      case "write-memory": {
        const written = this.#memory.write(what.space, what.address, what.bytes);
        if (what.space === "host-physical") this.#processors.hostMemoryChanged();
        return written;
      }
    }
  }

  /** Something has come in from outside. */
  #attend(): undefined {
    this.#board.bios?.typed();
    if (this.#waiting) this.#stopped = undefined;
    this.#waiting = false;
    this.#time.changed();
  }

  get digest(): Digest {
    return digestOf(this.#cpu.bytes.subarray(ramBase), this.save());
  }

  // Going back.

  goTo(step: number): void {
    this.#timeline.goTo(step);
  }

  get settled(): boolean {
    return !this.#monitor?.exitPending;
  }

  save(): unknown {
    const open = new Set([this.#exit, ...this.#processors.openExits]);
    return {
      sequence: this.lastSequence,
      exit: this.#exit,
      // The events that change after they are recorded: their costs are not known yet while the VMM waits with the guest.
      costs: [...open].map((sequence) => {
        const event = this.#recorder.at(sequence);
        return [sequence, event?.kind === "exit" ? event.cost : 0] as const;
      }),
      devices: this.#board.bus.save(),
      processors: this.#processors.save(),
      consoles: this.#consoles.save(),
      stopped: this.#stopped,
      waiting: this.#waiting,
      bios: this.#board.bios?.save() ?? null,
      drives: this.#board.drives.map(({ disk }) => disk.save()),
    };
  }

  restore(rest: unknown): void {
    const saved = rest as {
      sequence: number;
      exit: number;
      costs: readonly (readonly [number, number])[];
      devices: unknown;
      processors: unknown;
      consoles: unknown;
      stopped: Stopped | undefined;
      waiting: boolean;
      bios: number | null;
      drives: readonly unknown[];
    };
    this.#recorder.forgetAfter(saved.sequence);
    this.#exit = saved.exit;
    for (const [sequence, cost] of saved.costs) this.#recorder.settle(sequence, cost);
    this.#engine.forget();
    this.#cpu.reload();
    this.#board.bus.restore(saved.devices);
    this.#processors.restore(saved.processors);
    this.#vmx?.forget(this.#processors.asides);
    this.#consoles.restore(saved.consoles);
    this.#stopped = saved.stopped;
    this.#waiting = saved.waiting;
    this.#board.bios?.restore(saved.bios);
    for (const [n, { disk }] of this.#board.drives.entries()) disk.restore(saved.drives[n]);
  }

  advance(steps: number): void {
    this.run({ steps });
  }
}

function imageExtent({ mode, image, origin }: MachineConfiguration): { start: number; end: number } {
  const start = loadAddress(mode, origin);
  return { start, end: start + image.length };
}

/** A machine with its guest loaded and ready to run; `actions` is what will be done to it from outside, and when. @throws RangeError with `configurationProblem`'s sentence */
export function createMachine(configuration: MachineConfiguration, actions: readonly Intervened[] = []): Machine {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new RangeError(problem);
  return new Machine(configuration, actions);
}
