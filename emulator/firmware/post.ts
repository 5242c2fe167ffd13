import { videoMode } from "../devices/vga-modes.ts";
import { conventionalEnd } from "../loader/memory-map.ts";
import { writeField } from "./data-area.ts";
import type { Environment } from "./environment.ts";
import { fontPlaces, fontVectors } from "./font.ts";
import type { FirmwareMemory } from "./memory.ts";
import { rom } from "./rom-bytes.ts";
import { ticksNow } from "./time.ts";
import { setMode } from "./video.ts";

const romSegment = 0xf000;
const firstHardDisk = 0x80;
const extendedDataArea = conventionalEnd >> 4;

/** Interrupt vectors that lead to routines of the ROM. */
const routines: Readonly<Record<number, number>> = {
  [0x08]: rom.timer,
  [0x09]: rom.keyboard,
  [0x10]: rom.video,
  [0x11]: rom.equipment,
  [0x12]: rom.memory_size,
  [0x13]: rom.disk,
  [0x14]: rom.serial,
  [0x15]: rom.system,
  [0x16]: rom.keys,
  [0x17]: rom.printer,
  [0x18]: rom.no_disk,
  [0x19]: rom.boot,
  [0x1a]: rom.time,
  [0x70]: rom.clock,
  [0x71]: rom.redirected,
  [0x75]: rom.coprocessor,
};

/** The routine or table of a vector: by default nothing happens, and hardware interrupts are acknowledged. */
function vectorOffset(vector: number): number {
  const routine = routines[vector];
  if (routine !== undefined) return routine;
  if (vector >= 8 && vector < 16) return rom.first_controller;
  if (vector >= 0x70 && vector < 0x78) return rom.second_controller;
  if (vector === 0x1e) return rom.diskette;
  if (vector === fontVectors.upper) return fontPlaces.upper;
  return vector === fontVectors.lower ? fontPlaces.lower : rom.ignore;
}

/** Vectors for users, and of adapters that are not there, are empty. */
const isEmpty = (vector: number): boolean => (vector >= 0x60 && vector < 0x68) || vector === 0x1d || vector >= 0x78;

function writeVectors(memory: FirmwareMemory): void {
  for (let vector = 0; vector < 256; vector++)
    memory.write(4 * vector, 4, isEmpty(vector) ? 0 : ((romSegment << 16) | vectorOffset(vector)) >>> 0);
}

/** Equipment word: floppies, 80-column colour display, one serial port. */
function equipment({ drives }: Environment): number {
  const floppies = drives.filter(({ number }) => number < firstHardDisk).length;
  return (floppies ? 1 | ((floppies - 1) << 6) : 0) | 0x20 | 0x200 | 2;
}

function writeDataArea(memory: FirmwareMemory, environment: Environment): void {
  for (let at = 0x400; at < 0x500; at += 4) memory.write(at, 4, 0);
  writeField(memory, "serialPort", 0x3f8);
  writeField(memory, "extendedSegment", extendedDataArea);
  writeField(memory, "equipment", equipment(environment));
  writeField(memory, "memoryKib", conventionalEnd / 1024);
  for (const field of ["keysHead", "keysTail", "keysStart"] as const) writeField(memory, field, 0x1e);
  writeField(memory, "keysEnd", 0x3e);
  // A keyboard with 101 keys.
  writeField(memory, "keyboardFlags", 0x10);
  writeField(memory, "disks", environment.drives.filter(({ number }) => number >= firstHardDisk).length);
  writeField(memory, "ticks", ticksNow(environment.devices.rtc));
  for (let at = conventionalEnd; at < 0xa0000; at += 4) memory.write(at, 4, 0);
  memory.write(conventionalEnd, 1, 1);
}

/** Interrupt controllers at 08h and 70h with timer, keyboard, floppy, clock, coprocessor and disk let through; 18.2 Hz. */
const initialisation: readonly (readonly [port: number, value: number])[] = [
  [0x20, 0x11],
  [0x21, 0x08],
  [0x21, 0x04],
  [0x21, 0x01],
  [0xa0, 0x11],
  [0xa1, 0x70],
  [0xa1, 0x02],
  [0xa1, 0x01],
  [0x21, 0xb8],
  [0xa1, 0x9e],
  [0x43, 0x36],
  [0x40, 0x00],
  [0x40, 0x00],
  [0x64, 0x60],
  [0x60, 0x65],
];

/** What set-up keeps in battery-backed memory: drives and memory sizes. */
function configuration({ drives, memoryBytes }: Environment): Record<number, number> {
  const extended = Math.min((memoryBytes - 2 ** 20) / 1024, 65535);
  const above = Math.max(0, (memoryBytes - 2 ** 24) / 65536);
  const typeOf = (number: number) => drives.find((drive) => drive.number === number)?.floppyType ?? 0;
  const disks = drives.filter(({ number }) => number >= firstHardDisk);
  const [low, high] = [extended & 0xff, extended >>> 8];
  return {
    [0x10]: (typeOf(0) << 4) | typeOf(1),
    [0x12]: disks.reduce((sum, { number }) => sum | (number === firstHardDisk ? 0xf0 : 0x0f), 0),
    [0x14]: equipment({ drives } as Environment) & 0xff,
    [0x15]: (conventionalEnd / 1024 + 1) & 0xff,
    [0x16]: (conventionalEnd / 1024 + 1) >>> 8,
    [0x17]: low,
    [0x18]: high,
    [0x30]: low,
    [0x31]: high,
    [0x34]: above & 0xff,
    [0x35]: above >>> 8,
  };
}

/** Power-on self test: makes vectors, data areas, the screen and the devices what a boot sector expects. */
export function powerOnSelfTest(memory: FirmwareMemory, environment: Environment): void {
  const { devices, outPort } = environment;
  writeVectors(memory);
  devices.rtc.configure(configuration(environment));
  writeDataArea(memory, environment);
  for (const [port, value] of initialisation) outPort(port, value);
  setMode(memory, devices.vga, videoMode(3)!, false);
}
