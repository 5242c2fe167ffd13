import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { bytesOf, immediateOf, Lanes, readOperand, readRegister, writeRegister } from "./lanes.ts";

const a = new Lanes();
const b = new Lanes();
const result = new Lanes();

type View = "u8" | "i8" | "u16" | "i16" | "u32" | "i32";
type Whole = (bytes: number) => void;

const clamp = (value: number, least: number, greatest: number): number => Math.max(least, Math.min(value, greatest));

/** The same on every pair of elements; a typed array wraps what is too wide. */
const each =
  (view: View, of: (a: number, b: number) => number): Whole =>
  (bytes) => {
    const [first, second, to] = [a[view], b[view], result[view]];
    const count = bytes / first.BYTES_PER_ELEMENT;
    for (let n = 0; n < count; n++) to[n] = of(first[n]!, second[n]!);
  };

const saturating = (view: View, of: (a: number, b: number) => number): Whole => {
  const bits = Number(view.slice(1));
  const signed = view[0] === "i";
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const greatest = least + 2 ** bits - 1;
  return each(view, (x, y) => clamp(of(x, y), least, greatest));
};

const add = (x: number, y: number): number => x + y;
const subtract = (x: number, y: number): number => x - y;
const isEqual = (x: number, y: number): number => (x === y ? -1 : 0);
const isGreater = (x: number, y: number): number => (x > y ? -1 : 0);

/** Elements of the low or high halves of both operands, in turn. */
const interleave =
  (view: "u8" | "u16" | "u32", high: boolean): Whole =>
  (bytes) => {
    const count = bytes / a[view].BYTES_PER_ELEMENT / 2;
    const from = high ? count : 0;
    for (let n = 0; n < count; n++) {
      result[view][2 * n] = a[view][from + n]!;
      result[view][2 * n + 1] = b[view][from + n]!;
    }
  };

/** Elements of half the width, first those of the destination; `from` signed, saturated to what `to` can hold. */
const pack =
  (from: "i16" | "i32", to: "i8" | "u8" | "i16"): Whole =>
  (bytes) => {
    const count = bytes / a[from].BYTES_PER_ELEMENT;
    const bits = 8 * result[to].BYTES_PER_ELEMENT;
    const least = to === "u8" ? 0 : -(2 ** (bits - 1));
    for (let n = 0; n < 2 * count; n++)
      result[to][n] = clamp(n < count ? a[from][n]! : b[from][n - count]!, least, least + 2 ** bits - 1);
  };

const quadwords =
  (of: (a: bigint, b: bigint) => bigint): Whole =>
  (bytes) => {
    for (let n = 0; n < bytes >> 3; n++) result.u64[n] = of(a.u64[n]!, b.u64[n]!);
  };

function multiplyAndAdd(bytes: number): void {
  for (let n = 0; n < bytes >> 2; n++)
    result.i32[n] = a.i16[2 * n]! * b.i16[2 * n]! + a.i16[2 * n + 1]! * b.i16[2 * n + 1]!;
}

function sumOfDifferences(bytes: number): void {
  for (let half = 0; half < bytes >> 3; half++) {
    let sum = 0;
    for (let n = 8 * half; n < 8 * half + 8; n++) sum += Math.abs(a.u8[n]! - b.u8[n]!);
    result.u32[2 * half] = sum;
    result.u32[2 * half + 1] = 0;
  }
}

/** Operations on two operands of the same width, by mnemonic. */
export const operations: Readonly<Record<string, Whole>> = {
  paddb: each("u8", add),
  paddw: each("u16", add),
  paddd: each("i32", add),
  paddq: quadwords((x, y) => x + y),
  psubb: each("u8", subtract),
  psubw: each("u16", subtract),
  psubd: each("i32", subtract),
  psubq: quadwords((x, y) => x - y),
  paddsb: saturating("i8", add),
  paddsw: saturating("i16", add),
  paddusb: saturating("u8", add),
  paddusw: saturating("u16", add),
  psubsb: saturating("i8", subtract),
  psubsw: saturating("i16", subtract),
  psubusb: saturating("u8", subtract),
  psubusw: saturating("u16", subtract),
  pcmpeqb: each("u8", isEqual),
  pcmpeqw: each("u16", isEqual),
  pcmpeqd: each("i32", isEqual),
  pcmpgtb: each("i8", isGreater),
  pcmpgtw: each("i16", isGreater),
  pcmpgtd: each("i32", isGreater),
  pminub: each("u8", Math.min),
  pmaxub: each("u8", Math.max),
  pminsw: each("i16", Math.min),
  pmaxsw: each("i16", Math.max),
  pavgb: each("u8", (x, y) => (x + y + 1) >> 1),
  pavgw: each("u16", (x, y) => (x + y + 1) >> 1),
  pmullw: each("i16", (x, y) => x * y),
  pmulhw: each("i16", (x, y) => (x * y) >> 16),
  pmulhuw: each("u16", (x, y) => (x * y) >>> 16),
  pmuludq: quadwords((x, y) => BigInt.asUintN(32, x) * BigInt.asUintN(32, y)),
  pmaddwd: multiplyAndAdd,
  psadbw: sumOfDifferences,
  pand: each("i32", (x, y) => x & y),
  pandn: each("i32", (x, y) => ~x & y),
  por: each("i32", (x, y) => x | y),
  pxor: each("i32", (x, y) => x ^ y),
  punpcklbw: interleave("u8", false),
  punpcklwd: interleave("u16", false),
  punpckldq: interleave("u32", false),
  punpckhbw: interleave("u8", true),
  punpckhwd: interleave("u16", true),
  punpckhdq: interleave("u32", true),
  packsswb: pack("i16", "i8"),
  packuswb: pack("i16", "u8"),
  packssdw: pack("i32", "i16"),
};

