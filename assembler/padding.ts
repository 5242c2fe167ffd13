import type { Bits } from "../isa/operands.ts";

/** What fills the room before a boundary for one width of code. */
interface Fill {
  /** Hexadecimal bytes of instructions that do nothing, by how many bytes they take. */
  readonly byLength: Readonly<Record<number, string>>;
  /** The length that is repeated while there is room. */
  readonly group: number;
}

/** What `align` fills with: the package smartalign. */
export interface Padding {
  /** Room of more bytes begins with a jump over it. */
  readonly threshold: number;
  readonly fills: Readonly<Record<Bits, Fill>>;
}

type FillChange = Partial<Fill>;

interface Mode {
  readonly threshold: number;
  readonly fills: Readonly<Record<Bits, FillChange>>;
}

const numbered = (bytes: string): Record<number, string> =>
  Object.fromEntries(bytes.split(" ").map((part) => [part.length / 2, part]));

const sizePrefixes = numbered("90 6690 666690 66666690");
const longNops = numbered("90 6690 0f1f00 0f1f4000 0f1f440000 660f1f440000 0f1f8000000000 0f1f840000000000");

/** The modes of `alignmode`. What one does not set stays as the mode before it left it, as in nasm. */
const modes: Readonly<Record<string, Mode>> = {
  nop: {
    threshold: 16,
    fills: {
      16: { byLength: numbered("90"), group: 1 },
      32: { byLength: numbered("90"), group: 1 },
      64: { byLength: numbered("90"), group: 1 },
    },
  },
  generic: {
    threshold: 8,
    fills: {
      16: {
        byLength: numbered("90 89f6 8d7400 8db40000 8db4000090 8db4000089ff 8db400008d7d00 8db400008dbd0000"),
        group: 8,
      },
      32: { byLength: numbered("90 89f6 8d7600 8d742600 908d742600 8db600000000 8db42600000000"), group: 7 },
      64: { byLength: sizePrefixes, group: 4 },
    },
  },
  k8: {
    threshold: 16,
    fills: {
      16: { byLength: sizePrefixes, group: 4 },
      32: { byLength: sizePrefixes, group: 4 },
      64: { byLength: sizePrefixes, group: 4 },
    },
  },
  k7: {
    threshold: 16,
    fills: {
      16: { byLength: sizePrefixes },
      32: { byLength: numbered("90 8bc0 8d0420 8d442000 8d44200090 8d8000000000 8d040500000000"), group: 7 },
      64: { byLength: sizePrefixes, group: 4 },
    },
  },
  p6: {
    threshold: 16,
    fills: {
      16: { byLength: numbered("90 6690 0f1f00 0f1f4000"), group: 4 },
      32: { byLength: longNops, group: 8 },
      64: { byLength: longNops, group: 8 },
    },
  },
};

export const paddingModes: readonly string[] = Object.keys(modes);

const noFill: Fill = { byLength: {}, group: 1 };

function changed(fill: Fill, change: FillChange): Fill {
  return { group: change.group ?? fill.group, byLength: { ...fill.byLength, ...change.byLength } };
}

/** The padding after a mode of `alignmode`; undefined if there is no such mode. */
export function padded(before: Padding | undefined, name: string, threshold: number | undefined): Padding | undefined {
  const mode = modes[name];
  if (!mode) return undefined;
  const fill = (bits: Bits) => changed(before?.fills[bits] ?? noFill, mode.fills[bits]);
  return { threshold: threshold ?? mode.threshold, fills: { 16: fill(16), 32: fill(32), 64: fill(64) } };
}

const nop = "90";

/** The bytes that fill so much room. */
export function paddingBytes({ threshold, fills }: Padding, bits: Bits, length: number): Uint8Array {
  const { byLength, group } = fills[bits];
  if (threshold !== -1 && length > threshold) return jumpOver(bits, length);
  const whole = Math.floor(length / group);
  const rest = length % group;
  return fromHexadecimal(
    (byLength[group] ?? nop).repeat(whole) + (rest > 0 ? (byLength[rest] ?? nop.repeat(rest)) : ""),
  );
}

/** A jump over NOPs; with the shortest jump that there is room for. */
function jumpOver(bits: Bits, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x90);
  const width = length - 2 <= 127 ? 1 : bits === 16 ? 2 : 4;
  bytes[0] = width === 1 ? 0xeb : 0xe9;
  const distance = length - 1 - width;
  for (let n = 0; n < width; n++) bytes[1 + n] = Math.max(0, distance >>> (8 * n)) & 255;
  return bytes;
}

const fromHexadecimal = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
