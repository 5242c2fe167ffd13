import type { Device, Line } from "./device.ts";
import type { DeviceRegister, InterruptView } from "./device-view.ts";
import type { InterruptSource } from "./interrupt-source.ts";

/** Registers of one 8259A; the names are the data sheet's. */
interface Chip {
  irr: number;
  isr: number;
  imr: number;
  /** Levels of the eight inputs. */
  lines: number;
  /** ICW2: vector of input 0. */
  base: number;
  /** Next initialisation word expected: 2, 3, 4, or 0 in operation. */
  expects: number;
  icw4Needed: boolean;
  single: boolean;
  levelTriggered: boolean;
  autoEoi: boolean;
  rotateOnAutoEoi: boolean;
  specialFullyNested: boolean;
  specialMask: boolean;
  /** OCW3: a read of port 0 gives ISR instead of IRR. */
  readIsr: boolean;
  poll: boolean;
  /** Input of lowest priority. */
  lowest: number;
}

/** As after power-on of a PC without firmware: everything masked, so nothing arrives before the guest programs it. */
const reset = (): Chip => ({
  irr: 0,
  isr: 0,
  imr: 0xff,
  lines: 0,
  base: 0,
  expects: 0,
  icw4Needed: false,
  single: false,
  levelTriggered: false,
  autoEoi: false,
  rotateOnAutoEoi: false,
  specialFullyNested: false,
  specialMask: false,
  readIsr: false,
  poll: false,
  lowest: 7,
});

/** Distance from the highest priority, 0–7, of the first set bit of `bits`; 8 if none. */
function priority(chip: Chip, bits: number): number {
  if (bits === 0) return 8;
  for (let n = 0; n < 8; n++) if (bits & (1 << ((chip.lowest + 1 + n) & 7))) return n;
  return 8;
}

const inputAt = (chip: Chip, distance: number): number => (chip.lowest + 1 + distance) & 7;

/** The input that should interrupt now, or -1. `cascade` is the input behind which a second chip sits (master only). */
function winner(chip: Chip, cascade: number): number {
  const wanted = priority(chip, chip.irr & ~chip.imr);
  if (wanted === 8) return -1;
  const input = inputAt(chip, wanted);
  // In special mask mode a level in service inhibits others only while it is not masked.
  const serving = priority(chip, chip.specialMask ? chip.isr & ~chip.imr : chip.isr);
  const nested = chip.specialFullyNested && input === cascade && wanted === serving;
  return wanted < serving || nested ? input : -1;
}

function setInput(chip: Chip, input: number, level: boolean): void {
  const bit = 1 << input;
  if (level && (chip.levelTriggered || !(chip.lines & bit))) chip.irr |= bit;
  // The input must stay high until it is acknowledged, also in edge mode; else it is lost (and may become spurious).
  if (!level) chip.irr &= ~bit;
  chip.lines = level ? chip.lines | bit : chip.lines & ~bit;
}

/** INTA on one chip: the input taken, or -1 with nothing in service if the request has gone (spurious). */
function take(chip: Chip, cascade: number): number {
  const input = winner(chip, cascade);
  if (input < 0) return input;
  const bit = 1 << input;
  if (!chip.levelTriggered) chip.irr &= ~bit;
  if (!chip.autoEoi) chip.isr |= bit;
  else if (chip.rotateOnAutoEoi) chip.lowest = input;
  return input;
}

function initialise(chip: Chip, icw1: number): void {
  const { lines, base } = chip;
  Object.assign(chip, reset(), { lines, base, imr: 0, expects: 2 });
  chip.icw4Needed = (icw1 & 1) !== 0;
  chip.single = (icw1 & 2) !== 0;
  chip.levelTriggered = (icw1 & 8) !== 0;
  if (chip.levelTriggered) chip.irr = lines;
}

/** OCW2: end of interrupt and rotation, by bits 7:5 (R, SL, EOI). */
function ocw2(chip: Chip, value: number): void {
  const [rotate, specific, eoi] = [(value & 0x80) !== 0, (value & 0x40) !== 0, (value & 0x20) !== 0];
  if (!eoi) {
    if (specific && rotate) chip.lowest = value & 7;
    else if (!specific) chip.rotateOnAutoEoi = rotate;
    return;
  }
  const distance = priority(chip, chip.specialMask ? chip.isr & ~chip.imr : chip.isr);
  if (!specific && distance === 8) return;
  const input = specific ? value & 7 : inputAt(chip, distance);
  chip.isr &= ~(1 << input);
  if (rotate) chip.lowest = input;
}

function ocw3(chip: Chip, value: number): void {
  if (value & 4) chip.poll = true;
  if (value & 2) chip.readIsr = (value & 1) !== 0;
  if (value & 0x40) chip.specialMask = (value & 0x20) !== 0;
}

/** Initialisation words 2 to 4, in the order ICW1 asked for. */
function initialisationWord(chip: Chip, value: number): void {
  if (chip.expects === 2) {
    chip.base = value & 0xf8;
    chip.expects = !chip.single ? 3 : chip.icw4Needed ? 4 : 0;
  } else if (chip.expects === 3) {
    // Master or slave wiring is that of a PC whatever it says: the second chip is behind input 2.
    chip.expects = chip.icw4Needed ? 4 : 0;
  } else {
    chip.autoEoi = (value & 2) !== 0;
    chip.specialFullyNested = (value & 0x10) !== 0;
    chip.expects = 0;
  }
}

