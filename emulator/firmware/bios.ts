/** The built-in BIOS of a machine that boots from a disk: its ROM in the guest's memory, and its services. */
import type { Cpu } from "../cpu/cpu.ts";
import type { Devices } from "../devices/index.ts";
import type { A20Gate } from "../devices/system-control.ts";
import { pageBytes } from "../engine/page.ts";
import type { Bus } from "../memory/bus.ts";
import { guard } from "../mmu/physical.ts";
import { cyclesPerSecond } from "../time/costs.ts";
import type { Drive, Environment } from "./environment.ts";
import { callFirmware, romBase, romBytes, startFromDisk } from "./index.ts";

/** A guest that waits here for a key that nobody types is stopped after 5 s of virtual time, though its timer goes on. */
const longestKeyWait = 5 * cyclesPerSecond;

export interface BiosWiring {
  readonly cpu: Cpu;
  readonly bus: Bus;
  readonly devices: Devices;
  readonly drives: readonly Drive[];
  readonly a20: A20Gate;
  /** The guest's memory, and its host-physical address. */
  readonly memory: Uint8Array;
  readonly guestBase: number;
  readonly clock: () => number;
  readonly reset: (by: string) => void;
}

export class Bios {
  readonly #wiring: BiosWiring;
  readonly #environment: Environment;
  /** The guest waits for a key since then (virtual time); null: it does not. */
  #keyWait: number | null = null;

  constructor(wiring: BiosWiring) {
    const { cpu, bus, devices, drives, a20, memory, guestBase, clock, reset } = wiring;
    this.#wiring = wiring;
    this.#environment = {
      ...{ devices, drives, clock, reset },
      memoryBytes: memory.length,
      inPort: (port) => bus.inQuietly(port),
      outPort: (port, value) => bus.outQuietly(port, value),
      isA20: () => a20.enabled,
      setA20: devices.setA20,
      waitForKey: (waiting) => {
        this.#keyWait = waiting ? (this.#keyWait ?? clock()) : null;
      },
      setRomByte: (offset, value) => {
        const at = romBase + offset;
        if (memory[at] === value) return;
        cpu.physical.announceWrite(guestBase + at, 1);
        memory[at] = value;
      },
    };
  }

  /** Brings the machine to the boot sector, which is about to run. */
  start(): void {
    const { cpu, memory, guestBase } = this.#wiring;
    startFromDisk(cpu, memory, this.#environment);
    const first = (guestBase + romBase) / pageBytes;
    for (let n = 0; n < romBytes / pageBytes; n++) cpu.guardPage(first + n, guard.readOnly);
  }

  /** The ROM's code writes to a port of the firmware: the service behind it. */
  call(port: number): void {
    callFirmware(port, this.#wiring.cpu, this.#environment);
  }

  /** Whether the guest has waited so long for a key that nobody will type one. */
  get waitsInVain(): boolean {
    const { devices, clock } = this.#wiring;
    return this.#keyWait !== null && !devices.keyboard.keyboard.busy && clock() - this.#keyWait >= longestKeyWait;
  }

  /** Somebody has typed: if the guest waits, it has only begun to. */
  typed(): void {
    if (this.#keyWait !== null) this.#keyWait = this.#wiring.clock();
  }

  save = (): number | null => this.#keyWait;
  restore(keyWait: number | null): void {
    this.#keyWait = keyWait;
  }
}
