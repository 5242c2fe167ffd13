import { cyclesPerSecond } from "../time/costs.ts";
import type { Clock, Device, Line, Region } from "./device.ts";
import { bitsText, type DeviceView } from "./device-view.ts";

/** Registers by offset from the base; 0 and 1 are the divisor latch while LCR bit 7 (DLAB) is set. */
const register = { data: 0, ier: 1, iir: 2, lcr: 3, mcr: 4, lsr: 5, msr: 6, scr: 7 } as const;
/** Interrupt identification, IIR bits 3:0, from highest to lowest priority. */
const source = { lineStatus: 6, received: 4, timeout: 12, transmitter: 2, modemStatus: 0, none: 1 } as const;
const triggerLevels = [1, 4, 8, 14] as const;
const fifoSize = 16;
/** THRE and TEMT: our line sends a byte at once, so the transmitter is always empty. */
const transmitterEmpty = 0x60;
/** CTS, DSR and DCD: a terminal is connected. */
const terminalPresent = 0xb0;
const loopback = 0x10;
/** Cycles of virtual time for four characters of 10 bits at divisor 1 (1.8432 MHz / 16). */
const fourCharacters = Math.round((4 * 10 * 16 * cyclesPerSecond) / 1_843_200);

interface Registers {
  ier: number;
  lcr: number;
  mcr: number;
  scr: number;
  divisor: number;
  /** FCR bit 0, and the receive trigger level in bytes. */
  fifo: boolean;
  trigger: number;
  overrun: boolean;
  /** MSR bits 3:0, changes since it was last read. */
  modemChanges: number;
  transmitterInterrupt: boolean;
  /** When received bytes below the trigger level become a timeout interrupt. */
  timeoutAt: number | null;
  timedOut: boolean;
  received: number[];
  /** Bytes on the line, waiting for room: nothing typed is ever lost. */
  waiting: number[];
  level: boolean;
}

/** As firmware leaves it: 8 data bits, 115200 baud. */
const initial = (): Registers => ({
  ier: 0,
  lcr: 3,
  mcr: 0,
  scr: 0,
  divisor: 1,
  fifo: false,
  trigger: 1,
  overrun: false,
  modemChanges: 0,
  transmitterInterrupt: false,
  timeoutAt: null,
  timedOut: false,
  received: [],
  waiting: [],
  level: false,
});

/** MSR bits 7:4. In loopback they are MCR's RTS, DTR, OUT1 and OUT2. */
function modemLines(r: Registers): number {
  if (!(r.mcr & loopback)) return terminalPresent;
  return ((r.mcr & 2) << 3) | ((r.mcr & 1) << 5) | ((r.mcr & 4) << 4) | ((r.mcr & 8) << 4);
}

function interruptSource(r: Registers): number {
  if (r.ier & 4 && r.overrun) return source.lineStatus;
  if (r.ier & 1 && r.received.length >= (r.fifo ? r.trigger : 1)) return source.received;
  if (r.ier & 1 && r.timedOut) return source.timeout;
  if (r.ier & 2 && r.transmitterInterrupt) return source.transmitter;
  return r.ier & 8 && r.modemChanges ? source.modemStatus : source.none;
}

/** (Re)starts the timeout of received bytes that do not reach the trigger level. */
function restartTimeout(r: Registers, now: number): void {
  r.timedOut = false;
  const waits = r.fifo && r.received.length > 0;
  r.timeoutAt = waits ? now + fourCharacters * (r.divisor || 1) : null;
}

function receive(r: Registers, byte: number): void {
  if (r.received.length < (r.fifo ? fifoSize : 1)) r.received.push(byte);
  else {
    r.overrun = true;
    if (!r.fifo) r.received[0] = byte;
  }
}

/** Takes bytes from the line while there is room; in loopback the receiver is disconnected from it. */
function refill(r: Registers, now: number): void {
  const room = r.fifo ? fifoSize : 1;
  if (r.mcr & loopback || !r.waiting.length || r.received.length >= room) return;
  r.received.push(...r.waiting.splice(0, room - r.received.length));
  restartTimeout(r, now);
}

