import { cyclesPerSecond } from "../time/costs.ts";
import type { Clock, Device, Line, Region, Timing } from "./device.ts";
import { bitsText, type DeviceView } from "./device-view.ts";
import { type Disk, sectorBytes } from "./disk-image.ts";
import type { DmaChannel, Moved } from "./dma-8237.ts";

/** Main status register, port 3F4h. */
const main = { request: 0x80, toProcessor: 0x40, busy: 0x10 } as const;
/** Digital output register, port 3F2h. */
const output = { drive: 3, notReset: 4, interrupts: 8 } as const;
/** Status register 0: how a command ended, and that a seek did. */
const ended = { normally: 0, abnormally: 0x40, unknown: 0x80, polled: 0xc0 } as const;
const seekEnd = 0x20;
const endOfCylinder = 0x80;
const noData = 4;
const overrun = 0x10;
const multiTrack = 0x80;
/** Bytes in a sector as commands code it: 128 << 2. */
const sizeCode = 2;
/** A command with a disk takes so long; our disk turns infinitely fast. */
const commandTime = Math.round(cyclesPerSecond / 2000);
/** VERSION: an 82077AA. */
const version = 0x90;

interface State {
  output: number;
  /** Bytes of the command being written, and of its result being read. */
  command: number[];
  result: number[];
  /** Cylinder each drive's head is at. */
  cylinders: number[];
  /** Status 0 that SENSE INTERRUPT STATUS gives next, a value for each interrupt that waits. */
  senses: number[];
  /** When the command under way is done; null if none is. */
  due: number | null;
  rate: number;
  level: boolean;
}

const initial = (): State => ({
  output: output.notReset | output.interrupts,
  command: [],
  result: [],
  cylinders: [0, 0, 0, 0],
  senses: [],
  due: null,
  rate: 0,
  level: false,
});

/** Bytes of a command with its parameters, by its low five bits; others are one byte, and unknown. */
const lengths: ReadonlyMap<number, number> = new Map([
  [0x03, 3],
  [0x04, 2],
  [0x05, 9],
  [0x06, 9],
  [0x07, 2],
  [0x0a, 2],
  [0x0f, 3],
  [0x12, 2],
  [0x13, 4],
]);

/** Where a command is on a disk. */
interface Place {
  readonly drive: number;
  cylinder: number;
  head: number;
  sector: number;
}

/**
 * The 82077AA floppy controller, ports 3F2h–3F5h and 3F7h, IRQ 6, DMA channel 2. Not done: formatting, transfers without DMA, deleted
 * data, scans.
 */
class FloppyController implements Device {
  readonly name = "floppy controller";
  readonly irq = 6;
  readonly regions: readonly Region[];
  readonly timing: Timing;
  readonly #s = initial();
  readonly #drives: readonly (Disk | undefined)[];
  readonly #line: Line;
  readonly #dma: DmaChannel;
  readonly #clock: Clock;

