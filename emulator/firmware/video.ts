import { unsupported } from "../cpu/fault.ts";
import { palette64, palette200, palette256 } from "../devices/palette.ts";
import type { Vga } from "../devices/vga.ts";
import { type VideoMode, videoMode } from "../devices/vga-modes.ts";
import type { Caller } from "./caller.ts";
import { readCursor, readField, writeCursor, writeField } from "./data-area.ts";
import type { Functions, Service } from "./environment.ts";
import { fontAddress } from "./font.ts";
import type { FirmwareMemory } from "./memory.ts";
import {
  attributeAtCursor,
  cellAddress,
  dimensions,
  presentMode,
  putCharacter,
  readPixel,
  scroll,
  writePixel,
} from "./video-memory.ts";

const keepMemory = 0x80;
const textCursor = 0x0607;
const [bell, backspace, lineFeed, carriageReturn] = [7, 8, 10, 13];
const planar = [0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12];

/** Sets a mode: registers, palette, data area, and unless told otherwise a blank screen. */
export function setMode(memory: FirmwareMemory, vga: Vga, mode: VideoMode, keep: boolean): void {
  const colours = mode.kind === "text" ? palette64 : mode.number === 0x13 ? palette256 : palette200;
  vga.setMode(mode);
  for (let n = 0; n < 256; n++) vga.setPalette(n, colours(n));
  const { number, columns, rows, pageBytes, characterHeight } = mode;
  writeField(memory, "videoMode", number);
  writeField(memory, "columns", columns);
  writeField(memory, "lastRow", rows - 1);
  writeField(memory, "pageBytes", pageBytes);
  writeField(memory, "pageOffset", 0);
  writeField(memory, "page", 0);
  writeField(memory, "characterHeight", characterHeight);
  writeField(memory, "cursorShape", mode.kind === "text" ? textCursor : 0);
  writeField(memory, "crtcPort", number === 7 ? 0x3b4 : 0x3d4);
  writeField(memory, "videoOptions", 0x60 | (keep ? keepMemory : 0));
  writeField(memory, "videoSwitches", 0xf9);
  writeField(memory, "videoFlags", 0x51);
  for (let page = 0; page < 8; page++) writeCursor(memory, page, 0, 0);
  if (!keep) clear(memory, mode);
}

function clear(memory: FirmwareMemory, { kind, segment, number }: VideoMode): void {
  const bytes = number === 0x13 ? 0x10000 : kind === "text" ? 0x8000 : 0x4000;
  const fill = kind === "text" ? 0x0720_0720 : 0;
  for (let n = 0; n < bytes; n += 4) memory.write(segment * 16 + n, 4, fill);
}

/** Moves a page's cursor; that of the page shown is the screen's. */
function moveCursor(memory: FirmwareMemory, vga: Vga, page: number, row: number, column: number): void {
  writeCursor(memory, page, row, column);
  if (page === readField(memory, "page")) showCursor(memory, vga);
}

function showCursor(memory: FirmwareMemory, vga: Vga): void {
  const page = readField(memory, "page");
  const { row, column } = readCursor(memory, page);
  const place = readField(memory, "pageOffset") / 2 + row * readField(memory, "columns") + column;
  vga.setCrtc(0x0e, place >>> 8);
  vga.setCrtc(0x0f, place);
}

function wholeScreen(memory: FirmwareMemory) {
  const { columns, rows } = dimensions(memory);
  return { top: 0, left: 0, bottom: rows - 1, right: columns - 1 };
}

/** Writes a character as a terminal does. */
export function teletype(caller: Caller, vga: Vga, page: number, code: number, attribute?: number): void {
  const { memory } = caller;
  const { columns, rows } = dimensions(memory);
  let { row, column } = readCursor(memory, page);
  if (code === bell) return;
  if (code === backspace) column = Math.max(0, column - 1);
  else if (code === carriageReturn) column = 0;
  else if (code === lineFeed) row++;
  else {
    putCharacter(caller, page, { row, column }, code, attribute);
    column++;
    if (column >= columns) {
      column = 0;
      row++;
    }
  }
  if (row >= rows) {
    scroll(memory, page, wholeScreen(memory), 1, attributeAtCursor(memory, page));
    row = rows - 1;
  }
  moveCursor(memory, vga, page, row, column);
}