function readData(r: Registers, now: number): number {
  const byte = r.received.shift() ?? 0;
  restartTimeout(r, now);
  return byte;
}

function setFifoControl(r: Registers, value: number, now: number): void {
  const enabled = (value & 1) !== 0;
  if (enabled !== r.fifo || value & 2) r.received = [];
  r.fifo = enabled;
  if (enabled) r.trigger = triggerLevels[(value >>> 6) as 0 | 1 | 2 | 3];
  restartTimeout(r, now);
  refill(r, now);
}

function setModemControl(r: Registers, value: number, now: number): void {
  const before = modemLines(r);
  r.mcr = value & 0x1f;
  const changed = before ^ modemLines(r);
  // RI reports only its trailing edge (TERI).
  r.modemChanges |= ((changed >>> 4) & 0xb) | (changed & before & 0x40 ? 4 : 0);
  refill(r, now);
}

/** Setting ETBEI while the transmitter is empty raises its interrupt. */
function setInterruptEnable(r: Registers, value: number): void {
  if (value & 2 && !(r.ier & 2)) r.transmitterInterrupt = true;
  r.ier = value & 0x0f;
}

function readIdentification(r: Registers): number {
  const id = interruptSource(r);
  if (id === source.transmitter) r.transmitterInterrupt = false;
  return id | (r.fifo ? 0xc0 : 0);
}

function readLineStatus(r: Registers): number {
  const value = transmitterEmpty | (r.received.length ? 1 : 0) | (r.overrun ? 2 : 0);
  r.overrun = false;
  return value;
}

function readModemStatus(r: Registers): number {
  const value = modemLines(r) | r.modemChanges;
  r.modemChanges = 0;
  return value;
}

/** Reads a register; a read may change it, and with it the interrupt. */
function readRegister(r: Registers, offset: number, now: number): number {
  const latch = (r.lcr & 0x80) !== 0;
  switch (offset) {
    case register.data:
      return latch ? r.divisor & 0xff : readData(r, now);
    case register.ier:
      return latch ? r.divisor >>> 8 : r.ier;
    case register.iir:
      return readIdentification(r);
    case register.lcr:
      return r.lcr;
    case register.mcr:
      return r.mcr;
    case register.lsr:
      return readLineStatus(r);
    case register.msr:
      return readModemStatus(r);
    default:
      return r.scr;
  }
}

/** Writes a register other than the transmitter's. */
function writeRegister(r: Registers, offset: number, value: number, now: number): void {
  const latch = (r.lcr & 0x80) !== 0;
  if (offset === register.data) r.divisor = (r.divisor & 0xff00) | value;
  else if (offset === register.ier && latch) r.divisor = (r.divisor & 0xff) | (value << 8);
  else if (offset === register.ier) setInterruptEnable(r, value);
  else if (offset === register.iir) setFifoControl(r, value, now);
  else if (offset === register.lcr) r.lcr = value;
  else if (offset === register.mcr) setModemControl(r, value, now);
  else if (offset === register.scr) r.scr = value;
}

/** The interrupt line: OUT2 connects it, loopback disconnects it. */
const connected = (r: Registers): boolean => (r.mcr & (8 | loopback)) === 8;

const sourceText = (id: number): string =>
  ({
    [source.lineStatus]: "line status",
    [source.received]: "received data",
    [source.timeout]: "received data, timeout",
    [source.transmitter]: "transmitter empty",
    [source.modemStatus]: "modem status",
  })[id] ?? "no interrupt";

/** 8N1 and the like, with the rate that the divisor makes. */
const lineText = ({ lcr, divisor }: Registers): string =>
  `${5 + (lcr & 3)}${["N", "O", "N", "E", "N", "M", "N", "S"][(lcr >> 3) & 7]!}${lcr & 4 ? 2 : 1}, ${Math.round(115_200 / (divisor || 1))} baud${lcr & 0x80 ? ", DLAB" : ""}`;