  constructor(drives: readonly (Disk | undefined)[], line: Line, dma: DmaChannel, clock: Clock) {
    this.#drives = drives;
    this.#line = line;
    this.#dma = dma;
    this.#clock = clock;
    const port = (base: number, read: () => number, write: (value: number) => void): Region => ({
      ...{ space: "port", base, length: 1, read },
      write: (_offset, value) => write(value),
    });
    this.regions = [
      port(
        0x3f2,
        () => this.#s.output,
        (value) => this.#setOutput(value),
      ),
      port(
        0x3f3,
        () => 0,
        () => {},
      ),
      port(
        0x3f4,
        () => this.#mainStatus,
        (value) => this.#selectRate(value),
      ),
      port(
        0x3f5,
        () => this.#readResult(),
        (value) => this.#writeCommand(value),
      ),
      // No disk has been changed.
      port(
        0x3f7,
        () => 0,
        (value) => {
          this.#s.rate = value & 3;
        },
      ),
    ];
    this.timing = {
      nextDeadline: () => this.#s.due ?? undefined,
      tick: () => {
        if (this.#s.due !== null && clock() >= this.#s.due) this.#execute();
      },
    };
  }

  inspect(): DeviceView {
    const { output: digital, cylinders } = this.#s;
    const status = bitsText(this.#mainStatus, ["", "", "", "", "busy", "no DMA", "to the processor", "request"]);
    const drive = digital & output.drive;
    const running = bitsText(digital >> 2, ["", "interrupts"], digital & output.notReset ? "" : "in reset");
    return {
      name: "82077AA floppy controller",
      registers: [
        { name: "main status", value: this.#mainStatus, bits: 8, text: status },
        {
          name: "digital output",
          value: digital,
          bits: 8,
          text: [`drive ${drive}`, running].filter(Boolean).join(", "),
        },
        { name: "cylinder", value: cylinders[drive]!, bits: 8, text: `of drive ${drive}` },
      ],
    };
  }

  save = (): State => copyOf(this.#s);
  restore = (state: unknown): void => void Object.assign(this.#s, copyOf(state as State));

  #drive(level: boolean): void {
    const connected = level && (this.#s.output & output.interrupts) !== 0;
    if (connected !== this.#s.level) this.#line(connected);
    this.#s.level = connected;
  }

  get #mainStatus(): number {
    const { output: lines, due, result, command } = this.#s;
    if ((lines & output.notReset) === 0) return 0;
    if (due !== null) return main.busy;
    if (result.length) return main.request | main.toProcessor | main.busy;
    return main.request | (command.length ? main.busy : 0);
  }

  /** A reset ends with an interrupt, after which each drive's state is to be sensed. */
  #setOutput(value: number): void {
    const s = this.#s;
    const released = (s.output & output.notReset) === 0 && (value & output.notReset) !== 0;
    s.output = value;
    if ((value & output.notReset) === 0) {
      Object.assign(s, { command: [], result: [], senses: [], due: null });
      this.#drive(false);
    } else if (released) this.#reset();
  }

  #reset(): void {
    Object.assign(this.#s, { command: [], result: [], due: null, senses: [0, 1, 2, 3].map((n) => ended.polled | n) });
    this.#drive(true);
  }

  #selectRate(value: number): void {
    this.#s.rate = value & 3;
    if (value & 0x80) this.#reset();
  }

  #readResult(): number {
    const s = this.#s;
    if (s.due !== null || !s.result.length) return 0xff;
    this.#drive(false);
    return s.result.shift()!;
  }

  #writeCommand(value: number): void {
    const s = this.#s;
    if ((this.#mainStatus & (main.request | main.toProcessor)) !== main.request) return;
    s.command.push(value);
    if (s.command.length < (lengths.get(s.command[0]! & 0x1f) ?? 1)) return;
    // Commands that move heads or data take time; the others answer at once.
    if ([0x05, 0x06, 0x07, 0x0a, 0x0f].includes(s.command[0]! & 0x1f)) s.due = this.#clock() + commandTime;
    else this.#answer();
  }

  /** Commands without a disk. */
  #answer(): void {
    const s = this.#s;
    const [code = 0, first = 0] = s.command.splice(0);
    const drive = first & 3;
    switch (code) {
      case 0x03:
      case 0x12:
      case 0x13:
        return;
      case 0x04:
        s.result = [0x28 | (first & 7) | (s.cylinders[drive] === 0 ? 0x10 : 0)];
        return;
      case 0x08:
        this.#senseInterrupt();
        return;
      case 0x10:
        s.result = [version];
        return;
      case 0x14:
      case 0x94:
        s.result = [code & 0x80 ? 0x10 : 0];
        return;
      default:
        s.result = [ended.unknown];
    }
  }

  #senseInterrupt(): void {
    const s = this.#s;
    const sense = s.senses.shift();
    s.result = sense === undefined ? [ended.unknown] : [sense, s.cylinders[sense & 3]!];
    this.#drive(false);
  }

  /** Commands with a disk, once their time has come. */
  #execute(): void {
    const s = this.#s;
    const command = s.command.splice(0);
    s.due = null;
    const code = command[0]! & 0x1f;
    if (code === 0x07) this.#seek(command[1]! & 3, 0);
    else if (code === 0x0f) this.#seek(command[1]! & 3, command[2]!);
    else if (code === 0x0a) this.#readId(command[1]!);
    else this.#transfer(command, code === 0x05);
    this.#drive(true);
  }

