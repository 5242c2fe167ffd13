import { cyclesPerSecond } from "../time/costs.ts";
import { identify } from "./ata-identify.ts";
import type { Clock, Device, Line, Region } from "./device.ts";
import { type Disk, type Geometry, sectorBytes } from "./disk-image.ts";

/** Registers of the command block, by offset from 1F0h. */
const register = { data: 0, error: 1, count: 2, low: 3, middle: 4, high: 5, device: 6, command: 7 } as const;
const status = { error: 1, request: 8, seekComplete: 0x10, ready: 0x40, busy: 0x80 } as const;
const errors = { aborted: 4, notFound: 0x10 } as const;
/** Device control, port 3F6h. */
const control = { noInterrupt: 2, reset: 4, highOrder: 0x80 } as const;
const useLba = 0x40;
/** A command takes so long; our disk turns infinitely fast. */
const commandTime = Math.round(cyclesPerSecond / 10_000);
const most = 16;

/** What a command does with the data register. */
type Transfer = "read" | "write";

/** A command under way. */
interface Work {
  readonly transfer: Transfer | "none";
  /** Next sector to be read or written, and how many are left. */
  sector: number;
  left: number;
  /** Sectors between two interrupts. */
  readonly block: number;
  /** 48-bit address. */
  readonly wide: boolean;
}

interface Registers {
  error: number;
  /** Count and address hold two bytes each: the last written and the one before (48-bit commands). */
  count: number[];
  low: number[];
  middle: number[];
  high: number[];
  device: number;
  control: number;
  status: number;
  /** Sectors in one block of READ and WRITE MULTIPLE; 0 while not set. */
  multiple: number;
  /** Data for the data register, and how far it has been moved. */
  buffer: number[];
  position: number;
  work: Work | null;
  /** When the command under way comes to its next step; null if none does. */
  due: number | null;
  interrupt: boolean;
  level: boolean;
  /** Geometry in force (INITIALIZE DEVICE PARAMETERS). */
  heads: number[];
  sectors: number[];
}

const initial = (disks: readonly (Disk | undefined)[]): Registers => ({
  error: 1,
  count: [1, 0],
  low: [1, 0],
  middle: [0, 0],
  high: [0, 0],
  device: 0xa0,
  control: 0,
  status: status.ready | status.seekComplete,
  multiple: 0,
  buffer: [],
  position: 0,
  work: null,
  due: null,
  interrupt: false,
  level: false,
  heads: disks.map((disk) => disk?.geometry.heads ?? 0),
  sectors: disks.map((disk) => disk?.geometry.sectors ?? 0),
});

/** Sector count of a command: 0 means all that the field can say and one more. */
const countOf = (r: Registers, wide: boolean): number =>
  wide ? r.count[0]! + r.count[1]! * 256 || 65536 : r.count[0]! || 256;

/** The first sector a command addresses; -1 if there is none such. */
function addressOf(r: Registers, wide: boolean): number {
  const unit = (r.device >> 4) & 1;
  const [low, middle, high] = [r.low[0]!, r.middle[0]!, r.high[0]!];
  if (wide) {
    const upper = r.low[1]! + r.middle[1]! * 2 ** 8 + r.high[1]! * 2 ** 16;
    return low + middle * 2 ** 8 + high * 2 ** 16 + upper * 2 ** 24;
  }
  const head = r.device & 15;
  if (r.device & useLba) return low + middle * 2 ** 8 + high * 2 ** 16 + head * 2 ** 24;
  const [heads, sectors] = [r.heads[unit]!, r.sectors[unit]!];
  if (low === 0 || low > sectors || head >= heads) return -1;
  return ((middle + high * 256) * heads + head) * sectors + low - 1;
}

/** The reverse, left in the registers when a command ends: the last sector it came to. */
function showAddress(r: Registers, sector: number, wide: boolean): void {
  const unit = (r.device >> 4) & 1;
  const bytes = (n: number) => Math.floor(sector / 2 ** (8 * n)) & 0xff;
  if (wide || r.device & useLba) {
    const pair = (n: number) => [bytes(n), wide ? bytes(n + 3) : 0];
    r.low = pair(0);
    r.middle = pair(1);
    r.high = pair(2);
    if (!wide) r.device = (r.device & 0xf0) | (bytes(3) & 15);
    return;
  }
  const [heads, sectors] = [r.heads[unit]!, r.sectors[unit]!];
  const track = Math.floor(sector / sectors);
  const cylinder = Math.floor(track / heads);
  r.low = [(sector % sectors) + 1, 0];
  r.device = (r.device & 0xf0) | (track % heads);
  r.middle = [cylinder & 0xff, 0];
  r.high = [cylinder >>> 8, 0];
}

/**
 * The primary IDE channel, ports 1F0h–1F7h and 3F6h, IRQ 14: up to two disks, programmed I/O. Not done: DMA, packet devices,
 * security, SMART and power states.
 */
