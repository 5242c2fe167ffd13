import { unsupported } from "../cpu/fault.ts";
import { cyclesPerSecond } from "../time/costs.ts";
import type { Clock, Device, Region } from "./device.ts";
import { palette64 } from "./palette.ts";
import type { Screen } from "./screen.ts";
import { registersOf, type VideoMode, videoMode } from "./vga-modes.ts";
import { type Pixels, pixelsOf } from "./vga-picture.ts";

const firstPort = 0x3b0;
const colourBit = 1;
const frameCycles = Math.round(cyclesPerSecond / 70);
const linesPerFrame = 449;
const lineCycles = frameCycles / linesPerFrame;
const retraceLine = 412;
const shownLines = 400;
const shownPartOfLine = 0.8;
const displayOff = 1;
const verticalRetrace = 8;
const palette = 256 * 3;

interface State {
  miscellaneous: number;
  featureControl: number;
  sequencerIndex: number;
  sequencer: number[];
  crtcIndex: number;
  crtc: number[];
  graphicsIndex: number;
  graphics: number[];
  attributeIndex: number;
  attribute: number[];
  /** The next write to 3C0h is data. */
  attributeData: boolean;
  pelMask: number;
  palette: number[];
  paletteRead: number;
  paletteWrite: number;
  /** The DAC was last told to read. */
  paletteReading: boolean;
  /** When the screen is looked at next. */
  frameAt: number;
  /** What it showed when last looked at. */
  shown: Screen | null;
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0);

const initial = (): State => ({
  miscellaneous: 0x67,
  featureControl: 0,
  sequencerIndex: 0,
  sequencer: zeros(8),
  crtcIndex: 0,
  crtc: zeros(0x20),
  graphicsIndex: 0,
  graphics: zeros(16),
  attributeIndex: 0x20,
  attribute: Array.from({ length: 0x20 }, (_, n) => (n < 16 ? n : 0)),
  attributeData: false,
  pelMask: 0xff,
  palette: zeros(palette),
  paletteRead: 0,
  paletteWrite: 0,
  paletteReading: false,
  frameAt: frameCycles,
  shown: null,
});

/** The VGA as the machine and its firmware see it. */
export interface Vga extends Device {
  /** What the screen shows now. */
  screen(): Screen;
  /** The pixels of a graphics mode, and the 256 colours that they, or the attributes of text, stand for: 8 bits each of red, green, blue. */
  picture(): { readonly pixels: Pixels | undefined; readonly palette: readonly number[] };
  /** Programs the registers of a mode. */
  setMode(mode: VideoMode): void;
  crtc(index: number): number;
  setCrtc(index: number, value: number): void;
  setPalette(index: number, rgb: readonly number[]): void;
  paletteEntry(index: number): readonly number[];
  /** Tells of what changed since the last frame, now. */
  show(): void;
}

/** What the VGA is connected to. */
export interface VgaWiring {
  /** A byte of guest-physical memory; video memory is ordinary memory here. */
  readonly memory: (physical: number) => number;
  /** The screen shows something else than at the last frame. */
  readonly changed: (screen: Screen) => void;
}

/**
 * A VGA, ports 3B0h–3DFh, as far as text and byte-per-pixel modes go: video memory at A0000h–BFFFFh is plain memory, which these modes'
 * addressing (odd/even and chain-4) makes it look like. Planar graphics are refused.
 */
