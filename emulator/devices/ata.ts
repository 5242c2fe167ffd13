import { cyclesPerSecond } from "../time/costs.ts";
import { identify } from "./ata-identify.ts";
import {
  addressOf,
  copyOf,
  countOf,
  initialRegisters,
  type Registers,
  registersView,
  showAddress,
  signature,
  status,
  type Transfer,
  unitOf,
} from "./ata-registers.ts";
import type { Clock, Device, Line, Region, Timing } from "./device.ts";
import type { DeviceView } from "./device-view.ts";
import { type Disk, type Geometry, sectorBytes } from "./disk-image.ts";

/** Registers of the command block, by offset from 1F0h. */
const register = { data: 0, error: 1, count: 2, low: 3, middle: 4, high: 5, device: 6, command: 7 } as const;
const errors = { none: 0, aborted: 4, notFound: 0x10 } as const;
/** Device control, port 3F6h. */
const control = { noInterrupt: 2, reset: 4, highOrder: 0x80 } as const;
/** A command takes so long; our disk turns infinitely fast. */
const commandTime = Math.round(cyclesPerSecond / 10_000);
/** Sectors that a block of READ and WRITE MULTIPLE can have. */
const largestBlock = 16;
const idle = status.ready | status.seekComplete;
const diagnosticPassed = 1;

/**
 * The primary IDE channel, ports 1F0h–1F7h and 3F6h, IRQ 14: up to two disks, programmed I/O. Not done: DMA, packet devices,
 * security, SMART and power states.
 */
class Ata implements Device {
  readonly name = "IDE";
  readonly irq = 14;
  readonly regions: readonly Region[];
  readonly timing: Timing;
  readonly #r: Registers;
  readonly #disks: readonly (Disk | undefined)[];
  readonly #line: Line;
  readonly #clock: Clock;

