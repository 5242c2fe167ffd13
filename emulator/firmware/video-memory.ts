import { type VideoMode, videoMode } from "../devices/vga-modes.ts";
import type { Caller } from "./caller.ts";
import { readCursor, readField } from "./data-area.ts";
import { glyph } from "./font.ts";
import type { FirmwareMemory } from "./memory.ts";

const usualMode = videoMode(3)!;
const mostColumns = 132;
const mostRows = 60;

/** The mode that is set. Guests can write anything into the data area: what is no mode of ours is taken for mode 3. */
export const presentMode = (memory: FirmwareMemory): VideoMode =>
  videoMode(readField(memory, "videoMode") & 0x7f) ?? usualMode;

/** Characters of the screen, of which there may be other numbers than the mode's own. */
export function dimensions(memory: FirmwareMemory): { readonly columns: number; readonly rows: number } {
  const columns = Math.min(Math.max(readField(memory, "columns"), 1), mostColumns);
  return { columns, rows: Math.min(readField(memory, "lastRow") + 1, mostRows) };
}

/** Linear address of a character of a page in a text mode. */
export function cellAddress(memory: FirmwareMemory, page: number, row: number, column: number): number {
  const { segment } = presentMode(memory);
  const { columns } = dimensions(memory);
  return segment * 16 + readField(memory, "pageBytes") * page + 2 * (row * columns + column);
}

/** A rectangle of characters, the corners included. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Moves a window's rows up (or down, for negative numbers), and fills what becomes free. */
export function scroll(memory: FirmwareMemory, page: number, window: Window, by: number, attribute: number): void {
  if (presentMode(memory).kind === "graphics") {
    scrollPixels(memory, window, by, attribute);
    return;
  }
  const height = window.bottom - window.top + 1;
  const count = by === 0 || Math.abs(by) > height ? height : Math.abs(by);
  const bytes = 2 * (window.right - window.left + 1);
  const first = cellAddress(memory, page, 0, window.left);
  const pitch = cellAddress(memory, page, 1, window.left) - first;
  for (let n = 0; n < height; n++) {
    const row = by >= 0 ? window.top + n : window.bottom - n;
    const from = by >= 0 ? row + count : row - count;
    if (n < height - count) copy(memory, first + from * pitch, first + row * pitch, bytes);
    else fill(memory, first + row * pitch, bytes, (attribute << 8) | 0x20);
  }
}

/** Copies an even number of bytes. */
function copy(memory: FirmwareMemory, from: number, to: number, bytes: number): void {
  let n = 0;
  for (; n + 4 <= bytes; n += 4) memory.write(to + n, 4, memory.read(from + n, 4));
  if (n < bytes) memory.write(to + n, 2, memory.read(from + n, 2));
}

/** Fills an even number of bytes with a word. */
function fill(memory: FirmwareMemory, at: number, bytes: number, word: number): void {
  let n = 0;
  for (; n + 4 <= bytes; n += 4) memory.write(at + n, 4, word * 0x1_0001);
  if (n < bytes) memory.write(at + n, 2, word);
}

function scrollPixels(memory: FirmwareMemory, window: Window, by: number, colour: number): void {
  const rows = window.bottom - window.top + 1;
  const height = rows * 8;
  const count = (by === 0 || Math.abs(by) > rows ? rows : Math.abs(by)) * 8;
  for (let n = 0; n < height; n++) {
    const y = by >= 0 ? window.top * 8 + n : window.bottom * 8 + 7 - n;
    const from = by >= 0 ? y + count : y - count;
    for (let x = window.left * 8; x < window.right * 8 + 8; x++)
      writePixel(memory, x, y, n < height - count ? readPixel(memory, x, from) : colour);
  }
}

/** Where a pixel is: the byte, and its bits within it. */
function place({ memory, x, y }: { memory: FirmwareMemory; x: number; y: number }) {
  const { number, segment } = presentMode(memory);
  const base = segment * 16;
  if (number === 0x13) return { at: base + ((y * 320 + x) & 0xffff), shift: 0, mask: 0xff };
  // The CGA keeps odd lines apart from even ones.
  const line = base + (y & 1) * 0x2000 + (y >> 1) * 80;
  if (number === 6) return { at: line + (x >> 3), shift: 7 - (x & 7), mask: 1 };
  return { at: line + (x >> 2), shift: 2 * (3 - (x & 3)), mask: 3 };
}

export function readPixel(memory: FirmwareMemory, x: number, y: number): number {
  const { at, shift, mask } = place({ memory, x, y });
  return (memory.read(at, 1) >> shift) & mask;
}

/** Bit 7 of the colour asks for an exclusive or, but with 256 colours. */
export function writePixel(memory: FirmwareMemory, x: number, y: number, colour: number): void {
  const { at, shift, mask } = place({ memory, x, y });
  const before = memory.read(at, 1);
  const mixed = mask !== 0xff && colour & 0x80 ? ((before >> shift) ^ colour) & mask : colour & mask;
  memory.write(at, 1, (before & ~(mask << shift)) | (mixed << shift));
}

/** Draws a character in a graphics mode. */
function drawGlyph(memory: FirmwareMemory, code: number, row: number, column: number, colour: number): void {
  const lines = glyph(memory, code);
  const mixes = presentMode(memory).number !== 0x13 && (colour & 0x80) !== 0;
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) {
      const on = ((lines[y]! >> (7 - x)) & 1) !== 0;
      if (on || !mixes) writePixel(memory, column * 8 + x, row * 8 + y, on ? colour : 0);
    }
}

/** Puts a character at a place; without an attribute that of the place stays (in graphics modes it is the colour). */
export function putCharacter(
  caller: Caller,
  page: number,
  { row, column }: { row: number; column: number },
  code: number,
  attribute: number | undefined,
): void {
  const { memory } = caller;
  if (presentMode(memory).kind === "graphics") {
    drawGlyph(memory, code, row, column, attribute ?? caller.bl);
    return;
  }
  const at = cellAddress(memory, page, row, column);
  if (attribute === undefined) memory.write(at, 1, code);
  else memory.write(at, 2, code | (attribute << 8));
}

/** Attribute at the cursor: what a line that scrolls in is filled with. */
export function attributeAtCursor(memory: FirmwareMemory, page: number): number {
  if (presentMode(memory).kind === "graphics") return 0;
  const { row, column } = readCursor(memory, page);
  return memory.read(cellAddress(memory, page, row, column) + 1, 1);
}