export function createVga({ memory, changed }: VgaWiring, clock: Clock): Vga {
  const s = initial();
  const setMode = (mode: VideoMode) => {
    const { crtc, graphics, sequencer, attribute, miscellaneous } = registersOf(mode);
    for (const [index, value] of crtc) s.crtc[index] = value;
    for (const [index, value] of graphics) s.graphics[index] = value;
    for (const [index, value] of sequencer) s.sequencer[index] = value;
    for (const [index, value] of attribute.entries()) s.attribute[index] = value;
    s.miscellaneous = miscellaneous;
  };
  const setPalette = (index: number, rgb: readonly number[]) => {
    for (let n = 0; n < 3; n++) s.palette[3 * index + n] = rgb[n]! & 0x3f;
  };
  // As firmware leaves it.
  setMode(videoMode(3)!);
  for (let n = 0; n < 256; n++) setPalette(n, palette64(n));

  const screen = (): Screen => (s.graphics[6]! & 1 ? graphicsScreen(s) : textScreen(s, memory));
  const show = () => {
    const now = screen();
    const before = s.shown;
    const same = before?.cells === now.cells && before.mode === now.mode && before.graphics === now.graphics;
    // A blank screen at the start says nothing.
    const blank = before === null && /^[\0 \u0700\u0720]*$/.test(now.cells) && now.mode === "text";
    if (same || blank) return;
    s.shown = now;
    changed(now);
  };

  const region: Region = {
    space: "port",
    base: firstPort,
    length: 0x30,
    read: (offset) => readPort(s, firstPort + offset, clock()),
    write: (offset, value) => writePort(s, firstPort + offset, value),
  };
  return {
    name: "VGA",
    regions: [region],
    timing: {
      nextDeadline: () => s.frameAt,
      tick() {
        if (clock() < s.frameAt) return;
        s.frameAt += Math.ceil((clock() - s.frameAt + 1) / frameCycles) * frameCycles;
        show();
      },
    },
    screen,
    picture: () => ({
      pixels: s.graphics[6]! & 1 ? pixelsOf({ crtc: s.crtc, ...dimensions(s), memory }) : undefined,
      palette: coloursOf(s),
    }),
    setMode,
    crtc: (index) => s.crtc[index]!,
    setCrtc(index, value) {
      s.crtc[index] = value & 0xff;
    },
    setPalette,
    paletteEntry: (index) => s.palette.slice(3 * index, 3 * index + 3),
    show,
    save: () => copyOf(s),
    restore: (state) => void Object.assign(s, copyOf(state as State)),
  };
}

const copyOf = (s: State): State => ({
  ...s,
  sequencer: [...s.sequencer],
  crtc: [...s.crtc],
  graphics: [...s.graphics],
  attribute: [...s.attribute],
  palette: [...s.palette],
});

/** Vertical display end, 10 bits: CRTC 12h with bits 8 and 9 in the overflow register. */
const scanLines = (crtc: readonly number[]): number =>
  (crtc[0x12]! | ((crtc[7]! & 2) << 7) | ((crtc[7]! & 0x40) << 3)) + 1;

function textScreen({ crtc, graphics }: State, memory: (physical: number) => number): Screen {
  const columns = crtc[1]! + 1;
  const height = (crtc[9]! & 0x1f) + 1;
  const rows = Math.floor(scanLines(crtc) / height / (crtc[9]! & 0x80 ? 2 : 1));
  const base = ((graphics[6]! >> 2) & 3) === 2 ? 0xb0000 : 0xb8000;
  const start = crtc[0x0c]! * 256 + crtc[0x0d]!;
  const pitch = crtc[0x13]! * 2;
  // A row at a time: a string for each character would be most of what a guest's run leaves to collect.
  const row = new Array<number>(columns).fill(0);
  let cells = "";
  for (let n = 0; n < rows; n++) {
    for (let column = 0; column < columns; column++) {
      const at = base + 2 * ((start + n * pitch + column) & 0x3fff);
      row[column] = memory(at) | (memory(at + 1) << 8);
    }
    cells += String.fromCharCode(...row);
  }
  const place = crtc[0x0e]! * 256 + crtc[0x0f]! - start;
  const hidden = (crtc[0x0a]! & 0x20) !== 0 || place < 0 || place >= rows * pitch;
  const cursor = hidden ? null : { column: place % pitch, row: Math.floor(place / pitch) };
  return { mode: "text", columns, rows, cells, cursor, graphics: "" };
}

/** Of a graphics mode. */
function dimensions({ crtc, graphics }: State) {
  const chained = (graphics[5]! & 0x40) !== 0;
  return {
    width: ((crtc[1]! + 1) * 8) / (chained ? 2 : 1),
    height: scanLines(crtc) / (crtc[9]! & 0x80 || chained ? 2 : 1),
    bitsPerPixel: chained ? 8 : graphics[5]! & 0x20 ? 2 : 1,
  } as const;
}

function graphicsScreen(s: State): Screen {
  const { width, height, bitsPerPixel } = dimensions(s);
  const what = `${width} × ${height}, ${1 << bitsPerPixel} colours`;
  return { mode: "graphics", columns: 0, rows: 0, cells: "", cursor: null, graphics: what };
}

/** What colours stand for: 256-colour pixels go to the DAC, others by the palette registers of the attribute controller. */
function coloursOf({ palette: dac, attribute, pelMask, graphics }: State): number[] {
  const direct = (graphics[5]! & 0x40) !== 0;
  const eight = (part: number): number => (part << 2) | (part >> 4);
  return Array.from({ length: 256 }, (_, colour) => {
    const at = 3 * ((direct ? colour : attribute[colour & 15]! & 0x3f) & pelMask);
    return (eight(dac[at]!) << 16) | (eight(dac[at + 1]!) << 8) | eight(dac[at + 2]!);
  });
}