  constructor(disks: readonly (Disk | undefined)[], line: Line, clock: Clock) {
    this.#disks = [disks[0], disks[1]];
    this.#r = initialRegisters(this.#disks);
    this.#line = line;
    this.#clock = clock;
    this.regions = [this.#commandBlock(), this.#controlBlock()];
    this.timing = {
      nextDeadline: () => this.#r.due ?? undefined,
      tick: () => {
        if (this.#r.due !== null && clock() >= this.#r.due) this.#proceed();
        this.#drive();
      },
    };
  }

  inspect = (): DeviceView =>
    this.#present
      ? registersView(this.#r, (offset) => this.#readRegister(offset))
      : { name: "IDE channel without disks", registers: [] };
  save = (): Registers => copyOf(this.#r);
  restore = (state: unknown): void => void Object.assign(this.#r, copyOf(state as Registers));

  get #disk(): Disk | undefined {
    return this.#disks[unitOf(this.#r)];
  }

  /** Something is on the channel; without that, all reads float. */
  get #present(): boolean {
    return this.#disks.some((disk) => disk !== undefined);
  }

  #drive(): void {
    const r = this.#r;
    const level = r.interrupt && (r.control & control.noInterrupt) === 0 && this.#disk !== undefined;
    if (level !== r.level) this.#line(level);
    r.level = level;
  }

  // Commands.

  #finish(error: number): void {
    const failed = error === errors.none ? 0 : status.error;
    Object.assign(this.#r, { error, work: null, due: null, buffer: [], status: idle | failed, interrupt: true });
  }

  /** Bytes for the data register: to be read, or to be written over. */
  #offer(bytes: Iterable<number>): void {
    Object.assign(this.#r, { buffer: [...bytes], position: 0, status: idle | status.request });
  }

  #wait(): void {
    this.#r.status = status.busy;
    this.#r.due = this.#clock() + commandTime;
  }

  /** Starts a transfer of sectors. */
  #begin(transfer: Transfer, wide: boolean, block: number): void {
    const sector = addressOf(this.#r, wide);
    const left = countOf(this.#r, wide);
    if (block === 0) this.#finish(errors.aborted);
    else if (sector < 0 || sector + left > this.#disk!.sectors) this.#finish(errors.notFound);
    else {
      this.#r.work = { transfer, sector, left, block, wide };
      if (transfer === "write") this.#offer(new Uint8Array(Math.min(block, left) * sectorBytes));
      else this.#wait();
    }
  }

  /** The next block of a read is there, or the data of a write has been taken. */
  #proceed(): void {
    const { work } = this.#r;
    this.#r.due = null;
    if (!work) {
      this.#finish(errors.none);
      return;
    }
    const count = work.transfer === "none" ? work.left : Math.min(work.block, work.left);
    if (work.transfer === "read") this.#offer(sectorsAt(this.#disk!, work.sector, count));
    if (work.transfer === "write") store(this.#disk!, work.sector, this.#r.buffer);
    work.sector += count;
    work.left -= count;
    showAddress(this.#r, work.sector - 1, work.wide);
    if (work.transfer !== "read" && work.left === 0) this.#finish(errors.none);
    else if (work.transfer === "write") this.#offer(new Uint8Array(Math.min(work.block, work.left) * sectorBytes));
    this.#r.interrupt = true;
  }

  /** All bytes in the buffer have been moved. */
  #moved(): void {
    const r = this.#r;
    const { work } = r;
    const writes = work?.transfer === "write";
    if (!writes) r.buffer = [];
    if (writes || (work && work.left > 0)) this.#wait();
    else {
      r.work = null;
      r.status = idle;
    }
  }

  #identify(): void {
    this.#offer(identify(this.#disk!, unitOf(this.#r), this.#r.multiple, this.#geometry()));
    this.#r.interrupt = true;
  }

  #geometry(): Geometry {
    const [heads, sectors] = [this.#r.heads[unitOf(this.#r)]!, this.#r.sectors[unitOf(this.#r)]!];
    return { cylinders: Math.min(65535, Math.floor(this.#disk!.sectors / (heads * sectors))), heads, sectors };
  }

  #setMultiple(): void {
    const count = this.#r.count[0]!;
    const possible = count <= largestBlock && (count & (count - 1)) === 0;
    if (possible) this.#r.multiple = count;
    this.#finish(possible ? errors.none : errors.aborted);
  }

  #setParameters(): void {
    const r = this.#r;
    const sectors = r.count[0]!;
    if (sectors !== 0) {
      r.heads[unitOf(r)] = (r.device & 15) + 1;
      r.sectors[unitOf(r)] = sectors;
    }
    this.#finish(sectors === 0 ? errors.aborted : errors.none);
  }

  #diagnose(): void {
    Object.assign(this.#r, signature(), { device: this.#r.device & 0xe0 });
    this.#finish(errors.none);
    this.#r.error = diagnosticPassed;
  }

  #succeed = (): void => this.#finish(errors.none);

  readonly #commands: ReadonlyMap<number, () => void> = new Map([
    [0x20, () => this.#begin("read", false, 1)],
    [0x21, () => this.#begin("read", false, 1)],
    [0x24, () => this.#begin("read", true, 1)],
    [0x29, () => this.#begin("read", true, this.#r.multiple)],
    [0x30, () => this.#begin("write", false, 1)],
    [0x31, () => this.#begin("write", false, 1)],
    [0x34, () => this.#begin("write", true, 1)],
    [0x39, () => this.#begin("write", true, this.#r.multiple)],
    [0x40, () => this.#begin("none", false, 1)],
    [0x41, () => this.#begin("none", false, 1)],
    [0x42, () => this.#begin("none", true, 1)],
    [0x90, () => this.#diagnose()],
    [0x91, () => this.#setParameters()],
    [0xc4, () => this.#begin("read", false, this.#r.multiple)],
    [0xc5, () => this.#begin("write", false, this.#r.multiple)],
    [0xc6, () => this.#setMultiple()],
    [0xe0, this.#succeed],
    [0xe1, this.#succeed],
    // CHECK POWER MODE: active.
    [
      0xe5,
      () => {
        this.#r.count[0] = 0xff;
        this.#succeed();
      },
    ],
    [0xe7, this.#succeed],
    [0xea, this.#succeed],
    [0xec, () => this.#identify()],
    [0xef, this.#succeed],
    // READ NATIVE MAX ADDRESS.
    [
      0xf8,
      () => {
        showAddress(this.#r, this.#disk!.sectors - 1, false);
        this.#succeed();
      },
    ],
  ]);

  #obey(command: number): void {
    const r = this.#r;
    if (!this.#disk || (r.status & status.busy) !== 0) return;
    Object.assign(r, { interrupt: false, error: 0, work: null });
    // RECALIBRATE and SEEK take sixteen codes each.
    const act = this.#commands.get(command) ?? (command >> 4 === 1 || command >> 4 === 7 ? this.#succeed : undefined);
    if (act) act();
    else this.#finish(errors.aborted);
  }

  // Registers.

  #readData(bytes: number): number {
    const r = this.#r;
    if (!this.#present || (r.status & status.request) === 0) return 2 ** (8 * bytes) - 1;
    let value = 0;
    for (let n = 0; n < bytes; n++) value += (r.buffer[r.position + n] ?? 0) * 2 ** (8 * n);
    this.#advance(bytes);
    return value;
  }

  #writeData(bytes: number, value: number): void {
    const r = this.#r;
    if ((r.status & status.request) === 0) return;
    for (let n = 0; n < bytes && r.position + n < r.buffer.length; n++)
      r.buffer[r.position + n] = (value >>> (8 * n)) & 0xff;
    this.#advance(bytes);
  }

  #advance(bytes: number): void {
    this.#r.position += bytes;
    if (this.#r.position >= this.#r.buffer.length) this.#moved();
  }

  #readRegister(offset: number): number {
    if (!this.#present) return 0xff;
    const r = this.#r;
    const byte = (r.control & control.highOrder) === 0 ? 0 : 1;
    switch (offset) {
      case register.error:
        return r.error;
      case register.count:
        return r.count[byte]!;
      case register.low:
        return r.low[byte]!;
      case register.middle:
        return r.middle[byte]!;
      case register.high:
        return r.high[byte]!;
      case register.device:
        return r.device;
      default:
        return this.#disk ? r.status : 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const r = this.#r;
    const push = (pair: readonly number[]): number[] => [value, pair[0]!];
    r.control &= ~control.highOrder;
    if (offset === register.command) this.#obey(value);
    else if ((r.status & status.busy) !== 0) return;
    else if (offset === register.count) r.count = push(r.count);
    else if (offset === register.low) r.low = push(r.low);
    else if (offset === register.middle) r.middle = push(r.middle);
    else if (offset === register.high) r.high = push(r.high);
    else if (offset === register.device) r.device = value | 0xa0;
  }

  #commandBlock(): Region {
    const read = (offset: number): number => {
      if (offset === register.data) return this.#readData(1);
      const value = this.#readRegister(offset);
      // Reading the status acknowledges the interrupt.
      if (offset === register.command) this.#r.interrupt = false;
      this.#drive();
      return value;
    };
    const write = (offset: number, value: number): void => {
      if (offset === register.data) this.#writeData(1, value);
      else this.#writeRegister(offset, value);
      this.#drive();
    };
    return {
      ...{ space: "port", base: 0x1f0, length: 8, read, write },
      wide: {
        // Only the data register is wide.
        read: (offset, bytes) => (offset === register.data ? this.#readData(bytes) : each(offset, bytes, read)),
        write: (offset, bytes, value) => {
          if (offset === register.data) this.#writeData(bytes, value);
          else for (let n = 0; n < bytes && offset + n < 8; n++) write(offset + n, (value >>> (8 * n)) & 0xff);
        },
      },
    };
  }

  #controlBlock(): Region {
    return {
      space: "port",
      base: 0x3f6,
      length: 1,
      read: () => this.#readRegister(register.command),
      write: (_offset, value) => {
        const r = this.#r;
        const released = (r.control & control.reset) !== 0 && (value & control.reset) === 0;
        r.control = value;
        if (value & control.reset) Object.assign(r, { status: status.busy, work: null, due: null, interrupt: false });
        if (released)
          Object.assign(r, signature(), { status: idle, error: diagnosticPassed, multiple: 0, device: 0xa0 });
        this.#drive();
      },
    };
  }
}

/** Registers of a byte beside each other. */
function each(offset: number, bytes: number, read: (offset: number) => number): number {
  let value = 0;
  for (let n = 0; n < bytes; n++) value += (offset + n < 8 ? read(offset + n) : 0xff) * 2 ** (8 * n);
  return value;
}

function* sectorsAt(disk: Disk, first: number, count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield* disk.read(first + n);
}

function store(disk: Disk, first: number, bytes: readonly number[]): void {
  for (let at = 0; at < bytes.length; at += sectorBytes)
    disk.write(first + at / sectorBytes, Uint8Array.from(bytes.slice(at, at + sectorBytes)));
}

export const createAta = (disks: readonly (Disk | undefined)[], line: Line, clock: Clock): Device =>
  new Ata(disks, line, clock);