function scrollWindow(caller: Caller, direction: 1 | -1): void {
  const { memory } = caller;
  const { columns, rows } = dimensions(memory);
  const window = {
    top: caller.ch,
    left: caller.cl,
    bottom: Math.min(caller.dh, rows - 1),
    right: Math.min(caller.dl, columns - 1),
  };
  if (window.top > window.bottom || window.left > window.right) return;
  const by = caller.al === 0 ? window.bottom - window.top + 1 : caller.al;
  scroll(memory, readField(memory, "page"), window, by * direction, caller.bh);
}

/** AH = 09h and 0Ah: a character CX times from the cursor, which stays. */
function repeat(caller: Caller, attribute: number | undefined): void {
  const { memory, bh: page } = caller;
  const { columns, rows } = dimensions(memory);
  const start = readCursor(memory, page);
  for (let n = 0; n < caller.cx; n++) {
    const place = start.row * columns + start.column + n;
    const row = Math.floor(place / columns);
    if (row >= rows) return;
    putCharacter(caller, page, { row, column: place % columns }, caller.al, attribute);
  }
}

/** AH = 13h: AL bit 0 moves the cursor, bit 1 says that attributes are among the characters. */
function writeString(caller: Caller, vga: Vga): void {
  const { memory, al, bh: page } = caller;
  const before = readCursor(memory, page);
  const step = al & 2 ? 2 : 1;
  moveCursor(memory, vga, page, caller.dh, caller.dl);
  for (let n = 0; n < caller.cx; n++) {
    const at = caller.bp + n * step;
    const attribute = step === 2 ? memory.read(caller.linear("es", at + 1), 1) : caller.bl;
    teletype(caller, vga, page, memory.read(caller.linear("es", at), 1), attribute);
  }
  if (!(al & 1)) moveCursor(memory, vga, page, before.row, before.column);
}

/** AH = 10h: the palette. The attribute controller's own registers are kept by the ports only. */
function palette(caller: Caller, vga: Vga): void {
  const { memory, bx, cx, dx } = caller;
  switch (caller.al) {
    case 0x10:
      vga.setPalette(bx & 0xff, [dx >>> 8, cx >>> 8, cx & 0xff]);
      return;
    case 0x12:
      for (let n = 0; n < cx; n++)
        vga.setPalette(
          (bx + n) & 0xff,
          [0, 1, 2].map((k) => memory.read(caller.linear("es", dx + 3 * n + k), 1)),
        );
      return;
    case 0x15: {
      const [red, green, blue] = vga.paletteEntry(bx & 0xff);
      caller.dx = (red! << 8) | caller.dl;
      caller.cx = (green! << 8) | blue!;
      return;
    }
    case 0x17:
      for (let n = 0; n < cx; n++)
        for (const [k, part] of vga.paletteEntry((bx + n) & 0xff).entries())
          memory.write(caller.linear("es", dx + 3 * n + k), 1, part);
      return;
    default:
  }
}

/** AH = 11h, AL = 30h: where the font is. Loading other fonts changes no character's code, so text stays readable. */
function font(caller: Caller): void {
  const { memory } = caller;
  if (caller.al === 0x12 || caller.al === 0x02) setRows(memory, 50, 8);
  else if (caller.al === 0x14 || caller.al === 0x04) setRows(memory, 25, 16);
  if (caller.al !== 0x30) return;
  const { segment, offset } = fontAddress(memory, caller.bh);
  caller.setEs(segment);
  caller.bp = offset;
  caller.cx = readField(memory, "characterHeight");
  caller.dl = readField(memory, "lastRow");
}

function setRows(memory: FirmwareMemory, rows: number, height: number): void {
  if (presentMode(memory).kind !== "text") return;
  writeField(memory, "lastRow", rows - 1);
  writeField(memory, "characterHeight", height);
  writeField(memory, "pageBytes", rows > 25 ? 0x2000 : presentMode(memory).pageBytes);
}

