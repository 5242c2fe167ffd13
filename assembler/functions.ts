import { type FloatMode, floatBytes } from "./float.ts";

/** The operators of nasm that look like names: `__float32__(1.5)`, `__utf16__("text")`, `__ilog2e__(8)`. */

/** `float32` for `__float32__` and `__?float32?__`; the word is in lower case. */
export function functionName(word: string): string {
  const [, question, name = ""] = /^__(\??)(\w+?)\1__$/.exec(word) ?? [];
  // The newest has no form without question marks.
  return name === "bfloat16" && question === "" ? "" : name;
}

interface FloatPart {
  /** Bytes of the number, and whether it is one of those with a shorter fraction. */
  readonly bytes: number;
  readonly brain?: boolean;
  /** The bytes of it that count. */
  readonly from: number;
  readonly to: number;
}

/** Which bytes of which format a function gives. */
export const floatParts: Readonly<Record<string, FloatPart>> = {
  float8: { bytes: 1, from: 0, to: 1 },
  float16: { bytes: 2, from: 0, to: 2 },
  bfloat16: { bytes: 2, brain: true, from: 0, to: 2 },
  float32: { bytes: 4, from: 0, to: 4 },
  float64: { bytes: 8, from: 0, to: 8 },
  float80m: { bytes: 10, from: 0, to: 8 },
  float80e: { bytes: 10, from: 8, to: 10 },
  float128l: { bytes: 16, from: 0, to: 8 },
  float128h: { bytes: 16, from: 8, to: 16 },
};

/** The constant's bits as a number, for a function that `floatParts` has; undefined if it is too large by a little. */
export function floatBits(name: string, text: string, negative: boolean, mode: FloatMode): bigint | undefined {
  const { bytes, brain, from, to } = floatParts[name]!;
  const { bytes: all, isLost } = floatBytes(text, negative, bytes, mode, brain);
  if (isLost) return undefined;
  return BigInt.asIntN(
    64,
    all.subarray(from, to).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
  );
}

interface TextForm {
  readonly unit: 2 | 4;
  readonly bigEndian: boolean;
}

export const textForms: Readonly<Record<string, TextForm>> = {
  utf16: { unit: 2, bigEndian: false },
  utf16le: { unit: 2, bigEndian: false },
  utf16be: { unit: 2, bigEndian: true },
  utf32: { unit: 4, bigEndian: false },
  utf32le: { unit: 4, bigEndian: false },
  utf32be: { unit: 4, bigEndian: true },
};

/** UTF-8 bytes in the form of a function; undefined if they are no UTF-8, or it is none that `textForms` has. */
export function transformed(name: string, bytes: Uint8Array): Uint8Array | undefined {
  const form = textForms[name];
  if (!form) return undefined;
  const { unit, bigEndian } = form;
  const out: number[] = [];
  const put = (value: number) => {
    const parts = Array.from({ length: unit }, (_, n) => (value >>> (8 * n)) & 255);
    out.push(...(bigEndian ? parts.reverse() : parts));
  };
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const rest = bytes.subarray(at + 1, at + length);
    if (length === 0 || rest.length < length - 1 || rest.some((byte) => byte >> 6 !== 2)) return undefined;
    const first = bytes[at]! & (length === 1 ? 0x7f : 0xff >> (length + 1));
    const point = rest.reduce((value, byte) => (value << 6) | (byte & 63), first);
    at += length;
    if (unit === 4 || point < 0x10000) put(point);
    else {
      put(0xd800 + ((point - 0x10000) >> 10));
      put(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return Uint8Array.from(out);
}

/** Bytes of the sequence that a byte of UTF-8 begins; 0 if it begins none. */
const sequenceLength = (byte: number): number =>
  byte < 0x80 ? 1 : byte < 0xc0 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 0;

const bitLength = (value: bigint): bigint => BigInt(value.toString(2).length);

/** Position of the highest bit of an unsigned number; 0 for 0. */
function floor(value: bigint): bigint {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned === 0n ? 0n : bitLength(unsigned) - 1n;
}

const isPower = (value: bigint): boolean => {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned !== 0n && (unsigned & (unsigned - 1n)) === 0n;
};

const ceiling = (value: bigint): bigint => (isPower(value) || value === 0n ? floor(value) : floor(value) + 1n);

/** Logarithms to the base 2; undefined where only powers of two have one. */
export const logarithms: Readonly<Record<string, (value: bigint) => bigint | undefined>> = {
  ilog2e: (value) => (isPower(value) ? floor(value) : undefined),
  ilog2w: floor,
  ilog2f: floor,
  ilog2c: ceiling,
};
