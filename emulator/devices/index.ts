import { createAta } from "./ata.ts";
import { createCoprocessorError } from "./coprocessor-error.ts";
import type { DateTime } from "./date-time.ts";
import { createDebugConsole, createDebugExit, createPost } from "./debug-port.ts";
import type { Clock, Device, Lines } from "./device.ts";
import type { Disk } from "./disk-image.ts";
import { createDma, type DeviceMemory } from "./dma-8237.ts";
import { createFloppyController } from "./floppy-controller.ts";
import { createKeyboardController, type KeyboardController } from "./i8042.ts";
import { createPci } from "./pci.ts";
import { createPic, type Pic } from "./pic-8259.ts";
import { createPit } from "./pit-8254.ts";
import { createRtc, type Rtc } from "./rtc.ts";
import { type A20Gate, createPort92, createPower, type SystemLines } from "./system-control.ts";
import { createUart, type Uart } from "./uart-16550.ts";
import { createVga, type Vga, type VgaWiring } from "./vga.ts";

/** What the devices of a machine are connected to. */
export interface Connections {
  readonly clock: Clock;
  /** A byte for the console, with the name of the device that sent it. */
  readonly send: (device: string, byte: number) => void;
  /** The guest wrote `code` to a debug-exit port. */
  readonly exit: (code: number, port: number) => void;
  readonly lines: SystemLines;
  readonly a20: A20Gate;
  readonly video: VgaWiring;
  /** What the clock shows when the machine starts. */
  readonly date: DateTime;
  /** Disks of the primary IDE channel: master, slave. */
  readonly disks: readonly (Disk | undefined)[];
  /** Disks of the floppy drives. */
  readonly floppies: readonly (Disk | undefined)[];
  /** The guest's memory, for devices that reach it by themselves. */
  readonly memory: DeviceMemory;
  /** Hear the interrupt lines beside the 8259s. */
  readonly alsoLines?: Lines;
  /** Devices that only some machines have. */
  readonly others: readonly Device[];
}

export interface Devices {
  readonly all: readonly Device[];
  readonly pic: Pic;
  readonly uart: Uart;
  readonly keyboard: KeyboardController;
  readonly rtc: Rtc;
  readonly vga: Vga;
  /** Opens or closes address line 20. */
  readonly setA20: (enabled: boolean) => void;
}

const floppyChannel = 2;

/** The devices every machine has. A new one is a file beside this and a line here. */
export function createDevices({
  clock,
  send,
  exit,
  lines: outer,
  a20,
  video,
  date,
  disks,
  floppies,
  memory,
  others,
  alsoLines,
}: Connections): Devices {
  const pic = createPic();
  const lines: Lines = (irq) => {
    const [to8259, also] = [pic.line(irq), alsoLines?.(irq)];
    return (level) => {
      to8259(level);
      also?.(level);
    };
  };
  const uart = createUart({ base: 0x3f8, irq: 4, line: lines(4), send: (byte) => send("UART", byte) }, clock);
  const system: SystemLines = {
    ...outer,
    setA20(enabled) {
      if (enabled === a20.enabled) return;
      a20.enabled = enabled;
      outer.setA20(enabled);
    },
  };
  const keyboard = createKeyboardController({ line: lines(1), lines: system, gate: a20 }, clock);
  const rtc = createRtc(clock, lines(8), date);
  const vga = createVga(video, clock);
  const dma = createDma(memory);
  const all = [
    pic,
    createPit(clock, lines(0)),
    uart,
    keyboard,
    rtc,
    vga,
    createAta(disks, lines(14), clock),
    dma,
    createFloppyController(floppies, lines(6), dma.channel(floppyChannel), clock),
    createPort92(a20, system),
    createPci(),
    createCoprocessorError(lines(13)),
    createPower(system),
    createDebugConsole((byte) => send("debug console", byte)),
    createDebugExit(exit),
    createPost(),
    ...others,
  ];
  return { all, pic, uart, keyboard, rtc, vga, setA20: system.setA20 };
}
