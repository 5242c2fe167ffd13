import { bitsText, type DeviceRegister, type DeviceView } from "./device-view.ts";
import type { Disk } from "./disk-image.ts";

/** Bits of the status register. */
export const status = { error: 1, request: 8, seekComplete: 0x10, ready: 0x40, busy: 0x80 } as const;
const useLba = 0x40;

/** What a command does with the data register: it is read, written, or not used. */
export type Transfer = "read" | "write" | "none";

/** A command under way. */
export interface Work {
  readonly transfer: Transfer;
  /** Next sector to be read or written, and how many are left. */
  sector: number;
  left: number;
  /** Sectors between two interrupts. */
  readonly block: number;
  /** 48-bit address. */
  readonly wide: boolean;
}

/** The registers of a channel and the command under way: all its state, as plain JSON. */
export interface Registers {
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
  /** Geometry in force for each disk (INITIALIZE DEVICE PARAMETERS). */
  heads: number[];
  sectors: number[];
}

/** What a disk shows of itself after a reset. */
export const signature = (): Pick<Registers, "count" | "low" | "middle" | "high"> => ({
  count: [1, 0],
  low: [1, 0],
  middle: [0, 0],
  high: [0, 0],
});

export const initialRegisters = (disks: readonly (Disk | undefined)[]): Registers => ({
  ...signature(),
  error: 1,
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

export const copyOf = (r: Registers): Registers => ({
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

/** The disk that is selected: 0 master, 1 slave. */
export const unitOf = (r: Registers): number => (r.device >> 4) & 1;

/** Sector count of a command: 0 means all that the field can say and one more. */
export const countOf = (r: Registers, wide: boolean): number =>
  wide ? r.count[0]! + r.count[1]! * 256 || 65536 : r.count[0]! || 256;

/** The first sector a command addresses; -1 if there is none such. */
export function addressOf(r: Registers, wide: boolean): number {
  const [low, middle, high] = [r.low[0]!, r.middle[0]!, r.high[0]!];
  const lower = low + middle * 2 ** 8 + high * 2 ** 16;
  if (wide) return lower + (r.low[1]! + r.middle[1]! * 2 ** 8 + r.high[1]! * 2 ** 16) * 2 ** 24;
  const head = r.device & 15;
  if (r.device & useLba) return lower + head * 2 ** 24;
  const [heads, sectors] = [r.heads[unitOf(r)]!, r.sectors[unitOf(r)]!];
  if (low === 0 || low > sectors || head >= heads) return -1;
  return ((middle + high * 256) * heads + head) * sectors + low - 1;
}

/** The reverse, left in the registers when a command ends: the last sector it came to. */
export function showAddress(r: Registers, sector: number, wide: boolean): void {
  const bytes = (n: number) => Math.floor(sector / 2 ** (8 * n)) & 0xff;
  if (wide || r.device & useLba) {
    const pair = (n: number) => [bytes(n), wide ? bytes(n + 3) : 0];
    r.low = pair(0);
    r.middle = pair(1);
    r.high = pair(2);
    if (!wide) r.device = (r.device & 0xf0) | (bytes(3) & 15);
    return;
  }
  const [heads, sectors] = [r.heads[unitOf(r)]!, r.sectors[unitOf(r)]!];
  const track = Math.floor(sector / sectors);
  const cylinder = Math.floor(track / heads);
  r.low = [(sector % sectors) + 1, 0];
  r.device = (r.device & 0xf0) | (track % heads);
  r.middle = [cylinder & 0xff, 0];
  r.high = [cylinder >>> 8, 0];
}

const statusNames = ["error", "", "", "request", "seek complete", "", "ready", "busy"];

/** @param read a register by its offset from 1F0h as the guest reads it, with nothing acknowledged */
export function registersView(r: Registers, read: (offset: number) => number): DeviceView {
  const row = (name: string, offset: number, text = ""): DeviceRegister => ({
    ...{ name, value: read(offset), bits: 8, text },
  });
  const transfer = r.work ? `${r.work.transfer} from sector ${r.work.sector}, ${r.work.left} left` : "";
  return {
    name: "IDE channel",
    registers: [
      row("status", 7, [bitsText(read(7), statusNames), transfer].filter(Boolean).join("; ")),
      row("error", 1),
      row("sector count", 2),
      row("LBA low", 3),
      row("LBA middle", 4),
      row("LBA high", 5),
      row("device", 6, `disk ${unitOf(r)}${r.device & useLba ? ", LBA" : ", CHS"}`),
      {
        ...{ name: "device control", value: r.control, bits: 8 },
        text: bitsText(r.control, ["", "no interrupts", "reset", "", "", "", "", "high-order bytes"]),
      },
    ],
  };
}
