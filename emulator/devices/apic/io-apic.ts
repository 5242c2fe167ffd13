/** The I/O APIC (82093AA data sheet): 24 inputs, each with a redirection entry that says which local APIC hears of it. */
import type { Device, Line } from "../device.ts";
import type { InterruptView } from "../device-view.ts";
import { type ApicBus, type ApicMessage, deliveryModeText } from "./apic-bus.ts";

export const ioApicBase = 0xfec0_0000;
export const ioApicInputs = 24;
/** Version 11h, 24 entries. */
const version = 0x11 | ((ioApicInputs - 1) << 16);

const entryBits = { polarityLow: 0x2000, remoteIrr: 0x4000, level: 0x8000, masked: 0x1_0000 } as const;
/** Bits of the low word that software can write: not delivery status and remote IRR. */
const writable = 0x1_afff;

interface State {
  select: number;
  id: number;
  low: number[];
  high: number[];
  /** Levels of the inputs. */
  lines: boolean[];
}

const afterReset = (): State => ({
  select: 0,
  id: 0,
  low: new Array<number>(ioApicInputs).fill(entryBits.masked),
  high: new Array<number>(ioApicInputs).fill(0),
  lines: new Array<boolean>(ioApicInputs).fill(false),
});

export interface IoApic extends Device {
  /** The line of an input. True is active, whatever the polarity bit says: lines carry meaning, not voltage. */
  line(input: number): Line;
  /** What an interrupt at an input would send now; undefined while the input is masked or waits for an end of interrupt. */
  messageOf(input: number): ApicMessage | undefined;
  /** The input, 0–23, that has a vector; -1 if none. */
  inputOf(vector: number): number;
}

/** Inputs by the PC's IRQ numbers: the timer is at 2, because 0 has the 8259. */
export const inputOfIrq = (irq: number): number => (irq === 0 ? 2 : irq);

function entryText(low: number, high: number): string {
  const destination = `${low & 0x800 ? "logical " : "APIC "}${(high >>> 24).toString(16).toUpperCase()}h`;
  return `${low & entryBits.level ? "level" : "edge"}, ${deliveryModeText((low >> 8) & 7)}, to ${destination}`;
}

const inputView = ({ low: lows, high, lines }: State, input: number): InterruptView => {
  const low = lows[input]!;
  const masked = (low & entryBits.masked) !== 0;
  return {
    input: `input ${input}`,
    vector: low & 0xff,
    line: lines[input]!,
    // What can be delivered is at once: the delivery status is always idle.
    requested: false,
    inService: (low & entryBits.remoteIrr) !== 0,
    masked,
    text: entryText(low, high[input]!),
  };
};

export function createIoApic(bus: ApicBus): IoApic {
  let state = afterReset();

  const messageOf = (input: number): ApicMessage | undefined => {
    const low = state.low[input]!;
    const level = (low & entryBits.level) !== 0;
    if (low & entryBits.masked || (level && low & entryBits.remoteIrr)) return undefined;
    const destination = state.high[input]! >>> 24;
    return { mode: (low >> 8) & 7, vector: low & 0xff, level, destination, logical: (low & 0x800) !== 0 };
  };

  const deliver = (input: number) => {
    const message = messageOf(input);
    if (!message) return;
    if (message.level) state.low[input]! |= entryBits.remoteIrr;
    bus.send(message);
  };

  bus.onEndOfInterrupt((vector) => {
    for (const [input, low] of state.low.entries()) {
      if ((low & 0xff) !== vector || !(low & entryBits.remoteIrr)) continue;
      state.low[input] = low & ~entryBits.remoteIrr;
      if (state.lines[input]) deliver(input);
    }
  });

  const line =
    (input: number): Line =>
    (level) => {
      const was = state.lines[input];
      state.lines[input] = level;
      if (level && (!was || state.low[input]! & entryBits.level)) deliver(input);
    };

  const read = (register: number): number => {
    const input = (register - 0x10) >> 1;
    if (register === 0 || register === 2) return (state.id << 24) >>> 0;
    if (register === 1) return version;
    if (register < 0x10 || input >= ioApicInputs) return 0;
    return (register & 1 ? state.high[input]! : state.low[input]!) >>> 0;
  };

  const write = (register: number, value: number): void => {
    const input = (register - 0x10) >> 1;
    if (register === 0) state.id = (value >>> 24) & 0xf;
    if (register < 0x10 || input >= ioApicInputs) return;
    if (register & 1) state.high[input] = (value & 0xff00_0000) >>> 0;
    else {
      const low = (value & writable) | (state.low[input]! & entryBits.remoteIrr);
      // An edge-triggered entry has no remote IRR.
      state.low[input] = low & entryBits.level ? low : low & ~entryBits.remoteIrr;
      if (state.lines[input] && low & entryBits.level) deliver(input);
    }
  };

  /** IOREGSEL at 0, IOWIN at 10h; both take 32-bit accesses. */
  const registers = {
    read: (offset: number) => (offset === 0x10 ? read(state.select) : offset === 0 ? state.select : 0),
    write(offset: number, _bytes: number, value: number) {
      if (offset === 0) state.select = value & 0xff;
      else if (offset === 0x10) write(state.select, value);
    },
  };

  return {
    name: "I/O APIC",
    regions: [
      {
        space: "memory",
        base: ioApicBase,
        length: 0x1000,
        // Software reads and writes whole registers; a byte of one is what its value has there.
        read: (offset) => (registers.read(offset & ~3) >>> (8 * (offset & 3))) & 0xff,
        write: (offset, value) => registers.write(offset, 1, value),
        wide: registers,
      },
    ],
    line,
    messageOf,
    inputOf: (vector) => state.low.findIndex((low) => (low & (entryBits.masked | 0xff)) === vector),
    inspect: () => ({
      name: "I/O APIC",
      registers: [
        { name: "IOREGSEL", value: state.select, bits: 8, text: "" },
        { name: "IOAPICID", value: (state.id << 24) >>> 0, bits: 32, text: "" },
        { name: "IOAPICVER", value: version, bits: 32, text: `${ioApicInputs} inputs` },
      ],
      interrupts: state.low.map((_, input) => inputView(state, input)),
    }),
    save: () => structureOf(state),
    restore(saved) {
      state = structureOf(saved as State);
    },
  };
}

const structureOf = (state: State): State => ({
  ...state,
  low: [...state.low],
  high: [...state.high],
  lines: [...state.lines],
});