/** The same in floating-point clothes. */
const interleavedSingles: Readonly<Record<string, string>> = { unpcklps: "punpckldq", unpckhps: "punpckhdq" };

/** PUNPCKL of MMX registers reads only four bytes of memory. */
const halfRead = /^punpckl(bw|wd|dq)$/;

function combine(cpu: Cpu, decoded: Decoded, operation: Whole): void {
  const [destination] = decoded.operands;
  const bytes = bytesOf(destination!);
  const read = bytes === 8 && halfRead.test(decoded.row.mnemonic) ? 4 : bytes;
  readOperand(cpu, decoded, 1, b, read, true);
  readRegister(cpu, destination!, a);
  operation(bytes);
  writeRegister(cpu, destination!, result);
}

interface Shift {
  readonly bits: 16 | 32 | 64;
  readonly right: boolean;
  readonly arithmetic: boolean;
}

const shifts: Readonly<Record<string, Shift>> = {
  psrlw: { bits: 16, right: true, arithmetic: false },
  psrld: { bits: 32, right: true, arithmetic: false },
  psrlq: { bits: 64, right: true, arithmetic: false },
  psraw: { bits: 16, right: true, arithmetic: true },
  psrad: { bits: 32, right: true, arithmetic: true },
  psllw: { bits: 16, right: false, arithmetic: false },
  pslld: { bits: 32, right: false, arithmetic: false },
  psllq: { bits: 64, right: false, arithmetic: false },
};

/** The count is the low quadword of the source; all of it counts. */
function countOf(cpu: Cpu, decoded: Decoded): number {
  const source = decoded.operands[1]!;
  if (source.kind === "immediate") return Number(source.value);
  readOperand(cpu, decoded, 1, b, bytesOf(decoded.operands[0]!), true);
  return b.u32[1] !== 0 ? 64 : b.u32[0]!;
}

function shiftElements({ bits, right, arithmetic }: Shift, count: number, bytes: number): void {
  if (count >= bits && !arithmetic) {
    result.u32.fill(0);
    return;
  }
  const by = Math.min(count, bits - 1);
  for (let n = 0; n < (8 * bytes) / bits; n++) {
    if (bits === 64) result.u64[n] = right ? a.u64[n]! >> BigInt(by) : a.u64[n]! << BigInt(by);
    else if (bits === 32) result.i32[n] = right ? (arithmetic ? a.i32[n]! >> by : a.u32[n]! >>> by) : a.i32[n]! << by;
    else result.u16[n] = right ? (arithmetic ? a.i16[n]! >> by : a.u16[n]! >> by) : a.u16[n]! << by;
  }
}

function shift(cpu: Cpu, decoded: Decoded, how: Shift): void {
  const [destination] = decoded.operands;
  const count = countOf(cpu, decoded);
  readRegister(cpu, destination!, a);
  shiftElements(how, count, bytesOf(destination!));
  writeRegister(cpu, destination!, result);
}

/** PSLLDQ and PSRLDQ. */
function shiftBytes(cpu: Cpu, decoded: Decoded, right: boolean): void {
  const [destination] = decoded.operands;
  const count = Math.min(immediateOf(decoded), 16);
  readRegister(cpu, destination!, a);
  result.u8.fill(0);
  for (let n = 0; n < 16 - count; n++) result.u8[right ? n : n + count] = a.u8[right ? n + count : n]!;
  writeRegister(cpu, destination!, result);
}

/** Words or doublewords of the source by the two-bit fields of the number. */
function shuffle(view: "u16" | "u32", first: number): (cpu: Cpu, decoded: Decoded) => void {
  return (cpu, decoded) => {
    const [destination] = decoded.operands;
    const order = immediateOf(decoded);
    readOperand(cpu, decoded, 1, b, bytesOf(destination!), true);
    result.copy(b);
    for (let n = 0; n < 4; n++) result[view][first + n] = b[view][first + ((order >> (2 * n)) & 3)]!;
    writeRegister(cpu, destination!, result);
  };
}

type Execute = (cpu: Cpu, decoded: Decoded) => void;

export const packedIntegers: Readonly<Record<string, Execute>> = {
  ...Object.fromEntries(
    Object.entries(operations).map(([name, operation]): [string, Execute] => [
      name,
      (cpu, decoded) => combine(cpu, decoded, operation),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(interleavedSingles).map(([name, of]): [string, Execute] => [
      name,
      (cpu, decoded) => combine(cpu, decoded, operations[of]!),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(shifts).map(([name, how]): [string, Execute] => [name, (cpu, decoded) => shift(cpu, decoded, how)]),
  ),
  pslldq: (cpu, decoded) => shiftBytes(cpu, decoded, false),
  psrldq: (cpu, decoded) => shiftBytes(cpu, decoded, true),
  pshufd: shuffle("u32", 0),
  pshufw: shuffle("u16", 0),
  pshuflw: shuffle("u16", 0),
  pshufhw: shuffle("u16", 4),
};