  /** An empty drive's head finds track 0 too, but the drive is not there: RECALIBRATE ends abnormally. */
  #seek(drive: number, cylinder: number): void {
    const there = this.#drives[drive] !== undefined;
    this.#s.cylinders[drive] = cylinder;
    this.#s.senses.push(drive | seekEnd | (there ? ended.normally : ended.abnormally | 0x10));
  }

  #readId(selected: number): void {
    const [drive, head] = [selected & 3, (selected >> 2) & 1];
    const place = { drive, head, cylinder: this.#s.cylinders[drive]!, sector: 1 };
    const found = this.#sectorAt(place) !== undefined;
    this.#end(place, found ? ended.normally : ended.abnormally, found ? 0 : noData, selected);
  }

  /** Sector of a place; undefined if the disk has none such. */
  #sectorAt({ drive, cylinder, head, sector }: Place): number | undefined {
    const disk = this.#drives[drive];
    if (!disk) return undefined;
    const { cylinders, heads, sectors } = disk.geometry;
    if (cylinder >= cylinders || head >= heads || sector === 0 || sector > sectors) return undefined;
    return (cylinder * heads + head) * sectors + sector - 1;
  }

  /** READ and WRITE DATA: sectors until the terminal count of the DMA, or the end of the track (of the cylinder with MT). */
  #transfer(command: readonly number[], writes: boolean): void {
    const [code = 0, selected = 0, cylinder = 0, head = 0, sector = 0, size = 0, last = 0] = command;
    const place: Place = { drive: selected & 3, cylinder, head, sector };
    const here = cylinder === this.#s.cylinders[place.drive] && size === sizeCode;
    let status1: number | undefined = here ? undefined : noData;
    while (status1 === undefined) status1 = this.#sector(place, writes, last, (code & multiTrack) !== 0);
    this.#end(place, status1 === 0 ? ended.normally : ended.abnormally, status1, selected);
  }

  /** Transfers a sector and goes on. Status 1 if the command ends with it: 0 by terminal count, else what was wrong. */
  #sector(place: Place, writes: boolean, last: number, bothSides: boolean): number | undefined {
    const sector = this.#sectorAt(place);
    if (sector === undefined) return noData;
    const { bytes, terminal } = this.#move(this.#drives[place.drive]!, sector, writes);
    const more = advance(place, last, bothSides);
    if (bytes.length === 0) return overrun;
    if (terminal) return 0;
    return more ? undefined : endOfCylinder;
  }

  /** Moves a sector by DMA; what a short transfer leaves of it is written as zeros. */
  #move(disk: Disk, sector: number, writes: boolean): Moved {
    if (!writes) return this.#dma.toMemory(disk.read(sector));
    const moved = this.#dma.fromMemory(sectorBytes);
    const whole = new Uint8Array(sectorBytes);
    whole.set(moved.bytes);
    if (moved.bytes.length > 0) disk.write(sector, whole);
    return moved;
  }

  /** The result of a command with data: status 0–2, and where it stopped. */
  #end({ cylinder, head, sector }: Place, how: number, status1: number, selected: number): void {
    this.#s.result = [how | (selected & 7), status1, 0, cylinder, head, sector, sizeCode];
  }
}

/** Goes on to the next sector. False at the end of what a command may reach. */
function advance(place: Place, last: number, bothSides: boolean): boolean {
  if (place.sector < last) {
    place.sector++;
    return true;
  }
  place.sector = 1;
  if (bothSides && place.head === 0) {
    place.head = 1;
    return true;
  }
  if (bothSides) place.head = 0;
  place.cylinder++;
  return false;
}

const copyOf = (s: State): State => ({
  ...s,
  command: [...s.command],
  result: [...s.result],
  cylinders: [...s.cylinders],
  senses: [...s.senses],
});

export const createFloppyController = (
  drives: readonly (Disk | undefined)[],
  line: Line,
  dma: DmaChannel,
  clock: Clock,
): Device => new FloppyController(drives, line, dma, clock);
