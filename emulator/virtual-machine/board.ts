/** What a VM is made of, put together: processors, memory, devices and firmware, with the guest loaded. */

import type { VmConfiguration } from "../configuration/machine-configuration.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { ramBase } from "../cpu/layout.ts";
import { ApicBus } from "../devices/apic/apic-bus.ts";
import { createIoApic, type IoApic, inputOfIrq } from "../devices/apic/io-apic.ts";
import { createLocalApicRegisters } from "../devices/apic/local-apic-registers.ts";
import { type DateTime, parseDateTime } from "../devices/date-time.ts";
import { type Connections, createDevices, type Devices } from "../devices/index.ts";
import type { InterruptSource } from "../devices/interrupt-source.ts";
import type { A20Gate } from "../devices/system-control.ts";
import { Bios } from "../firmware/bios.ts";
import { createDrives } from "../firmware/drives.ts";
import { createFirmwarePorts, type Drive } from "../firmware/index.ts";
import { writeSystemTables } from "../firmware/system-tables.ts";
import { Bus, type BusListener } from "../memory/bus.ts";
import { startGuest } from "../memory/start-modes.ts";
import { routeInterrupts } from "./interrupt-routing.ts";
import { Processors } from "./processors.ts";

const mebibyte = 2 ** 20;
/** What the clock shows when a machine starts, if nobody says. */
const defaultDate = "2026-01-01T12:00:00";

/** What the board tells the machine. */
export interface BoardListener extends BusListener, Pick<Connections, "send" | "exit"> {
  readonly powerOff: (by: string) => void;
  readonly reset: (by: string) => void;
  readonly addressLineChanged: () => void;
  readonly screenChanged: Connections["video"]["changed"];
  /** Something has come for the processor in the core. */
  readonly attend: () => void;
}

/** Where a VM is put: the core that executes its vCPUs, and the host-physical address of its memory. */
export interface Place {
  readonly cpu: Cpu;
  readonly guestBase: number;
}

export interface Board {
  readonly cpu: Cpu;
  readonly bus: Bus;
  readonly interrupts: InterruptSource;
  readonly devices: Devices;
  readonly ioApic: IoApic;
  readonly apicBus: ApicBus;
  /** What the clock shows at the start. */
  readonly date: DateTime;
  readonly processors: Processors;
  readonly drives: readonly Drive[];
  /** The gate of address line 20. */
  readonly a20: A20Gate;
  /** Of a machine that boots from a disk. */
  readonly bios: Bios | undefined;
  /** Host-physical address and length of the guest's memory. */
  readonly guestBase: number;
  readonly guestBytes: number;
  /** Loads the guest and brings it to its first instruction; the listener may be told of what that does. */
  readonly start: () => void;
}

/** The parts of a VM, before its guest is loaded. */
export function createBoard(configuration: VmConfiguration, { cpu, guestBase }: Place, listener: BoardListener): Board {
  const guestBytes = configuration.memory * mebibyte;
  const ram = cpu.bytes.subarray(ramBase + guestBase, ramBase + guestBase + guestBytes);
  const apicBus = new ApicBus();
  const ioApic = createIoApic(apicBus);
  const a20: A20Gate = { enabled: true };
  const { drives, hard, removable } = createDrives(configuration.drives ?? {}, configuration.boot);
  const { send, exit, powerOff, reset, addressLineChanged, screenChanged, attend } = listener;
  const clock = () => processors.clock;
  const date = parseDateTime(configuration.date ?? defaultDate)!;
  const devices = createDevices({
    ...{ clock, send, exit, a20 },
    alsoLines: (irq) => ioApic.line(inputOfIrq(irq)),
    lines: { reset, powerOff, setA20: addressLineChanged },
    video: { memory: (at) => ram[at] ?? 0xff, changed: screenChanged },
    date,
    disks: hard,
    floppies: removable,
    memory: {
      read: (at) => ram[at] ?? 0xff,
      write: (at, value) => {
        if (at >= guestBytes) return;
        cpu.writePhysical(guestBase + at, 1, value);
        cpu.monitor?.memoryWritten?.(at);
      },
    },
    others: [
      ioApic,
      createLocalApicRegisters(() => processors.apic),
      ...(configuration.boot ? createFirmwarePorts((port) => bios!.call(port)) : []),
    ],
  });
  const interrupts = routeInterrupts(devices.pic, ioApic, () => processors);
  const bus = new Bus(devices.all, interrupts, listener);
  const count = configuration.processors ?? 1;
  const processors: Processors = new Processors({ cpu, count, bus: apicBus, attend });
  const bios = configuration.boot
    ? new Bios({ cpu, bus, devices, drives, a20, memory: ram, guestBase, clock, reset })
    : undefined;
  const start = () => {
    // Guests that look for tables are those that firmware or a boot loader started, and those with several processors.
    // Paravirtual guests are on no PC: Xen gives them empty memory.
    const isPc = configuration.mode !== "xen-32" && configuration.mode !== "xen-64";
    const hasTables = isPc && (configuration.boot || configuration.handover || count > 1);
    // Firmware has written here and there below 1 MiB.
    if (hasTables) cpu.physical.dirty(guestBase, Math.min(mebibyte, guestBytes));
    if (hasTables) writeSystemTables(ram, count);
    if (bios) bios.start();
    else startGuest(cpu, { ...configuration, memory: ram });
    processors.start();
  };
  return {
    cpu,
    bus,
    interrupts,
    devices,
    ioApic,
    apicBus,
    date,
    processors,
    drives,
    a20,
    bios,
    guestBase,
    guestBytes,
    start,
  };
}