/** Input status 1: where the beam is. */
function inputStatus(now: number): number {
  const line = (now % frameCycles) / lineCycles;
  const off = line >= shownLines || line % 1 >= shownPartOfLine;
  const retrace = line >= retraceLine && line < retraceLine + 2;
  return (off ? displayOff : 0) | (retrace ? verticalRetrace : 0);
}

/** CRTC, input status and feature control are at 3Dxh in colour and 3Bxh in monochrome; the other place is empty. */
function colourPort(s: State, port: number): number {
  if (port >= 0x3c0 && port <= 0x3cf) return port;
  const colour = (s.miscellaneous & colourBit) !== 0;
  if (colour !== port >= 0x3d0) return -1;
  return (port & 0xf) | 0x3d0;
}

function readPort(s: State, port: number, now: number): number {
  switch (colourPort(s, port)) {
    case 0x3c0:
      return s.attributeIndex;
    case 0x3c1:
      return s.attribute[s.attributeIndex & 0x1f]!;
    case 0x3c2:
      return 0x10;
    case 0x3c4:
      return s.sequencerIndex;
    case 0x3c5:
      return s.sequencer[s.sequencerIndex & 7]!;
    case 0x3c6:
      return s.pelMask;
    case 0x3c7:
      return s.paletteReading ? 3 : 0;
    case 0x3c8:
      return Math.floor(s.paletteWrite / 3);
    case 0x3c9:
      return readPalette(s);
    case 0x3ca:
      return s.featureControl;
    case 0x3cc:
      return s.miscellaneous;
    case 0x3ce:
      return s.graphicsIndex;
    case 0x3cf:
      return s.graphics[s.graphicsIndex & 15]!;
    case 0x3d4:
      return s.crtcIndex;
    case 0x3d5:
      return s.crtc[s.crtcIndex & 0x1f]!;
    case 0x3da:
      s.attributeData = false;
      return inputStatus(now);
    default:
      return 0xff;
  }
}

function readPalette(s: State): number {
  const value = s.palette[s.paletteRead]!;
  s.paletteRead = (s.paletteRead + 1) % palette;
  return value;
}

function writePort(s: State, port: number, value: number): void {
  switch (colourPort(s, port)) {
    case 0x3c0:
      if (s.attributeData) s.attribute[s.attributeIndex & 0x1f] = value;
      else s.attributeIndex = value & 0x3f;
      s.attributeData = !s.attributeData;
      return;
    case 0x3c2:
      s.miscellaneous = value;
      return;
    case 0x3c4:
      s.sequencerIndex = value;
      return;
    case 0x3c5:
      s.sequencer[s.sequencerIndex & 7] = value;
      refusePlanes(s);
      return;
    case 0x3c6:
      s.pelMask = value;
      return;
    case 0x3c7:
      s.paletteRead = value * 3;
      s.paletteReading = true;
      return;
    case 0x3c8:
      s.paletteWrite = value * 3;
      s.paletteReading = false;
      return;
    case 0x3c9:
      s.palette[s.paletteWrite] = value & 0x3f;
      s.paletteWrite = (s.paletteWrite + 1) % palette;
      return;
    case 0x3ce:
      s.graphicsIndex = value;
      return;
    case 0x3cf:
      s.graphics[s.graphicsIndex & 15] = value;
      refusePlanes(s);
      return;
    case 0x3d4:
      s.crtcIndex = value;
      return;
    case 0x3d5:
      writeCrtc(s, value);
      return;
    case 0x3da:
      s.featureControl = value;
      return;
    default:
  }
}

/** Memory mode (sequencer 4): addresses go to the planes that the map mask selects, neither odd/even nor chained. */
const memoryMode = { sequential: 4, chained: 8 } as const;

/** Graphics in planes: modes 0Dh to 12h, and the unchained ones made of mode 13h. */
function refusePlanes({ sequencer, graphics }: State): void {
  const shows = (graphics[6]! & 1) !== 0;
  const planes = (sequencer[4]! & (memoryMode.sequential | memoryMode.chained)) === memoryMode.sequential;
  if (shows && planes) throw unsupported("planar VGA graphics");
}

/** Registers 0 to 7 are write-protected by bit 7 of register 11h, but for bit 4 of register 7. */
function writeCrtc(s: State, value: number): void {
  const index = s.crtcIndex & 0x1f;
  const locked = (s.crtc[0x11]! & 0x80) !== 0 && index < 8;
  if (!locked) s.crtc[index] = value;
  else if (index === 7) s.crtc[7] = (s.crtc[7]! & ~0x10) | (value & 0x10);
}