function writeChip(chip: Chip, offset: number, value: number): void {
  if (offset === 1) {
    if (chip.expects) initialisationWord(chip, value);
    else chip.imr = value;
  } else if (value & 0x10) initialise(chip, value);
  else if (value & 8) ocw3(chip, value);
  else ocw2(chip, value);
}

function readChip(chip: Chip, offset: number, cascade: number): number {
  if (chip.poll) {
    chip.poll = false;
    const input = take(chip, cascade);
    return input < 0 ? 0 : 0x80 | input;
  }
  if (offset === 1) return chip.imr;
  return chip.readIsr ? chip.isr : chip.irr;
}

const cascadeInput = 2;

const inputViews = (chip: Chip, first: number): InterruptView[] =>
  Array.from({ length: 8 }, (_, input) => ({
    input: `IRQ ${first + input}`,
    vector: chip.base + input,
    line: ((chip.lines >> input) & 1) === 1,
    requested: ((chip.irr >> input) & 1) === 1,
    inService: ((chip.isr >> input) & 1) === 1,
    masked: ((chip.imr >> input) & 1) === 1,
    text: first + input === cascadeInput ? "the second 8259" : chip.levelTriggered ? "level" : "edge",
  }));

function modeText(chip: Chip): string {
  if (chip.expects) return `waits for ICW${chip.expects}`;
  const modes = [
    chip.autoEoi && "automatic EOI",
    chip.rotateOnAutoEoi && "rotates",
    chip.specialFullyNested && "special fully nested",
    chip.specialMask && "special mask",
    chip.poll && "polled",
    `reads ${chip.readIsr ? "ISR" : "IRR"}`,
    chip.lowest !== 7 && `lowest priority: input ${chip.lowest}`,
  ];
  return modes.filter(Boolean).join(", ");
}

const chipRegisters = (chip: Chip, name: string): DeviceRegister[] => [
  { name: `${name} IRR`, value: chip.irr, bits: 8, text: "" },
  { name: `${name} ISR`, value: chip.isr, bits: 8, text: "" },
  { name: `${name} IMR`, value: chip.imr, bits: 8, text: "" },
  { name: `${name} ICW2`, value: chip.base, bits: 8, text: modeText(chip) },
];

/** The two 8259A interrupt controllers of a PC: ports 20h and A0h, the second behind input 2 of the first. */
export interface Pic extends Device, InterruptSource {
  /** The line of an IRQ, 0–15. */
  line(irq: number): Line;
  /** True if asserting `irq` now would reach the processor: not masked, nothing of its priority or above in service. */
  deliverable(irq: number): boolean;
  /** Takes an IRQ out of the mask. */
  unmask(irq: number): void;
  /** IRQs masked by the guest, bit per IRQ. */
  readonly masked: number;
}

export function createPic(): Pic {
  const master = reset();
  const slave = reset();
  const settle = () => setInput(master, cascadeInput, winner(slave, -1) >= 0);
  const regionOf = (chip: Chip, base: number, cascade: number) => ({
    space: "port" as const,
    base,
    length: 2,
    read(offset: number) {
      const value = readChip(chip, offset, cascade);
      settle();
      return value;
    },
    write(offset: number, value: number) {
      writeChip(chip, offset, value);
      settle();
    },
  });
  return {
    name: "PIC",
    regions: [regionOf(master, 0x20, cascadeInput), regionOf(slave, 0xa0, -1)],
    get pending() {
      return winner(master, cascadeInput) >= 0;
    },
    get masked() {
      return master.imr | (slave.imr << 8);
    },
    unmask(irq) {
      const chip = irq < 8 ? master : slave;
      chip.imr &= ~(1 << (irq & 7));
      settle();
    },
    acknowledge() {
      const first = take(master, cascadeInput);
      if (first !== cascadeInput) return master.base + (first < 0 ? 7 : first);
      const second = take(slave, -1);
      // The second chip drops its request while it is acknowledged: what still waits there is a new edge.
      setInput(master, cascadeInput, false);
      settle();
      return slave.base + (second < 0 ? 7 : second);
    },
    irqOf(vector) {
      if (vector >>> 3 === master.base >>> 3) return vector & 7;
      return vector >>> 3 === slave.base >>> 3 ? 8 + (vector & 7) : -1;
    },
    line: (irq) => (level) => {
      setInput(irq < 8 ? master : slave, irq & 7, level);
      settle();
    },
    deliverable(irq) {
      const probe = { master: { ...master }, slave: { ...slave } };
      const chip = irq < 8 ? probe.master : probe.slave;
      chip.irr = 1 << (irq & 7);
      if (irq < 8) return winner(chip, cascadeInput) >= 0;
      probe.master.irr = 1 << cascadeInput;
      return winner(chip, -1) >= 0 && winner(probe.master, cascadeInput) >= 0;
    },
    inspect: () => ({
      name: "8259A interrupt controllers",
      registers: [...chipRegisters(master, "first"), ...chipRegisters(slave, "second")],
      interrupts: [...inputViews(master, 0), ...inputViews(slave, 8)],
    }),
    save: () => ({ master: { ...master }, slave: { ...slave } }),
    restore(state) {
      const saved = state as { master: Chip; slave: Chip };
      Object.assign(master, saved.master);
      Object.assign(slave, saved.slave);
    },
  };
}
