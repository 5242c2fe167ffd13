import { createDebugConsole, createDebugExit, createPost } from "./debug-port.ts";
import type { Clock, Device } from "./device.ts";
import { createPic, type Pic } from "./pic-8259.ts";
import { createPit } from "./pit-8254.ts";
import { createUart, type Uart } from "./uart-16550.ts";

/** What the devices of a machine are connected to. */
export interface Connections {
  readonly clock: Clock;
  /** A byte for the console, with the name of the device that sent it. */
  readonly send: (device: string, byte: number) => void;
  /** The guest wrote `code` to the debug-exit port. */
  readonly exit: (code: number) => void;
}

export interface Devices {
  readonly all: readonly Device[];
  readonly pic: Pic;
  readonly uart: Uart;
}

/** The devices every machine has. A new one is a file beside this and a line here. */
export function createDevices({ clock, send, exit }: Connections): Devices {
  const pic = createPic();
  const uart = createUart({ base: 0x3f8, irq: 4, line: pic.line(4), send: (byte) => send("UART", byte) }, clock);
  const all = [
    pic,
    createPit(clock, pic.line(0)),
    uart,
    createDebugConsole((byte) => send("debug console", byte)),
    createDebugExit(exit),
    createPost(),
  ];
  return { all, pic, uart };
}