export function createAta(disks: readonly (Disk | undefined)[], line: Line, clock: Clock): Device {
  const r = initial([disks[0], disks[1]]);
  const unit = () => (r.device >> 4) & 1;
  const disk = (): Disk | undefined => disks[unit()];
  const present = disks.some((one) => one !== undefined);

  const drive = () => {
    const level = r.interrupt && (r.control & control.noInterrupt) === 0 && disk() !== undefined;
    if (level !== r.level) line(level);
    r.level = level;
  };
  const raise = () => {
    r.interrupt = true;
  };
  const finish = (error: number) => {
    r.error = error;
    r.work = null;
    r.due = null;
    r.buffer = [];
    r.status = status.ready | status.seekComplete | (error ? status.error : 0);
    raise();
  };
  const offer = (bytes: Iterable<number>) => {
    r.buffer = [...bytes];
    r.position = 0;
    r.status = status.ready | status.seekComplete | status.request;
  };
  const wait = () => {
    r.status = status.busy;
    r.due = clock() + commandTime;
  };

  /** Starts a transfer of sectors. */
  const begin = (transfer: Work["transfer"], wide: boolean, block = 1) => {
    const sector = addressOf(r, wide);
    const left = countOf(r, wide);
    if (block === 0) finish(errors.aborted);
    else if (sector < 0 || sector + left > disk()!.sectors) finish(errors.notFound);
    else {
      r.work = { transfer, sector, left, block, wide };
      if (transfer === "write") offer(new Uint8Array(Math.min(block, left) * sectorBytes));
      else wait();
    }
  };
  /** The next block of a read is there, or the data of a write has been taken. */
  const proceed = () => {
    const { work } = r;
    r.due = null;
    if (!work) return finish(0);
    const count = work.transfer === "none" ? work.left : Math.min(work.block, work.left);
    if (work.transfer === "read") offer(sectorsAt(disk()!, work.sector, count));
    if (work.transfer === "write") store(disk()!, work.sector, r.buffer);
    work.sector += count;
    work.left -= count;
    showAddress(r, work.sector - 1, work.wide);
    if (work.transfer === "read") raise();
    else if (work.left === 0) finish(0);
    else {
      offer(new Uint8Array(Math.min(work.block, work.left) * sectorBytes));
      raise();
    }
  };
  /** All bytes in the buffer have been moved. */
  const moved = () => {
    const { work } = r;
    r.buffer = [];
    if (work && (work.transfer === "write" || work.left > 0)) return;
    r.work = null;
    r.status = status.ready | status.seekComplete;
  };
  const afterTransfer = () => {
    const { work } = r;
    const written = work?.transfer === "write" ? [...r.buffer] : [];
    moved();
    if (!work || (work.transfer === "read" && work.left === 0)) return;
    r.buffer = written;
    wait();
  };

  const identifyDevice = () => {
    offer(identify(disk()!, unit(), r.multiple, geometryInForce()));
    raise();
  };
  const geometryInForce = (): Geometry => {
    const [heads, sectors] = [r.heads[unit()]!, r.sectors[unit()]!];
    return { cylinders: Math.min(65535, Math.floor(disk()!.sectors / (heads * sectors))), heads, sectors };
  };
  const setMultiple = () => {
    const count = r.count[0]!;
    const possible = count <= most && (count & (count - 1)) === 0;
    if (possible) r.multiple = count;
    finish(possible ? 0 : errors.aborted);
  };
  const setParameters = () => {
    r.heads[unit()] = (r.device & 15) + 1;
    r.sectors[unit()] = r.count[0]!;
    finish(r.count[0] === 0 ? errors.aborted : 0);
  };
  const nativeMaximum = () => {
    showAddress(r, disk()!.sectors - 1, false);
    finish(0);
  };
  const done = () => finish(0);
  /** Diagnostic code 01h: no error; signature of a disk. */
  const diagnose = () => {
    signature();
    finish(0);
    r.error = 1;
  };
  const signature = () => {
    Object.assign(r, { count: [1, 0], low: [1, 0], middle: [0, 0], high: [0, 0], device: r.device & 0xf0 & ~0x10 });
  };

  const commands: Readonly<Record<number, () => void>> = {
    [0x20]: () => begin("read", false),
    [0x21]: () => begin("read", false),
    [0x24]: () => begin("read", true),
    [0x29]: () => begin("read", true, r.multiple),
    [0x30]: () => begin("write", false),
    [0x31]: () => begin("write", false),
    [0x34]: () => begin("write", true),
    [0x39]: () => begin("write", true, r.multiple),
    [0x40]: () => begin("none", false),
    [0x41]: () => begin("none", false),
    [0x42]: () => begin("none", true),
    [0x90]: diagnose,
    [0x91]: setParameters,
    [0xc4]: () => begin("read", false, r.multiple),
    [0xc5]: () => begin("write", false, r.multiple),
    [0xc6]: setMultiple,
    [0xe0]: done,
    [0xe1]: done,
    [0xe5]: () => {
      // Active.
      r.count[0] = 0xff;
      finish(0);
    },
    [0xe7]: done,
    [0xea]: done,
    [0xec]: identifyDevice,
    [0xef]: done,
    [0xf8]: nativeMaximum,
  };
  const obey = (command: number) => {
    if (!disk() && command !== 0x90) return;
    if (r.status & status.busy) return;
    r.interrupt = false;
    r.error = 0;
    r.work = null;
    // RECALIBRATE and SEEK take sixteen codes each.
    const act = commands[command] ?? (command >> 4 === 1 || command >> 4 === 7 ? done : undefined);
    if (act) act();
    else finish(errors.aborted);
  };

  const readData = (bytes: number): number => {
    if (!(r.status & status.request)) return 2 ** (8 * bytes) - 1;
    let value = 0;
    for (let n = 0; n < bytes; n++) value += (r.buffer[r.position + n] ?? 0) * 2 ** (8 * n);
    advance(bytes);
    return value;
  };
  const writeData = (bytes: number, value: number) => {
    if (!(r.status & status.request)) return;
    for (let n = 0; n < bytes && r.position + n < r.buffer.length; n++)
      r.buffer[r.position + n] = (value >>> (8 * n)) & 0xff;
    advance(bytes);
  };
  const advance = (bytes: number) => {
    r.position += bytes;
    if (r.position >= r.buffer.length) afterTransfer();
  };

  const readRegister = (offset: number): number => {
    if (!present) return 0xff;
    const byte = r.control & control.highOrder ? 1 : 0;
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
        return disk() ? r.status : 0;
    }
  };
  const push = (pair: number[], value: number): number[] => [value, pair[0]!];
  const writeRegister = (offset: number, value: number) => {
    r.control &= ~control.highOrder;
    if (offset === register.command) obey(value);
    else if (r.status & status.busy) return;
    else if (offset === register.count) r.count = push(r.count, value);
    else if (offset === register.low) r.low = push(r.low, value);
    else if (offset === register.middle) r.middle = push(r.middle, value);
    else if (offset === register.high) r.high = push(r.high, value);
    else if (offset === register.device) r.device = value | 0xa0;
  };

  const block: Region = {
    space: "port",
    base: 0x1f0,
    length: 8,
    read(offset) {
      if (offset === register.data) return readData(1);
      const value = readRegister(offset);
      // Reading the status acknowledges the interrupt.
      if (offset === register.command) r.interrupt = false;
      drive();
      return value;
    },
    write(offset, value) {
      if (offset === register.data) writeData(1, value);
      else writeRegister(offset, value);
      drive();
    },
    wide: {
      read(offset, bytes) {
        if (offset !== register.data) return block.read(offset) + block.read(offset + 1) * 256;
        const value = present ? readData(bytes) : 2 ** (8 * bytes) - 1;
        drive();
        return value;
      },
      write(offset, bytes, value) {
        if (offset === register.data) writeData(bytes, value);
        else for (let n = 0; n < bytes && offset + n < 8; n++) block.write(offset + n, (value >>> (8 * n)) & 0xff);
        drive();
      },
    },
  };
  const controlBlock: Region = {
    space: "port",
    base: 0x3f6,
    length: 1,
    read: () => readRegister(register.command),
    write(_offset, value) {
      const released = (r.control & control.reset) !== 0 && (value & control.reset) === 0;
      r.control = value;
      if (value & control.reset) Object.assign(r, { status: status.busy, work: null, due: null, interrupt: false });
      if (released) {
        signature();
        Object.assign(r, { status: status.ready | status.seekComplete, error: 1, multiple: 0, device: 0xa0 });
      }
      drive();
    },
  };
  return {
    name: "IDE",
    irq: 14,
    regions: [block, controlBlock],
    timing: {
      nextDeadline: () => r.due ?? undefined,
      tick() {
        if (r.due !== null && clock() >= r.due) proceed();
        drive();
      },
    },
    save: () => structure(r),
    restore: (state) => void Object.assign(r, structure(state as Registers)),
  };
}

const structure = (r: Registers): Registers => ({
  ...r,
  count: [...r.count],
  low: [...r.low],
  middle: [...r.middle],
  high: [...r.high],
  buffer: [...r.buffer],
  work: r.work && { ...r.work },
  heads: [...r.heads],
  sectors: [...r.sectors],
});

function* sectorsAt(disk: Disk, first: number, count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield* disk.read(first + n);
}

function store(disk: Disk, first: number, bytes: readonly number[]): void {
  for (let at = 0; at < bytes.length; at += sectorBytes)
    disk.write(first + at / sectorBytes, Uint8Array.from(bytes.slice(at, at + sectorBytes)));
}
