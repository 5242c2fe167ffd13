import { configurationProblem } from "./configuration.ts";
import { Cpu } from "./cpu/cpu.ts";
import { layout, ramBase } from "./cpu/layout.ts";
import type { Monitor } from "./cpu/monitor.ts";
import { CS } from "./cpu/state.ts";
import { ApicBus } from "./devices/apic/apic-bus.ts";
import { createIoApic, type IoApic, inputOfIrq } from "./devices/apic/io-apic.ts";
import { createLocalApicRegisters } from "./devices/apic/local-apic-registers.ts";
import { createConsoleText } from "./devices/console-text.ts";
import type { Disk } from "./devices/disk-image.ts";
import { createDevices, type Devices } from "./devices/index.ts";
import { parseDateTime } from "./devices/rtc.ts";
import { type Screen, screenLines } from "./devices/screen.ts";
import type { A20Gate } from "./devices/system-control.ts";
import { strokesOf } from "./devices/typing.ts";
import { Engine, type EngineStop } from "./engine/interpreter.ts";
import { pageBytes } from "./engine/page.ts";
import { createDrives } from "./firmware/drives.ts";
import {
  callFirmware,
  createFirmwarePorts,
  type Drive,
  type Environment,
  romBase,
  romBytes,
  startFromDisk,
} from "./firmware/index.ts";
import { writeSystemTables } from "./firmware/system-tables.ts";
import { routeInterrupts } from "./interrupt-routing.ts";
import type {
  AddressSpace,
  MachineConfiguration,
  MachineInterface,
  RegisterView,
  RunOptions,
  Stop,
} from "./machine-interface.ts";
import { Bus } from "./memory/bus.ts";
import { GuestMemory } from "./memory/guest-memory.ts";
import { loadAddress, startGuest } from "./memory/start-modes.ts";
import { guard } from "./mmu/physical.ts";
import { observeProcessor } from "./observer.ts";
import { Processors } from "./processors.ts";
import { registerViews, setRegister } from "./registers.ts";
import { exceptionChain, haltText, shutdownText } from "./stop-texts.ts";
import { type CostProfile, costProfile, cyclesPerSecond, defaultCosts } from "./time/costs.ts";
import type { Unwritten } from "./time/snapshots.ts";
import { type Replayable, Timeline } from "./time/timeline.ts";
import type { EventKind, MachineEvent, RecordedBody, StopReason } from "./trace/event.ts";
import { Recorder } from "./trace/recorder.ts";
import { utf8 } from "./utf8.ts";
import { createMonitor, hostReservedBytes } from "./vmm/index.ts";

const mebibyte = 2 ** 20;
const wasmPage = 65536;
/** A guest that waits in the firmware for a key that nobody types is stopped after 5 s of virtual time, though its timer goes on. */
const longestKeyWait = 5 * cyclesPerSecond;
/** What the clock shows when a machine starts, if nobody says. */
const defaultDate = "2026-01-01T12:00:00";

type Stopped = Stop & { kind: "stopped" };

/**
 * One emulated computer with one guest: processor, memory, devices, the VMM of its technique, the record of what
 * happened, and the way back in time. The present moment is a number of steps.
 *
 * Devices change only at accesses and at their deadlines in virtual time, and every run pauses exactly there, so what
 * happens does not depend on how the time was cut into runs.
 */
export class Machine implements MachineInterface, Replayable {
  readonly configuration: MachineConfiguration;
  #cpu: Cpu;
  #engine: Engine;
  #bus: Bus;
  /** The gate of address line 20. */
  readonly #a20: A20Gate = { enabled: true };
  #devices: Devices;
  readonly #apicBus = new ApicBus();
  readonly #ioApic: IoApic = createIoApic(this.#apicBus);
  #processors: Processors;
  #monitor: Monitor | undefined;
  #costs: CostProfile;
  #recorder: Recorder;
  #timeline: Timeline;
  #memory: GuestMemory;
  readonly #drives: readonly Drive[];
  #firmware: Environment | undefined;
  /** The guest waits for a key in the firmware since then (virtual time); null: it does not. */
  #keyWait: number | null = null;
  #consoles = new Map<string, ReturnType<typeof createConsoleText>>();
  #stopped: Stopped | undefined;
  /** Stopped because the guest waits for input: it goes on when there is some. */
  #waiting = false;
  /** Virtual time of the next device deadline when the present slice of the run began; before the first there is none to meet. */
  #deadline = Number.NEGATIVE_INFINITY;
  /** The latest exit event. */
  #exit = 0;
  /** The address that was last written as text. */
  #rip = { linear: 0, text: "0" };

