/** What a VGA in a graphics mode puts on the screen, as pixels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** A colour for each pixel, row by row: a place in the palette. */
  readonly colours: Uint8Array;
}

/** Of the VGA's state, what decides on pixels. */
interface PixelSource {
  readonly crtc: readonly number[];
  /** 256 colours, a byte for each pixel; else 4 or 2 colours, packed from the left, with odd lines 2000h above the even ones. */
  readonly bitsPerPixel: 8 | 2 | 1;
  readonly width: number;
  readonly height: number;
  readonly memory: (physical: number) => number;
}

const oddLines = 0x2000;

/** The pixels of a mode whose video memory is a plain array of bytes. */
export function pixelsOf({ crtc, bitsPerPixel, width, height, memory }: PixelSource): Pixels {
  const colours = new Uint8Array(width * height);
  const start = crtc[0x0c]! * 256 + crtc[0x0d]!;
  const pitch = (width * bitsPerPixel) / 8;
  const perByte = 8 / bitsPerPixel;
  const mask = (1 << bitsPerPixel) - 1;
  for (let y = 0; y < height; y++) {
    const line = bitsPerPixel === 8 ? 0xa0000 + 4 * start + y * crtc[0x13]! * 8 : cgaLine(y, pitch, start);
    for (let x = 0; x < width; x++) {
      const byte = memory(line + Math.floor(x / perByte));
      colours[y * width + x] = (byte >> (bitsPerPixel * (perByte - 1 - (x % perByte)))) & mask;
    }
  }
  return { width, height, colours };
}

const cgaLine = (y: number, pitch: number, start: number): number =>
  0xb8000 + 2 * start + (y & 1 ? oddLines : 0) + (y >> 1) * pitch;
