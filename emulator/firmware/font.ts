import type { FirmwareMemory } from "./memory.ts";

/** Our characters 20h–7Eh, five pixels wide and seven high: a row is a digit of base 32, the leftmost pixel worth 16. */
const shapes =
  "0000000 4444404 aa00000 aavavaa 4fke5u4 op248j3 cik8lid 4480000 2488842 8422248 04lel40 044v440 0000448 000v000 00000cc " +
  "01248g0 ehjlphe 4c4444e eh1248v v2421he 26aiv22 vgu11he 68guhhe v124888 ehhehhe ehhf12c 0cc0cc0 0cc0448 248g842 00v0v00 " +
  "8421248 eh12404 eh1dlle ehhvhhh uhhuhhu ehggghe sihhhis vgguggv vgguggg ehgnhhf hhhvhhh e44444e 72222ic hikokih ggggggv " +
  "hrllhhh hhpljhh ehhhhhe uhhuggg ehhhlid uhhukih fgge11u v444444 hhhhhhe hhhhha4 hhhllla hha4ahh hhha444 v1248gv e88888e " +
  "0g84210 e22222e 4ah0000 000000v 8420000 00e1fhf ggmphhu 00egghe 11djhhf 00ehvge 698s888 0fhhf1e ggmphhh 40c444e 20622ic " +
  "ggikoki c44444e 00qllhh 00mphhh 00ehhhe 00uhugg 00djf11 00mpggg 00ege1u 88s8896 00hhhjd 00hhha4 00hhlla 00ha4ah 00hhf1e " +
  "00v248v 2448442 4444444 8442448 008l200";

/** What stands for characters we have not drawn: a box; blocks and shades are what they are. */
const box = [0x7e, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7e, 0];
const blocks: Readonly<Record<number, readonly number[]>> = {
  [0x00]: [0, 0, 0, 0, 0, 0, 0, 0],
  [0xb0]: [0x22, 0x88, 0x22, 0x88, 0x22, 0x88, 0x22, 0x88],
  [0xb1]: [0x55, 0xaa, 0x55, 0xaa, 0x55, 0xaa, 0x55, 0xaa],
  [0xb2]: [0xdd, 0x77, 0xdd, 0x77, 0xdd, 0x77, 0xdd, 0x77],
  [0xdb]: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xdc]: [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
  [0xdd]: [0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0],
  [0xde]: [0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f],
  [0xdf]: [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  [0xff]: [0, 0, 0, 0, 0, 0, 0, 0],
};

function drawn(code: number): readonly number[] {
  const shape = shapes.split(" ")[code - 0x20];
  if (code < 0x20 || shape === undefined) return blocks[code] ?? box;
  return [...[...shape].map((row) => Number.parseInt(row, 32) << 2), 0];
}

const romSegment = 0xf000;
/** Where the fonts lie in the ROM: 8 lines a character, the lower and the upper 128; and 16 lines a character. */
const [lower8, upper8, all16] = [0xfa6e, 0xb000, 0xc000];
/** Vectors 1Fh and 43h point at the upper and lower half. */
export const fontVectors = { upper: 0x1f, lower: 0x43 } as const;

/** The fonts as pieces of the ROM. */
export function fontPieces(): readonly (readonly [offset: number, bytes: Uint8Array])[] {
  const of = (from: number, to: number, lines: (rows: readonly number[]) => readonly number[]) =>
    Uint8Array.from(Array.from({ length: to - from }, (_, n) => lines(drawn(from + n))).flat());
  const plain = (rows: readonly number[]) => rows;
  const doubled = (rows: readonly number[]) => rows.flatMap((row) => [row, row]);
  return [
    [lower8, of(0, 128, plain)],
    [upper8, of(128, 256, plain)],
    [all16, of(0, 256, doubled)],
  ];
}

export const fontPlaces = { lower: lower8, upper: upper8 } as const;

/** The eight rows of a character, found through the vectors that guests may change. */
export function glyph(memory: FirmwareMemory, code: number): readonly number[] {
  const vector = code < 128 ? fontVectors.lower : fontVectors.upper;
  const offset = memory.read(4 * vector, 2);
  const segment = memory.read(4 * vector + 2, 2);
  return Array.from({ length: 8 }, (_, n) => memory.read(segment * 16 + ((offset + (code & 127) * 8 + n) & 0xffff), 1));
}

/** INT 10h, AX = 1130h, by BH. */
export function fontAddress(memory: FirmwareMemory, which: number): { segment: number; offset: number } {
  if (which === 0 || which === 1) {
    const vector = which === 0 ? fontVectors.upper : fontVectors.lower;
    return { offset: memory.read(4 * vector, 2), segment: memory.read(4 * vector + 2, 2) };
  }
  const offset = which === 3 ? lower8 : which === 4 ? upper8 : all16;
  return { segment: romSegment, offset };
}
