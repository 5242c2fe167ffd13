/** What a video mode sets: what the BIOS data area says of it, and the registers by which the screen is drawn. */
export interface VideoMode {
  readonly number: number;
  readonly kind: "text" | "graphics";
  /** Characters, or in graphics modes the characters that fit. */
  readonly columns: number;
  readonly rows: number;
  /** Pixels and colours of graphics modes. */
  readonly width?: number;
  readonly height?: number;
  readonly colours?: number;
  /** Scan lines of a character. */
  readonly characterHeight: number;
  /** Bytes of a page of video memory. */
  readonly pageBytes: number;
  /** Segment of video memory. */
  readonly segment: number;
}

const colourText = { kind: "text", rows: 25, characterHeight: 16, segment: 0xb800 } as const;
const cga = {
  kind: "graphics",
  rows: 25,
  characterHeight: 8,
  pageBytes: 0x4000,
  segment: 0xb800,
  height: 200,
} as const;

/** The modes whose video memory is a plain array of bytes. The planar ones (0Dh–12h) are not among them. */
export const videoModes: readonly VideoMode[] = [
  { number: 0, columns: 40, pageBytes: 0x800, ...colourText },
  { number: 1, columns: 40, pageBytes: 0x800, ...colourText },
  { number: 2, columns: 80, pageBytes: 0x1000, ...colourText },
  { number: 3, columns: 80, pageBytes: 0x1000, ...colourText },
  { number: 4, columns: 40, width: 320, colours: 4, ...cga },
  { number: 5, columns: 40, width: 320, colours: 4, ...cga },
  { number: 6, columns: 80, width: 640, colours: 2, ...cga },
  { number: 7, columns: 80, pageBytes: 0x1000, ...colourText, segment: 0xb000 },
  {
    number: 0x13,
    kind: "graphics",
    columns: 40,
    rows: 25,
    width: 320,
    height: 200,
    colours: 256,
    characterHeight: 8,
    pageBytes: 0x10000,
    segment: 0xa000,
  },
];

export const videoMode = (number: number): VideoMode | undefined => videoModes.find((mode) => mode.number === number);

/** Registers after a mode has been set, as far as they decide what is seen: CRTC, graphics controller, sequencer, miscellaneous. */
export interface VideoRegisters {
  readonly crtc: readonly (readonly [index: number, value: number])[];
  readonly graphics: readonly (readonly [index: number, value: number])[];
  readonly sequencer: readonly (readonly [index: number, value: number])[];
  /** Palette registers of the attribute controller: sixteen. */
  readonly attribute: readonly number[];
  readonly miscellaneous: number;
}

/** Which of the DAC's colours the sixteen attributes stand for (IBM VGA, table of the BIOS's mode parameters). */
const attributes = {
  colourText: [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f],
  monochrome: [0, 8, 8, 8, 8, 8, 8, 8, 0x10, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18],
  fourColours: [0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17],
  twoColours: [0, ...new Array<number>(15).fill(0x17)],
  direct: Array.from({ length: 16 }, (_, n) => n),
} as const;

function attributesOf({ number, kind }: VideoMode): readonly number[] {
  if (kind === "text") return number === 7 ? attributes.monochrome : attributes.colourText;
  return number === 0x13 ? attributes.direct : number === 6 ? attributes.twoColours : attributes.fourColours;
}

/** Scan lines shown: 400, of which characters take 16 each; 200-line modes are scanned twice (CRTC 9, bit 7). */
export function registersOf(mode: VideoMode): VideoRegisters {
  const { number, kind, columns, segment } = mode;
  const text = kind === "text";
  const lines = text ? 0x4f : number === 0x13 ? 0x41 : 0xc1;
  const memoryMap = segment === 0xa000 ? 4 : segment === 0xb000 ? 8 : 12;
  return {
    crtc: [
      [1, columns * (number === 0x13 ? 2 : 1) - 1],
      [7, 0x1f],
      [9, lines],
      [0x0a, text ? 0x0d : 0x20],
      [0x0b, 0x0e],
      [0x0c, 0],
      [0x0d, 0],
      [0x0e, 0],
      [0x0f, 0],
      [0x12, 0x8f],
      [0x13, number === 0x13 ? 40 : columns / 2],
    ],
    graphics: [
      [5, text ? 0x10 : number === 0x13 ? 0x40 : number === 6 ? 0 : 0x30],
      [6, memoryMap | (text ? 2 : 1)],
    ],
    sequencer: [
      [2, text ? 3 : 15],
      [4, number === 0x13 ? 14 : 2],
    ],
    attribute: attributesOf(mode),
    miscellaneous: number === 7 ? 0x66 : number === 0x13 ? 0x63 : 0x67,
  };
}