/** The registers as they would be read, with nothing taken and nothing cleared. */
function viewOf(r: Registers, name: string): DeviceView {
  const id = interruptSource(r);
  const row = (register: string, value: number, text: string) => ({ name: register, value, bits: 8, text });
  const waiting = r.waiting.length > 0 ? `, ${r.waiting.length} more on the line` : "";
  return {
    name,
    registers: [
      row(
        "IER",
        r.ier,
        bitsText(r.ier, ["received data", "transmitter empty", "line status", "modem status"], "no interrupts"),
      ),
      row("IIR", id | (r.fifo ? 0xc0 : 0), `${sourceText(id)}${r.fifo ? `; FIFO, trigger level ${r.trigger}` : ""}`),
      row("LCR", r.lcr, lineText(r)),
      row("MCR", r.mcr, bitsText(r.mcr, ["DTR", "RTS", "OUT1", "OUT2: interrupts connected", "loopback"])),
      row(
        "LSR",
        transmitterEmpty | (r.received.length ? 1 : 0) | (r.overrun ? 2 : 0),
        `${r.received.length} received${waiting}`,
      ),
      row("MSR", modemLines(r) | r.modemChanges, bitsText(modemLines(r) >> 4, ["CTS", "DSR", "RI", "DCD"])),
      row("SCR", r.scr, ""),
      { name: "divisor", value: r.divisor, bits: 16, text: "" },
    ],
  };
}

/** A UART: what arrives at the other end of the line, and typing into it. */
export interface Uart extends Device {
  readonly irq: number;
  /** A byte typed now would make an interrupt. */
  readonly listening: boolean;
  /** Bytes typed at the terminal. They wait until the guest has room for them. */
  type(bytes: readonly number[]): void;
}

/** Where a UART sits and what it is connected to. */
export interface UartWiring {
  /** First of its eight ports. */
  readonly base: number;
  readonly irq: number;
  readonly line: Line;
  /** Takes the bytes it sends. */
  readonly send: (byte: number) => void;
}

/**
 * The 16550A (COM1: base 3F8h, IRQ 4). The line is infinitely fast: a byte written is sent at once, one typed is received
 * as soon as there is room.
 */
export function createUart({ base, irq, line, send }: UartWiring, clock: Clock): Uart {
  const r = initial();
  const update = () => {
    const level = interruptSource(r) !== source.none && connected(r);
    if (level !== r.level) line(level);
    r.level = level;
  };
  const transmit = (value: number) => {
    r.transmitterInterrupt = false;
    update();
    const byte = value & ((32 << (r.lcr & 3)) - 1);
    if (!(r.mcr & loopback)) send(byte);
    else {
      receive(r, byte);
      restartTimeout(r, clock());
    }
    r.transmitterInterrupt = true;
  };
  const region: Region = {
    space: "port",
    base,
    length: 8,
    read(offset) {
      const value = readRegister(r, offset, clock());
      // The line is let go before the next byte comes: that one is an edge of its own, as it is at any speed of a real line.
      update();
      refill(r, clock());
      update();
      return value;
    },
    write(offset, value) {
      if (offset === register.data && !(r.lcr & 0x80)) transmit(value);
      else writeRegister(r, offset, value, clock());
      update();
    },
  };
  return {
    name: "UART",
    irq,
    regions: [region],
    get listening() {
      return (r.ier & 1) !== 0 && connected(r);
    },
    type(bytes) {
      r.waiting.push(...bytes);
      refill(r, clock());
      update();
    },
    timing: {
      nextDeadline: () => (r.timeoutAt !== null && r.ier & 1 ? r.timeoutAt : undefined),
      tick() {
        if (r.timeoutAt !== null && clock() >= r.timeoutAt) {
          r.timedOut = true;
          r.timeoutAt = null;
        }
        update();
      },
    },
    inspect: () => viewOf(r, `16550A serial port at ${base.toString(16).toUpperCase()}h`),
    save: () => ({ ...r, received: [...r.received], waiting: [...r.waiting] }),
    restore(state) {
      const saved = state as Registers;
      Object.assign(r, saved, { received: [...saved.received], waiting: [...saved.waiting] });
    },
  };
}
