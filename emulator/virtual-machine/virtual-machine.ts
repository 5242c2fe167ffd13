import type { CostProfile } from "../../isa/costs.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import type { HypervisorOptions, VmConfiguration } from "../configuration/machine-configuration.ts";
import type { Cpu } from "../cpu/cpu.ts";
import type { MemoryObserver } from "../cpu/environment.ts";
import { layout } from "../cpu/layout.ts";
import type { Monitor } from "../cpu/monitor.ts";
import { unixSeconds } from "../devices/date-time.ts";
import { type Screen, screenLines } from "../devices/screen.ts";
import { strokesOf } from "../devices/typing.ts";
import type { Stop } from "../machine-interface.ts";
import { GuestMemory } from "../memory/guest-memory.ts";
import { loadAddress } from "../memory/start-modes.ts";
import { haltText, waitText } from "../stop-texts.ts";
import type { ExitForm, RecordedBody, StopReason } from "../trace/event.ts";
import { utf8 } from "../utf8.ts";
import { createVmm, type Vmm } from "../vmm/index.ts";
import { VmxOperation } from "../vmx/operation.ts";
import { type Board, createBoard } from "./board.ts";
import { Consoles } from "./consoles.ts";
import { DeviceTime, type Standstill } from "./device-time.ts";
import type { Processors } from "./processors.ts";

export type Stopped = Stop & { kind: "stopped" };

/** What a VM is given of the machine that it is on. */
export interface Surroundings {
  readonly technique: TechniqueId;
  /** The guest may use VMX, if there is no VMM below it. */
  readonly offersVmx: boolean;
  readonly costs: CostProfile;
  readonly hypervisor: HypervisorOptions;
  /** Virtual time counts retired instructions. */
  readonly countsInstructions: boolean;
  readonly cpu: Cpu;
  /** Host-physical addresses: where the VM's slice begins, and where in it the guest's memory. */
  readonly slice: number;
  readonly guestBase: number;
  /** Executes the instruction at RIP by its semantics. */
  readonly interpret: () => void;
  readonly isCode: (physical: number) => boolean;
  /** The run under way ends after so many steps, if it would not end before. */
  readonly endRunIn: (steps: number) => void;
  readonly record: (vm: VirtualMachine, body: RecordedBody) => number;
  readonly recordExit: (form: ExitForm, qualification: bigint | number, first: number, second: number) => number;
  /** As `recordExit`, of an exit to the guest's own hypervisor, which is never pending. */
  readonly recordCompletedExit: Surroundings["recordExit"];
  /** Fills in the cost of an exit. */
  readonly settle: (sequence: number, cost: number) => void;
  readonly stop: (vm: VirtualMachine, reason: StopReason, why: string) => void;
}

/** One VM of a machine: its vCPUs, devices and memory, the VMM that its technique puts below it, and how it ended. */
export class VirtualMachine {
  readonly configuration: VmConfiguration;
  readonly board: Board;
  readonly time: DeviceTime;
  readonly memory: GuestMemory;
  readonly consoles = new Consoles((device, text) => this.#around.record(this, { kind: "output", device, text }));
  stopped: Stopped | undefined;
  /** Stopped because the guest waits for input: it goes on when there is some. */
  waiting = false;
  readonly #around: Surroundings;
  #vmx: VmxOperation | undefined;
  /** Wants to know of writes to code that the VMM has translated. */
  #translatedWritten: MemoryObserver["translatedWritten"];

  constructor(configuration: VmConfiguration, around: Surroundings) {
    this.configuration = configuration;
    this.#around = around;
    this.board = this.#createBoard();
    this.time = new DeviceTime(this.board, around.endRunIn);
    this.memory = new GuestMemory(around.cpu, this.board.guestBase, this.board.guestBytes);
  }

  get name(): string {
    return this.configuration.name;
  }

  get processors(): Processors {
    return this.board.processors;
  }

  /** What stands between the vCPU in the core and the machine: its monitor of the built-in VMM. */
  get monitor(): Monitor | undefined {
    return this.processors.monitor;
  }

  /** The guest's own VMX operation; undefined where it has none. */
  get vmx(): VmxOperation | undefined {
    return this.#vmx;
  }

  /** Loads the guest and puts the VMM below it. The core must be on this VM's bus. */
  start(): void {
    const { cpu, technique, offersVmx, countsInstructions } = this.#around;
    this.board.start();
    cpu.r32[layout.countsInstructions >> 2] = countsInstructions ? 1 : 0;
    cpu.memoryObserver.translatedWritten = undefined;
    this.processors.virtualize(this.#createVmm());
    this.#translatedWritten = cpu.memoryObserver.translatedWritten;
    // Under a hypervisor there is no VMX for the guest.
    this.#vmx = technique === "bare-metal" && offersVmx ? this.#createVmx() : undefined;
    cpu.vmx = this.#vmx;
  }

  /** Puts the core on this VM's bus. */
  connect(): void {
    const { cpu } = this.#around;
    cpu.connect(this.board.bus, this.board.a20);
    cpu.memoryObserver.translatedWritten = this.#translatedWritten;
  }

  #createBoard(): Board {
    const { cpu, guestBase, endRunIn, record, stop } = this.#around;
    return createBoard(
      this.configuration,
      { cpu, guestBase },
      {
        record: (body) => record(this, body),
        touched: () => this.time.changed(),
        send: (device, byte) => this.consoles.send(device, byte),
        exit: (code, port) =>
          stop(
            this,
            "debug-exit",
            `The guest wrote ${code} to the debug-exit port ${port.toString(16).toUpperCase()}h.`,
          ),
        powerOff: (by) => stop(this, "shutdown", `The guest switched the machine off: ${by}.`),
        reset: (by) => stop(this, "reset", `The guest reset the machine: ${by}.`),
        addressLineChanged: () => this.#addressLineChanged(),
        screenChanged: (screen) => this.#screenChanged(screen),
        attend: () => endRunIn(0),
      },
    );
  }

  /** Address line 20 has been opened or closed: memory lies elsewhere now. */
  #addressLineChanged(): void {
    const { cpu } = this.#around;
    this.monitor?.addressLineChanged?.();
    for (let vcpu = 0; vcpu < this.processors.count; vcpu++) this.processors.flushTlb(vcpu, "A20");
    cpu.refresh();
  }