  constructor(configuration: MachineConfiguration) {
    this.configuration = configuration;
    const { technique, image, origin, mode } = configuration;
    const guestBytes = configuration.memory * mebibyte;
    const guestBase = technique === "bare-metal" ? 0 : hostReservedBytes;
    const ramBytes = guestBase + guestBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((ramBase + ramBytes) / wasmPage) });
    this.#costs = costProfile(configuration.costs ?? defaultCosts)!;
    const guestRam = new Uint8Array(memory.buffer, ramBase + guestBase, guestBytes);
    const { drives, hard } = createDrives(configuration.drives ?? {}, configuration.boot);
    this.#drives = drives;
    this.#devices = this.#createDevices(guestRam, hard);
    const interrupts = routeInterrupts(this.#devices.pic, this.#ioApic, () => this.#processors);
    this.#bus = new Bus(this.#devices.all, interrupts, {
      record: (body) => this.#record(body),
      touched: () => this.#devicesChanged(),
    });
    this.#cpu = new Cpu({ memory, ramBytes, bus: this.#bus, a20: this.#a20 });
    this.#recorder = new Recorder(() => this.#present());
    const count = configuration.processors ?? 1;
    const attend = () => this.#engine.stopBy(this.now);
    this.#processors = new Processors({ cpu: this.#cpu, count, bus: this.#apicBus, attend });
    // Guests that look for tables are those that firmware or a boot loader started, and those with several processors.
    if (configuration.boot || configuration.handover || count > 1) writeSystemTables(guestRam, count);
    if (configuration.boot) this.#bootFromDisk(guestRam, guestBase);
    else startGuest(this.#cpu, { ...configuration, memory: guestRam });
    this.#memory = new GuestMemory(this.#cpu, guestBase, guestBytes);
    const start = guestBase + loadAddress(mode, origin);
    const translate = configuration.translate === false ? {} : { translate: { memory } };
    this.#engine = new Engine(this.#cpu, { image: { start, end: start + image.length }, ...translate });
    this.#processors.start();
    observeProcessor(this.#cpu, interrupts, (body) => this.#record(body));
    this.#monitor = this.#createMonitor(guestBytes);
    this.#cpu.monitor = this.#monitor;
    this.#timeline = new Timeline(this, memory.buffer, { unwritten: this.#unwritten(guestBase) });
  }

  /** What lies before the guest's memory, the processor's state and the VMM's tables, is written by many. */
  #unwritten(guestBase: number): Unwritten {
    const cpu = this.#cpu;
    const first = ramBase / pageBytes;
    return {
      has: (page) => page >= first + guestBase / pageBytes && cpu.physical.isClean(page - first),
      start: () => cpu.clean(),
    };
  }

  #createDevices(memory: Uint8Array, disks: readonly Disk[]): Devices {
    return createDevices({
      clock: () => this.#processors.clock,
      alsoLines: (irq) => this.#ioApic.line(inputOfIrq(irq)),
      send: (device, byte) => this.#console(device).send(byte),
      exit: (code, port) =>
        this.#stop("debug-exit", `The guest wrote ${code} to the debug-exit port ${port.toString(16).toUpperCase()}h.`),
      lines: {
        reset: (by) => this.#reset(by),
        powerOff: (by) => this.#stop("shutdown", `The guest switched the machine off: ${by}.`),
        setA20: () => this.#addressLineChanged(),
      },
      a20: this.#a20,
      video: { memory: (at) => memory[at] ?? 0xff, changed: (screen) => this.#screenChanged(screen) },
      date: parseDateTime(this.configuration.date ?? defaultDate)!,
      disks,
      others: [
        this.#ioApic,
        createLocalApicRegisters(() => this.#processors.apic),
        ...(this.configuration.boot ? [createFirmwarePorts((port) => this.#callFirmware(port))] : []),
      ],
    });
  }

  /** The services of the BIOS, for a machine that boots from a disk. */
  #callFirmware(port: number): void {
    callFirmware(port, this.#cpu, this.#firmware!);
  }

  #createFirmware(memory: Uint8Array, guestBase: number): Environment {
    const devices = this.#devices;
    const { physical } = this.#cpu;
    return {
      devices,
      drives: this.#drives,
      memoryBytes: memory.length,
      clock: () => this.#processors.clock,
      inPort: (port) => this.#bus.inQuietly(port),
      outPort: (port, value) => this.#bus.outQuietly(port, value),
      isA20: () => this.#a20.enabled,
      setA20: devices.setA20,
      reset: (by) => this.#reset(by),
      waitForKey: (waiting) => {
        this.#keyWait = waiting ? (this.#keyWait ?? this.cycle) : null;
      },
      setRomByte: (offset, value) => {
        const at = romBase + offset;
        if (memory[at] === value) return;
        physical.announceWrite(guestBase + at, 1);
        memory[at] = value;
      },
    };
  }

  /** Firmware, and the boot sector about to run. */
  #bootFromDisk(memory: Uint8Array, guestBase: number): void {
    this.#firmware = this.#createFirmware(memory, guestBase);
    startFromDisk(this.#cpu, memory, this.#firmware);
    const first = (guestBase + romBase) / pageBytes;
    for (let n = 0; n < romBytes / pageBytes; n++) this.#cpu.guardPage(first + n, guard.readOnly);
  }

  #reset(by: string): void {
    this.#stop("reset", `The guest reset the machine: ${by}.`);
  }

  /** Address line 20 has been opened or closed: memory lies elsewhere now. */
  #addressLineChanged(): void {
    this.#monitor?.addressLineChanged?.();
    this.#cpu.flushTlb(true);
    this.#cpu.refresh();
  }

  #screenChanged(screen: Screen): void {
    const { mode, columns, rows, graphics } = screen;
    const lines = mode === "text" ? screenLines(screen) : [];
    this.#record({ kind: "screen", mode, columns, rows, graphics, lines });
  }

  #createMonitor(guestBytes: number): Monitor | undefined {
    const { technique, mode } = this.configuration;
    return createMonitor(technique, {
      cpu: this.#cpu,
      guestBytes,
      a20: this.#a20,
      mode,
      costs: this.#costs,
      interpret: () => this.#engine.interpret(),
      record: (body) => this.#record(body),
      settle: (sequence, cost) => {
        this.#recorder.settle(sequence, cost);
        this.#timePasses(0);
      },
      stop: (reason, text) => this.#stop(reason, text),
    });
  }

  // What is, now.

  get now(): number {
    return this.#cpu.f64[layout.steps >> 3]!;
  }
  get cycle(): number {
    return this.#processors.cycle;
  }
  get instructions(): number {
    return this.directInstructions + this.#cpu.f64[layout.emulated >> 3]!;
  }
  get directInstructions(): number {
    return this.now - this.#cpu.f64[layout.unretired >> 3]!;
  }
  get vcpu(): number {
    return this.#processors.current;
  }
  get bits(): 16 | 32 | 64 {
    return this.#cpu.bits;
  }
  get rip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#cpu.rip));
  }
  get linearRip(): bigint {
    return BigInt.asUintN(64, BigInt(this.#linear));
  }
  /** The linear instruction pointer: unsigned, or signed canonical in 64-bit code. */
  get #linear(): number {
    const linear = this.#cpu.bases[CS]! + this.#cpu.rip;
    return this.#cpu.bits === 64 ? linear : linear >>> 0;
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

  #present() {
    const linear = this.#linear;
    // Events come in groups at one address.
    if (linear !== this.#rip.linear) {
      const text = linear < 0 ? this.linearRip.toString(16) : linear.toString(16);
      this.#rip = { linear, text };
    }
    return { cycle: this.cycle, step: this.now, vm: "vm0", vcpu: this.vcpu, rip: this.#rip.text };
  }

  /** All machine memory: processor state, TLB and host-physical RAM (`cpu/layout.ts`). To compare, not to change. */
  get bytes(): Uint8Array {
    return this.#cpu.bytes;
  }

  // Events.

  #record(body: RecordedBody): number {
    const sequence = this.#recorder.record(body);
    if (body.kind === "exit") {
      this.#exit = sequence;
      this.#timePasses(this.#costs.exit);
    }
    return sequence;
  }

  get lastSequence(): number {
    return this.#recorder.lastSequence;
  }

  events(after: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    return this.#recorder.after(after, limit, kinds);
  }

  #console(device: string) {
    const known = this.#consoles.get(device);
    if (known) return known;
    const made = createConsoleText((text) => this.#record({ kind: "output", device, text }));
    this.#consoles.set(device, made);
    return made;
  }

  #stop(reason: StopReason, why: string): void {
    if (this.#stopped) return;
    const chain = reason === "triple-fault" ? exceptionChain(this.#recorder) : "";
    const text = chain ? `${why} The exceptions: ${chain}.` : why;
    for (const console of this.#consoles.values()) console.flush();
    this.#devices.vga.show();
    this.#record({ kind: "stop", reason, text });
    this.#stopped = { kind: "stopped", reason, text };
    this.#engine.stopBy(this.now);
  }

  // Running.

  step(): Stop {
    const stop = this.run({ steps: 1 });
    return stop.kind === "limit" ? { kind: "step" } : stop;
  }

  run({ steps, breakpoints, stopOnExit }: RunOptions): Stop {
    const end = this.now + steps;
    const start = { linear: this.#linear, instructions: this.instructions };
    const moved = () => this.#linear !== start.linear || this.instructions !== start.instructions;
    const stopsOn = (exit: MachineEvent) => (typeof stopOnExit === "function" ? stopOnExit(exit) : stopOnExit === true);
    for (;;) {
      this.#timeline.pause();
      if (this.#stopped) return this.#stopped;
      const pending = this.#exitPending;
      if (breakpoints?.size && pending === undefined && moved() && breakpoints.has(this.linearRip))
        return { kind: "breakpoint", address: this.linearRip };
      if (this.now >= end) return { kind: "limit" };
      const turned = pending === undefined && this.#processors.turnLeft <= 0 && this.#processors.next();
      if (turned && breakpoints?.has(this.linearRip) && moved()) return { kind: "breakpoint", address: this.linearRip };
      const stop = this.#slice(end, breakpoints, Boolean(stopOnExit));
      if (stop.kind === "breakpoint") return stop;
      const exit = this.#exitPending;
      if (stopOnExit && exit !== undefined && exit !== pending && stopsOn(this.pendingExit!))
        return { kind: "exit", sequence: exit };
    }
  }

  /** Runs to the next moment at which something other than the processor may happen, at most to `end`. */
  #slice(end: number, breakpoints: ReadonlySet<bigint> | undefined, stopOnExit: boolean): EngineStop {
    this.#serveDevices();
    this.#deadline = this.#nextDeadline;
    const pause = Math.max(1, this.#timeline.nextPause - this.now);
    const time = Math.min(this.#deadline - this.cycle, this.#processors.turnLeft);
    const steps = Math.ceil(Math.min(end - this.now, Math.max(1, time), pause));
    // A pending exit is handled first; the engine would return for it again.
    const run = this.#exitPending !== undefined ? { steps: 1 } : { steps, stopOnExit };
    const stop = this.#engine.run({ ...run, breakpoints });
    if (!this.#stopped) this.#conclude(stop);
    return stop;
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

  /** Devices whose time has come act. */
  #serveDevices(): void {
    while (this.#nextDeadline <= this.#processors.clock) {
      this.#bus.tick();
      this.#processors.tick();
      this.#devicesChanged();
    }
    this.#processors.settle();
  }

  /** Virtual time at which a device or the timer of a local APIC acts next. */
  get #nextDeadline(): number {
    return Math.min(this.#bus.nextDeadline() ?? Number.POSITIVE_INFINITY, this.#processors.deadline);
  }

  /** Deadlines and interrupt lines may be others now. For an earlier deadline the engine returns at the next boundary. */
  #devicesChanged(): void {
    if (this.#nextDeadline < this.#deadline) this.#engine.stopBy(this.now);
    if (this.#devices.pic.pending) this.#processors.raise8259();
    if (this.#bus.interruptPending()) this.#cpu.attention = true;
  }

  /**
   * More time passes than the steps taken, as between guest and VMM, and `coming` cycles are about to: a deadline that was to
   * be met at a step comes earlier.
   */
  #timePasses(coming: number): void {
    this.#engine.stopBy(this.now + Math.max(0, Math.ceil(this.#deadline - this.cycle - coming)));
  }

  /** Whether an interrupt of a device can reach a processor. */
  readonly #deliverable = (irq: number): boolean =>
    (this.#processors.passOn8259 && this.#devices.pic.deliverable(irq)) || this.#ioApic.deliverable(inputOfIrq(irq));

  /** The processor is halted: it is another's turn, or time passes to the next interrupt a device will raise, if there is one. */
  #idle(): void {
    if (this.#processors.sleep()) return;
    const { uart, keyboard } = this.#devices;
    const device = this.#bus.nextDeadline(this.#deliverable) ?? Number.POSITIVE_INFINITY;
    const deadline = Math.min(device, this.#processors.deadline);
    const interruptible = this.#processors.anyInterruptible;
    const patient = this.#keyWait === null || keyboard.keyboard.busy || this.cycle - this.#keyWait < longestKeyWait;
    if (interruptible && deadline !== Number.POSITIVE_INFINITY && patient) {
      this.#processors.passTo(deadline);
      return;
    }
    const inputs = [uart, keyboard].filter(({ listening, irq }) => listening && this.#deliverable(irq));
    this.#waiting = interruptible && inputs.length > 0;
    this.#stop(
      "halted",
      haltText(
        interruptible,
        inputs.map(({ name }) => name),
      ),
    );
  }

  // Looking and changing.

  registers(): readonly RegisterView[] {
    return registerViews(this.#cpu);
  }

  setRegister(name: string, value: bigint): true | string {
    let result: true | string = true;
    this.#timeline.act(() => {
      result = setRegister(this.#cpu, name, value, (linear, length) => this.readMemory("linear", linear, length));
    });
    return result;
  }

  readMemory(space: AddressSpace, address: bigint, length: number): (number | undefined)[] {
    return this.#memory.read(space, address, length);
  }

  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    let written = 0;
    const copy = bytes.slice();
    this.#timeline.act(() => {
      written = this.#memory.write(space, address, copy);
    });
    return written;
  }

  walk(linear: bigint): MachineEvent & { kind: "walk" } {
    const address = this.#cpu.longMode ? Number(BigInt.asIntN(64, linear)) : Number(BigInt.asUintN(32, linear));
    const { physical, steps, verdict } = this.#cpu.walk(address, "read");
    const found = physical === undefined ? {} : { physical: physical.toString(16) };
    const body = { kind: "walk" as const, linear: linear.toString(16), ...found, steps, verdict };
    return { sequence: this.lastSequence, ...this.#present(), ...body };
  }

  disk(drive: number): Uint8Array | undefined {
    return this.#drives.find(({ number }) => number === drive)?.disk.contents();
  }

  get screen(): Screen {
    return this.#devices.vga.screen();
  }

  input(text: string): void {
    const bytes = utf8(text);
    this.#act(() => this.#devices.uart.type(bytes));
  }

  press(text: string): string | undefined {
    const strokes = strokesOf(text);
    if (typeof strokes === "string") return strokes;
    this.#act(() => this.#devices.keyboard.keyboard.type(strokes));
    return undefined;
  }

  /** Something comes in from outside, now. */
  #act(happen: () => void): void {
    this.#timeline.act(() => {
      happen();
      if (this.#keyWait !== null) this.#keyWait = this.cycle;
      if (this.#waiting) this.#stopped = undefined;
      this.#waiting = false;
      this.#devicesChanged();
    });
  }

  // Going back.

  goTo(step: number): void {
    this.#timeline.goTo(step);
  }

  get settled(): boolean {
    return !this.#monitor?.exitPending;
  }

  save(): unknown {
    const consoles = [...this.#consoles].map(([device, text]) => [device, text.save()] as const);
    const exit = this.#recorder.at(this.#exit);
    return {
      sequence: this.lastSequence,
      // The one event that changes after it is recorded: its cost is not known yet while the VMM waits with the guest.
      exit: { sequence: this.#exit, cost: exit?.kind === "exit" ? exit.cost : 0 },
      devices: this.#bus.save(),
      processors: this.#processors.save(),
      monitor: this.#monitor?.save(),
      consoles,
      stopped: this.#stopped,
      waiting: this.#waiting,
      keyWait: this.#keyWait,
      drives: this.#drives.map(({ disk }) => disk.save()),
    };
  }

  restore(rest: unknown): void {
    const saved = rest as {
      sequence: number;
      exit: { sequence: number; cost: number };
      devices: unknown;
      processors: unknown;
      monitor: unknown;
      consoles: readonly (readonly [string, unknown])[];
      stopped: Stopped | undefined;
      waiting: boolean;
      keyWait: number | null;
      drives: readonly unknown[];
    };
    this.#recorder.forgetAfter(saved.sequence);
    this.#exit = saved.exit.sequence;
    this.#recorder.settle(saved.exit.sequence, saved.exit.cost);
    this.#engine.forget();
    this.#cpu.reload();
    this.#bus.restore(saved.devices);
    this.#processors.restore(saved.processors);
    this.#monitor?.restore(saved.monitor);
    this.#consoles.clear();
    for (const [device, text] of saved.consoles) this.#console(device).restore(text);
    this.#stopped = saved.stopped;
    this.#waiting = saved.waiting;
    this.#keyWait = saved.keyWait;
    for (const [n, { disk }] of this.#drives.entries()) disk.restore(saved.drives[n]);
  }

  advance(steps: number): void {
    this.run({ steps });
  }
}

/** A machine with its guest loaded and ready to run. @throws RangeError with `configurationProblem`'s sentence */
export function createMachine(configuration: MachineConfiguration): Machine {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new RangeError(problem);
  return new Machine(configuration);
}
