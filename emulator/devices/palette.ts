/** Colours the DAC holds after a mode is set, 6 bits each of red, green and blue. */
type Rgb = readonly [number, number, number];

const bit = (value: number, n: number): number => (value >>> n) & 1;

/** The 64 colours of the EGA: bits rgbRGB, of which the capitals count two thirds. */
const ega = (index: number): Rgb => {
  const level = (n: number) => bit(index, n) * 42 + bit(index, n + 3) * 21;
  return [level(2), level(1), level(0)];
};

/** The sixteen colours of the CGA as the EGA has them: brown is dark yellow with less green. */
const cga = (index: number): Rgb => ega(index === 6 ? 0x14 : index < 8 ? index : 0x38 | (index & 7));

const greys = [0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63];

/** Ramps from the least to the greatest of a colour's parts: three brightnesses of three saturations each. */
const ramps = [
  [0, 16, 31, 47, 63],
  [31, 39, 47, 55, 63],
  [45, 49, 54, 58, 63],
  [0, 7, 14, 21, 28],
  [14, 17, 21, 24, 28],
  [20, 22, 24, 26, 28],
  [0, 4, 8, 12, 16],
  [8, 10, 12, 14, 16],
  [11, 12, 13, 15, 16],
] as const;

/** Once around the colour circle from blue, in 24 steps. */
function hue(n: number, ramp: readonly number[]): Rgb {
  const side = Math.floor(n / 4);
  const [up, down] = [ramp[n % 4]!, ramp[4 - (n % 4)]!];
  const [least, most] = [ramp[0]!, ramp[4]!];
  const sides: readonly Rgb[] = [
    [up, least, most],
    [most, least, down],
    [most, up, least],
    [down, most, least],
    [least, most, up],
    [least, down, most],
  ];
  return sides[side]!;
}

/** The 256 colours of mode 13h. */
export function palette256(index: number): Rgb {
  if (index < 16) return cga(index);
  if (index < 32) {
    const grey = greys[index - 16]!;
    return [grey, grey, grey];
  }
  const n = index - 32;
  const ramp = ramps[Math.floor(n / 24)];
  return ramp ? hue(n % 24, ramp) : [0, 0, 0];
}

/** The colours of the other modes. */
export const palette64 = (index: number): Rgb => (index < 64 ? ega(index) : [0, 0, 0]);

/** The CGA's colours as modes of 200 lines have them, where bit 4 is the brightness, four times over. */
export const palette200 = (index: number): Rgb => (index < 64 ? cga((index & 7) | ((index & 0x10) >> 1)) : [0, 0, 0]);