  #screenChanged(screen: Screen): void {
    const { mode, columns, rows, graphics } = screen;
    const lines = mode === "text" ? screenLines(screen) : [];
    this.#around.record(this, { kind: "screen", mode, columns, rows, graphics, lines });
  }

  #createVmm(): Vmm | undefined {
    const { technique, cpu, slice, guestBase, costs, hypervisor, interpret, isCode, record, recordExit, settle, stop } =
      this.#around;
    const { a20, guestBytes } = this.board;
    return createVmm(technique, {
      vcpus: this.processors,
      ...{ cpu, slice, guestBase, guestBytes, a20, costs, interpret, isCode, recordExit },
      settle: (sequence, cost) => {
        settle(sequence, cost);
        this.time.passes(0);
      },
      options: hypervisor,
      mode: this.configuration.mode,
      image: imageExtent(this.configuration),
      record: (body) => record(this, body),
      startSeconds: unixSeconds(this.board.date),
      interruptProcessor: (id, command) => this.#interruptProcessor(id, command),
      timeChanged: () => this.time.changed(),
      stop: (reason, text) => stop(this, reason, text),
    });
  }

  #createVmx(): VmxOperation {
    const { cpu, costs, endRunIn, record, recordCompletedExit, settle, stop } = this.#around;
    return new VmxOperation({
      ...{ cpu, costs, settle },
      record: (body) => record(this, body),
      recordExit: recordCompletedExit,
      spend: (cycles) => {
        cpu.f64[layout.extraCycles >> 3]! += cycles;
        this.time.passes(0);
      },
      stop: (reason, text) => stop(this, reason, text),
      attend: () => endRunIn(0),
    });
  }

  #interruptProcessor(id: number, command: number): boolean {
    const { apicBus } = this.board;
    if (!apicBus.agents.some((agent) => agent.id === id)) return false;
    const message = { mode: (command >> 8) & 7, vector: command & 0xff, level: false, logical: false };
    apicBus.send({ ...message, destination: id });
    return true;
  }

  /** Its vCPUs sleep for good. */
  standStill({ interruptible, priority, inputs }: Standstill): void {
    this.waiting = interruptible && inputs.length > 0;
    this.#around.stop(this, "halted", interruptible ? waitText(priority, inputs) : haltText);
  }

  // From outside.

  /** Types into the serial port. */
  input(text: string): void {
    this.board.devices.uart.type(utf8(text));
    this.#attend();
  }

  /** Types on the keyboard. Undefined; or, as a sentence, what cannot be typed. */
  press(text: string): string | undefined {
    const strokes = strokesOf(text);
    if (typeof strokes === "string") return strokes;
    this.board.devices.keyboard.keyboard.type(strokes);
    this.#attend();
    return undefined;
  }

  #attend(): void {
    this.board.bios?.typed();
    if (this.waiting) this.stopped = undefined;
    this.waiting = false;
    this.time.changed();
  }

  disk(drive: number): Uint8Array | undefined {
    return this.board.drives.find(({ number }) => number === drive)?.disk.contents();
  }

  save(): unknown {
    return {
      devices: this.board.bus.save(),
      processors: this.processors.save(),
      consoles: this.consoles.save(),
      stopped: this.stopped,
      waiting: this.waiting,
      bios: this.board.bios?.save() ?? null,
      drives: this.board.drives.map(({ disk }) => disk.save()),
    };
  }

  /** After the memory has been restored. */
  restore(state: unknown): void {
    const saved = state as {
      devices: unknown;
      processors: unknown;
      consoles: unknown;
      stopped: Stopped | undefined;
      waiting: boolean;
      bios: number | null;
      drives: readonly unknown[];
    };
    this.board.bus.restore(saved.devices);
    this.processors.restore(saved.processors);
    this.#vmx?.forget(this.processors.asides);
    this.consoles.restore(saved.consoles);
    this.stopped = saved.stopped;
    this.waiting = saved.waiting;
    this.board.bios?.restore(saved.bios);
    for (const [n, { disk }] of this.board.drives.entries()) disk.restore(saved.drives[n]);
  }
}

/** Guest-physical addresses of the first byte of a guest's image and of the one behind its last. */
export function imageExtent({ mode, image, origin }: VmConfiguration): { start: number; end: number } {
  const start = loadAddress(mode, origin);
  return { start, end: start + image.length };
}
