import { decode } from "../../../isa/decode.ts";
import type { Family } from "../../../isa/family.ts";
import type { Row } from "../../../isa/instruction.ts";
import type { Bits } from "../../../isa/operands.ts";

/** A small generator of numbers (mulberry32), so that a program is a function of its seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Families whose instructions may stand anywhere in a program; branches are placed on purpose. */
export const anywhere: ReadonlySet<Family> = new Set([
  "data-movement",
  "arithmetic",
  "logic",
  "shift",
  "bit",
  "stack",
  "string",
  "flag",
]);

/** Families of the x87 and vector units. */
export const floating: ReadonlySet<Family> = new Set(["x87", "mmx", "sse", "sse2", "sse3"]);

const pick = <T>(random: (below: number) => number, from: readonly T[]): T => from[random(from.length)]!;

/** One random instruction of those families. */
export function randomInstruction(random: (below: number) => number, bits: Bits): number[] {
  for (;;) {
    const bytes: number[] = [];
    if (random(5) === 0) bytes.push(pick(random, [0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x64, 0x65, 0xf0]));
    if (bits === 64 && random(2) === 0) bytes.push(0x40 + random(16));
    if (random(4) === 0) bytes.push(0x0f);
    bytes.push(random(256));
    // A ModRM byte that reaches memory through a register, or names registers; then displacement and immediates.
    bytes.push(random(3) === 0 ? 0xc0 + random(64) : pick(random, [0, 0x40, 0x80]) + random(64));
    while (bytes.length < 16) bytes.push(random(3) === 0 ? random(256) : random(16));
    const decoded = decode(Uint8Array.from(bytes), 0, bits);
    if (typeof decoded !== "string" && anywhere.has(decoded.row.family)) return bytes.slice(0, decoded.length);
  }
}

/** Prefixes and escapes of an opcode with VEX, with random registers where it has such. */
function vexPrefix(random: (below: number) => number, { pattern, operands }: Row, bits: Bits): number[] {
  const inverted = bits === 64 ? random(8) << 5 : 0xe0;
  const wide = pattern.operandSize === 64 ? 0x80 : 0;
  const vvvv = operands.some((operand) => operand.place === "vvvv") ? random(16) : 15;
  return [0xc4, inverted | pattern.map, wide | (vvvv << 3) | [undefined, 0x66, 0xf3, 0xf2].indexOf(pattern.prefix)];
}

/** A random instruction of one row, undefined where the row has none in code of these bits. */
export function randomOfRow(random: (below: number) => number, row: Row, bits: Bits): number[] | undefined {
  const { pattern } = row;
  const escapes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][pattern.map]!;
  for (let attempt = 0; attempt < 40; attempt++) {
    const bytes: number[] = [];
    if (random(3) === 0) bytes.push(pick(random, [0x66, 0x66, 0x67, 0xf2, 0xf3, 0x36, 0x64]));
    if (pattern.vex) bytes.push(...vexPrefix(random, row, bits));
    else {
      if (pattern.prefix !== undefined) bytes.push(pattern.prefix);
      if (bits === 64 && random(3) !== 0) bytes.push(0x40 + random(16));
      bytes.push(...escapes);
    }
    bytes.push(pattern.opcode + (pattern.plusRegister ? random(8) : 0));
    if (pattern.second !== undefined) bytes.push(pattern.second);
    else if (pattern.hasModrm) {
      const mod = pick(random, [0, 0x40, 0x80, 0xc0, 0xc0]);
      bytes.push(mod + (pattern.digit ?? random(8)) * 8 + random(8));
    }
    while (bytes.length < 16) bytes.push(random(3) === 0 ? random(256) : random(16));
    const decoded = decode(Uint8Array.from(bytes), 0, bits);
    if (typeof decoded !== "string" && decoded.row === row) return bytes.slice(0, decoded.length);
  }
  return undefined;
}

/** MOV of a small number to a register that serves as an address: of data, or of the code itself. */
export function randomPointer(random: (below: number) => number, bits: Bits, toCode = false): number[] {
  const page = toCode ? 0x10 + random(2) : 0x20 + random(0x60);
  const code = [0xb8 + pick(random, [0, 1, 2, 3, 5, 6, 7]), random(256), page];
  return bits === 16 ? code : [...code, 0, 0];
}

/**
 * A program of straight pieces joined by conditional jumps forwards and backwards, calls and returns, that begins again at
 * its end. Every pointer is set from time to time, so that much of its memory traffic hits RAM.
 */
export function randomProgram(seed: number, bits: Bits, selfModifying = false): Uint8Array {
  const random = randomNumbers(seed);
  const pieces = Array.from({ length: 2 + random(6) }, () => {
    const piece: number[] = [];
    for (let n = random(7); n >= 0; n--) {
      piece.push(
        ...(random(4) === 0
          ? randomPointer(random, bits, selfModifying && random(2) === 0)
          : randomInstruction(random, bits)),
      );
    }
    return piece;
  });
  const ends = pieces.map(() => random(12));
  // Every piece ends with a jump of at most 5 bytes, padded to 5 by NOPs.
  const starts: number[] = [];
  let at = 0;
  for (const piece of pieces) {
    starts.push(at);
    at += piece.length + 5;
  }
  const bytes: number[] = [];
  pieces.forEach((piece, n) => {
    bytes.push(...piece);
    const target = pick(random, starts);
    const here = bytes.length;
    const near = (length: number): number[] => {
      const distance = target - (here + length);
      return bits === 16
        ? [distance & 0xff, (distance >> 8) & 0xff]
        : [distance, distance >> 8, distance >> 16, distance >> 24].map((b) => b & 0xff);
    };
    const short = target - (here + 2);
    const isShort = short >= -128 && short < 128;
    const end = ends[n]!;
    if (end < 5 && isShort) bytes.push(0x70 + random(16), short & 0xff);
    else if (end === 5 && isShort) bytes.push(pick(random, [0xe0, 0xe1, 0xe2, 0xe3]), short & 0xff);
    else if (end === 6) bytes.push(0xe8, ...near(bits === 16 ? 3 : 5));
    else if (end === 7) bytes.push(0xc3);
    else if (end === 8) bytes.push(0xe9, ...near(bits === 16 ? 3 : 5));
    while (bytes.length < here + 5) bytes.push(0x90);
  });
  const back = -(bytes.length + (bits === 16 ? 3 : 5));
  bytes.push(0xe9, back & 0xff, (back >> 8) & 0xff, ...(bits === 16 ? [] : [0xff, 0xff]));
  return Uint8Array.from(bytes);
}
