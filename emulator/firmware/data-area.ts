import type { FirmwareMemory } from "./memory.ts";

/** Fields of the BIOS data area by their offset from 400h, and their bytes. */
const fields = {
  serialPort: [0x00, 2],
  extendedSegment: [0x0e, 2],
  equipment: [0x10, 2],
  memoryKib: [0x13, 2],
  shiftFlags: [0x17, 1],
  shiftKeys: [0x18, 1],
  altNumber: [0x19, 1],
  keysHead: [0x1a, 2],
  keysTail: [0x1c, 2],
  floppyStatus: [0x41, 1],
  videoMode: [0x49, 1],
  columns: [0x4a, 2],
  pageBytes: [0x4c, 2],
  pageOffset: [0x4e, 2],
  cursorShape: [0x60, 2],
  page: [0x62, 1],
  crtcPort: [0x63, 2],
  ticks: [0x6c, 4],
  midnight: [0x70, 1],
  breakFlag: [0x71, 1],
  resetFlag: [0x72, 2],
  diskStatus: [0x74, 1],
  disks: [0x75, 1],
  keysStart: [0x80, 2],
  keysEnd: [0x82, 2],
  lastRow: [0x84, 1],
  characterHeight: [0x85, 2],
  videoOptions: [0x87, 1],
  videoSwitches: [0x88, 1],
  videoFlags: [0x89, 1],
  keyboardFlags: [0x96, 1],
} as const satisfies Record<string, readonly [number, 1 | 2 | 4]>;

export type DataField = keyof typeof fields;

/** Linear address of the BIOS data area. */
export const dataArea = 0x400;

export function readField(memory: FirmwareMemory, field: DataField): number {
  const [offset, bytes] = fields[field];
  return memory.read(dataArea + offset, bytes);
}

export function writeField(memory: FirmwareMemory, field: DataField, value: number): void {
  const [offset, bytes] = fields[field];
  memory.write(dataArea + offset, bytes, value);
}

const cursors = 0x450;

/** Cursor of a page, 0–7. */
export const readCursor = (memory: FirmwareMemory, page: number): { row: number; column: number } => ({
  column: memory.read(cursors + 2 * (page & 7), 1),
  row: memory.read(cursors + 2 * (page & 7) + 1, 1),
});

export const writeCursor = (memory: FirmwareMemory, page: number, row: number, column: number): void =>
  memory.write(cursors + 2 * (page & 7), 2, (row << 8) | column);