/** INT 10h by AH. VBE (4Fh) is not among them: AL stays as it was, which says so. */
const functions: Functions = {
  [0x00]: (caller, { devices: { vga } }) => {
    const number = caller.al & 0x7f;
    const mode = videoMode(number);
    if (mode) setMode(caller.memory, vga, mode, (caller.al & keepMemory) !== 0);
    else if (planar.includes(number)) throw unsupported(`VGA mode ${number.toString(16).toUpperCase()}h: it is planar`);
    caller.al = number > 7 ? 0x20 : number === 6 ? 0x3f : 0x30;
    return undefined;
  },
  [0x01]: (caller, { devices: { vga } }) => {
    writeField(caller.memory, "cursorShape", caller.cx);
    vga.setCrtc(0x0a, scaled(caller.memory, caller.ch & 0x1f) | (caller.ch & 0x20));
    vga.setCrtc(0x0b, scaled(caller.memory, caller.cl & 0x1f));
    return undefined;
  },
  [0x02]: (caller, { devices: { vga } }) => {
    moveCursor(caller.memory, vga, caller.bh, caller.dh, caller.dl);
    return undefined;
  },
  [0x03]: (caller) => {
    const { row, column } = readCursor(caller.memory, caller.bh);
    caller.dx = (row << 8) | column;
    caller.cx = readField(caller.memory, "cursorShape");
    return undefined;
  },
  [0x05]: (caller, { devices: { vga } }) => {
    const { memory } = caller;
    const page = caller.al & 7;
    const offset = page * readField(memory, "pageBytes");
    writeField(memory, "page", page);
    writeField(memory, "pageOffset", offset);
    vga.setCrtc(0x0c, offset >>> 9);
    vga.setCrtc(0x0d, offset >>> 1);
    showCursor(memory, vga);
    return undefined;
  },
  [0x06]: (caller) => void scrollWindow(caller, 1),
  [0x07]: (caller) => void scrollWindow(caller, -1),
  [0x08]: (caller) => {
    const { memory, bh: page } = caller;
    const { row, column } = readCursor(memory, page);
    const graphics = presentMode(memory).kind === "graphics";
    caller.ax = graphics ? 0 : memory.read(cellAddress(memory, page, row, column), 2);
    return undefined;
  },
  [0x09]: (caller) => void repeat(caller, caller.bl),
  [0x0a]: (caller) => void repeat(caller, undefined),
  [0x0b]: () => undefined,
  [0x0c]: (caller) => void (onScreen(caller) && writePixel(caller.memory, caller.cx, caller.dx, caller.al)),
  [0x0d]: (caller) => {
    if (onScreen(caller)) caller.al = readPixel(caller.memory, caller.cx, caller.dx);
    return undefined;
  },
  [0x0e]: (caller, { devices: { vga } }) => void teletype(caller, vga, readField(caller.memory, "page"), caller.al),
  [0x0f]: (caller) => {
    const { memory } = caller;
    const kept = readField(memory, "videoOptions") & keepMemory;
    caller.ax = (readField(memory, "columns") << 8) | readField(memory, "videoMode") | kept;
    caller.bh = readField(memory, "page");
    return undefined;
  },
  [0x10]: (caller, { devices: { vga } }) => void palette(caller, vga),
  [0x11]: (caller, { devices: { vga } }) => {
    font(caller);
    vga.setCrtc(9, 0x40 | (readField(caller.memory, "characterHeight") - 1));
    return undefined;
  },
  [0x12]: (caller) => {
    if (caller.bl === 0x10) {
      caller.bx = 0x0003;
      caller.cx = 0x0009;
    } else if (caller.bl >= 0x30 && caller.bl <= 0x36) caller.al = 0x12;
    return undefined;
  },
  [0x13]: (caller, { devices: { vga } }) => void writeString(caller, vga),
  [0x1a]: (caller) => {
    if (caller.al === 0) caller.bx = 0x0008;
    caller.al = 0x1a;
    return undefined;
  },
};

/** Cursor lines are given for characters of 8 lines and stretched to ours. */
function scaled(memory: FirmwareMemory, line: number): number {
  const height = readField(memory, "characterHeight");
  return height <= 8 || line > 7 ? line : Math.min(height - 1, Math.floor(((line + 1) * height) / 8) - 1);
}

function onScreen(caller: Caller): boolean {
  const { kind, width = 0, height = 0 } = presentMode(caller.memory);
  return kind === "graphics" && caller.cx < width && caller.dx < height;
}

export const videoService: Service = (caller, environment) => functions[caller.ah]?.(caller, environment);
