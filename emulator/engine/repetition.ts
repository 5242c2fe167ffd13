import type { Row } from "../../isa/instruction.ts";
import type { SegmentName } from "../../isa/registers.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { segmentNumber } from "../cpu/state.ts";
import type { DynamicOperands } from "./shape.ts";

const AX = 0;
const CX = 1;
const SI = 6;
const DI = 7;
const DF = 0x400;

/** A register used as a counter or an offset, as an unsigned number, or a signed one of 64 bits. */
function registerValue(cpu: Cpu, register: number, bits: number): number {
  if (bits === 16) return cpu.r16[4 * register]!;
  const low = cpu.u32[2 * register]!;
  return bits === 32 ? low : cpu.r32[2 * register + 1]! * 2 ** 32 + low;
}

function addToRegister(cpu: Cpu, register: number, by: number, bits: number): void {
  if (bits === 16) cpu.r16[4 * register]! += by;
  else if (bits === 64) cpu.r64[register] = BigInt.asUintN(64, cpu.r64[register]! + BigInt(by));
  else {
    cpu.r32[2 * register]! += by;
    if (cpu.bits === 64) cpu.r32[2 * register + 1] = 0;
  }
}

/** What a repeated string instruction does with how many bytes at a time, as far as it can be done quickly. */
interface Facts {
  readonly kind: "movs" | "stos" | "cmps" | "scas";
  readonly bytes: number;
}

const elementBytes: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8 };
const factsOfRows = new Map<Row, Facts | undefined>();

function factsOf(row: Row): Facts | undefined {
  if (factsOfRows.has(row)) return factsOfRows.get(row);
  const kind = (["movs", "stos", "cmps", "scas"] as const).find((name) => row.mnemonic.startsWith(name));
  const bytes = elementBytes[row.mnemonic.slice(4)];
  const facts = kind && bytes !== undefined ? { kind, bytes } : undefined;
  factsOfRows.set(row, facts);
  return facts;
}

const roomIn = (linear: number): number => 4096 - (linear & 0xfff);

/** Elements that can be accessed without any further checks, and where they are. */
interface Run {
  /** Offset of the first in WebAssembly memory. */
  readonly at: number;
  readonly elements: number;
}

function runAt(
  cpu: Cpu,
  segment: SegmentName,
  register: number,
  bytes: number,
  most: number,
  { write, bits }: { write: boolean; bits: number },
): Run | undefined {
  const number = segmentNumber[segment];
  const offset = registerValue(cpu, register, bits);
  const linear = cpu.bases[number]! + offset;
  const allowed = (write ? cpu.writeEnds : cpu.readEnds)[number]!;
  const end = bits === 64 ? allowed : Math.min(allowed, 2 ** bits);
  const limit = Math.min(most, Math.floor((end - offset) / bytes));
  const room = roomIn(linear);
  let elements = Math.min(limit, Math.floor(room / bytes));
  if (!(elements > 0) || offset < cpu.starts[number]!) return undefined;
  const at = cpu.quickAddress(linear, write);
  if (at < 0) return undefined;
  // Pages that lie side by side in memory too are one.
  while (elements < limit && room % bytes === 0) {
    const done = elements * bytes;
    if (cpu.quickAddress(linear + done, write) !== at + done) break;
    elements += Math.min(limit - elements, 4096 / bytes);
  }
  return { at, elements };
}

/** Copies forwards, element by element: what is written may be read again. */
function copyForwards(bytes: Uint8Array, from: number, to: number, length: number, element: number): boolean {
  const distance = to - from;
  if (distance <= 0 || distance >= length) {
    bytes.copyWithin(to, from, from + length);
    return true;
  }
  if (distance % element === 0) {
    spread(bytes, from, distance, distance + length);
    return true;
  }
  const piece = distance - (distance % element);
  if (piece === 0) return false;
  for (let done = 0; done < length; done += piece)
    bytes.copyWithin(to + done, from + done, from + done + Math.min(piece, length - done));
  return true;
}

/** Fills with an element that is in its place already. */
function spread(bytes: Uint8Array, at: number, element: number, length: number): void {
  for (let done = element; done < length; done *= 2)
    bytes.copyWithin(at + done, at, at + Math.min(done, length - done));
}

/** Elements from `a` on that are the same as those from `b` on (or that differ, if not `same`). */
function matching(
  bytes: Uint8Array,
  a: number,
  b: number,
  element: number,
  elements: number,
  same: boolean,
  advance: boolean,
): number {
  for (let n = 0; n < elements; n++) {
    const other = advance ? b + n * element : b;
    let equal = true;
    for (let k = 0; k < element && equal; k++) equal = bytes[a + n * element + k] === bytes[other + k];
    if (equal !== same) return n;
  }
  return elements;
}

/** Iterations over memory that is in one piece, source and destination. */
function repeatInPiece(cpu: Cpu, { decoded, length }: DynamicOperands, most: number): number {
  const { row, addressSize: bits, repeat } = decoded;
  if ((cpu.eflags & DF) !== 0) return 0;
  const facts = factsOf(row);
  if (facts === undefined) return 0;
  const { kind, bytes } = facts;
  const count = registerValue(cpu, CX, bits);
  const compares = row.repeat === "equal";
  const limit = Math.min(most, count) - (compares ? 1 : 0);
  if (!(limit > 0)) return 0;
  const reads = kind === "movs" || kind === "cmps";
  const destination = runAt(cpu, "es", DI, bytes, limit, { write: !compares, bits });
  if (!destination) return 0;
  const source = reads
    ? runAt(cpu, decoded.segment ?? "ds", SI, bytes, destination.elements, { write: false, bits })
    : { at: cpu.r8.byteOffset + layout.registers + 8 * AX, elements: destination.elements };
  if (!source) return 0;
  let done = source.elements;
  const { at } = destination;
  if (kind === "movs") {
    if (!copyForwards(cpu.bytes, source.at, at, done * bytes, bytes)) return 0;
  } else if (kind === "stos") {
    cpu.bytes.copyWithin(at, source.at, source.at + bytes);
    spread(cpu.bytes, at, bytes, done * bytes);
  } else done = matching(cpu.bytes, at, source.at, bytes, done, repeat === "rep", reads);
  if (done === 0) return 0;
  addToRegister(cpu, DI, done * bytes, bits);
  if (reads) addToRegister(cpu, SI, done * bytes, bits);
  addToRegister(cpu, CX, -done, bits);
  if (done === count) cpu.rip = cpu.sequential(length);
  return done;
}

/**
 * Iterations of the repeated string instruction at RIP, as many of `most` as are nothing but copying, filling or comparing
 * within pages that the TLB has; gives how many were done. What decides the flags, or whether to go on, is left to
 * the instruction itself.
 */
export function repeatQuickly(cpu: Cpu, operands: DynamicOperands, most: number): number {
  const { rip } = cpu;
  let done = 0;
  for (let more = 1; more > 0 && cpu.rip === rip; done += more) more = repeatInPiece(cpu, operands, most - done);
  return done;
}
