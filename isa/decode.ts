import { type ByteSource, Cursor } from "./cursor.ts";
import { effectiveSize, type Form, requiredSize } from "./form.ts";
import type { Row } from "./instruction.ts";
import { big, memoryOperand } from "./modrm.ts";
import { immediateWidth, type OperandPattern } from "./operand-pattern.ts";
import type { Bits, Decoded, Operand, Register } from "./operands.ts";
import { controlNumbers, type OperandWidth, type SegmentName, segmentNames } from "./registers.ts";
import { choose, type Prefixes, type Slot, slotNumber, slotsOf } from "./slots.ts";
import { forms } from "./table.ts";

/**
 * Why bytes are no instruction: `invalid`, an undefined encoding (#UD); `too-long`, more than 15 bytes (#GP);
 * `truncated`, the source ended first.
 */
export type DecodeFailure = "invalid" | "too-long" | "truncated";

/** Prefixes of the instruction being decoded. */
class PrefixState implements Prefixes {
  operandOverride = false;
  addressOverride = false;
  repeat: 0 | 0xf2 | 0xf3 = 0;
  lock = false;
  segment: SegmentName | undefined = undefined;
  rex = 0;
  vex: Prefixes["vex"] = undefined;
  /** VEX.vvvv, not inverted: 0 where it is not used. */
  vvvv = 0;
  addressSize: Bits;
  readonly bits: Bits;

  constructor(bits: Bits) {
    this.bits = bits;
    this.addressSize = bits;
  }

  get wide(): boolean {
    return (this.rex & 8) !== 0;
  }
  get rexR(): number {
    return (this.rex & 4) << 1;
  }
  get rexX(): number {
    return (this.rex & 2) << 2;
  }
  get rexBit(): number {
    return (this.rex & 1) << 3;
  }
  get rexB(): boolean {
    return (this.rex & 1) !== 0;
  }

  /** Takes a legacy prefix in; false if the byte is none. */
  take(byte: number): boolean {
    switch (byte) {
      case 0x66:
        this.operandOverride = true;
        return true;
      case 0x67:
        this.addressSize = this.bits === 32 ? 16 : 32;
        return true;
      case 0xf0:
        this.lock = true;
        return true;
      case 0xf2:
      case 0xf3:
        this.repeat = byte;
        return true;
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
        // ES, CS, SS and DS have no base in 64-bit mode: their overrides are ignored.
        if (this.bits !== 64) this.segment = segmentNames[(byte >> 3) & 3];
        return true;
      case 0x64:
      case 0x65:
        this.segment = segmentNames[byte & 7];
        return true;
      default:
        return false;
    }
  }
}

/** Reads prefixes and gives the first opcode byte. A REX prefix counts only directly before the opcode. */
function readPrefixes(cursor: Cursor, state: PrefixState): number {
  for (;;) {
    const byte = cursor.next();
    if (state.take(byte)) state.rex = 0;
    else if (state.bits === 64 && byte >> 4 === 4) state.rex = byte;
    else return byte;
  }
}

/** The slot of the opcode; undefined where a prefix before it cannot be. */
function readOpcode(cursor: Cursor, prefixes: PrefixState): number | undefined {
  const first = readPrefixes(cursor, prefixes);
  // Outside 64-bit code C4 and C5 are LES and LDS, whose operand cannot be a register.
  if (first >> 1 === 0x62 && (prefixes.bits === 64 || cursor.peek() >= 0xc0))
    return first === 0xc4 ? readVex(cursor, prefixes) : readShortVex(cursor);
  if (first !== 0x0f) return first;
  const second = cursor.next();
  if (second === 0x38) return slotNumber(2, cursor.next(), false);
  if (second === 0x3a) return slotNumber(3, cursor.next(), false);
  return slotNumber(1, second, false);
}

const vexPrefixes = [0, 0x66, 0xf3, 0xf2] as const;

/** What follows C4 (SDM Vol. 2, 2.3.5): R, X and B inverted, map; W, vvvv inverted, L, mandatory prefix; opcode. */
function readVex(cursor: Cursor, prefixes: PrefixState): number | undefined {
  const maps = cursor.next();
  const rest = cursor.next();
  const opcode = cursor.next();
  const { operandOverride, repeat, lock, rex, bits } = prefixes;
  const long = (rest & 4) !== 0;
  if (operandOverride || repeat !== 0 || lock || rex !== 0 || long || (maps & 0x1f) > 3) return undefined;
  // Outside 64-bit code there are eight registers, and W is ignored.
  if (bits === 64) prefixes.rex = ((~maps >> 5) & 7) | ((rest >> 4) & 8);
  prefixes.vvvv = (~rest >> 3) & 15;
  prefixes.vex = vexPrefixes[rest & 3]!;
  return slotNumber(maps & 0x1f, opcode, true);
}

/** C5 is short for the map 0F, which has vector instructions only. */
function readShortVex(cursor: Cursor): undefined {
  cursor.next();
  cursor.next();
}

const registerOperands = new Map<string, Register[]>();
/** Register operands are shared: an engine sees the same object for the same register. */
function registerList(kind: Register["class"], width: OperandWidth): Register[] {
  const key = `${kind}${width}`;
  const known = registerOperands.get(key);
  if (known) return known;
  const list = Array.from({ length: 16 }, (_, number): Register => ({ kind: "register", class: kind, number, width }));
  registerOperands.set(key, list);
  return list;
}

const general8 = registerList("general", 8);
const general16 = registerList("general", 16);
const general32 = registerList("general", 32);
const general64 = registerList("general", 64);
const highBytes = registerList("high-byte", 8);
const segments = registerList("segment", 16);

/** Without REX, byte registers 4–7 are AH, CH, DH, BH. */
function generalRegister(number: number, width: OperandWidth | undefined, rex: boolean): Register {
  if (width === 8) return !rex && number >= 4 && number < 8 ? highBytes[number - 4]! : general8[number]!;
  return (width === 16 ? general16 : width === 64 ? general64 : general32)[number]!;
}

const stackRegisters = registerList("x87", 80);
const mmxRegisters = registerList("mmx", 64);
const xmmRegisters = registerList("xmm", 128);

/** The register of a pattern. There are eight x87 and eight MMX registers: REX changes nothing there. */
function numberedRegister(pattern: OperandPattern, number: number, rex: boolean): Register {
  switch (pattern.class) {
    case "general":
      return generalRegister(number, pattern.width, rex);
    case "x87":
      return stackRegisters[number & 7]!;
    case "mmx":
      return mmxRegisters[number & 7]!;
    case "xmm":
      return xmmRegisters[number]!;
  }
}

/** One decoding: everything that reading operands needs. */
interface Reading {
  readonly cursor: Cursor;
  readonly prefixes: PrefixState;
  readonly form: Form;
  readonly opcode: number;
  readonly modrm: number;
  readonly size: Bits;
}

/** The register that ModRM.reg names, undefined if there is none of that number. */
function regOperand(pattern: OperandPattern, { prefixes, modrm, form }: Reading): Operand | undefined {
  const low = (modrm >> 3) & 7;
  const number = low | prefixes.rexR;
  switch (pattern.kind) {
    case "segment": {
      const loadsCode = low === 1 && form.operands[0] === pattern;
      return low > 5 || loadsCode ? undefined : segments[low];
    }
    case "control":
      if (!controlNumbers.includes(number)) return undefined;
      return registerList("control", prefixes.bits === 64 ? 64 : 32)[number];
    case "debug":
      return number > 7 ? undefined : registerList("debug", prefixes.bits === 64 ? 64 : 32)[number];
    default:
      return numberedRegister(pattern, number, prefixes.rex !== 0);
  }
}

function rmOperand(pattern: OperandPattern, { cursor, prefixes, modrm, form }: Reading): Operand {
  if (modrm >= 0xc0 || form.mod === "ignored")
    return numberedRegister(pattern, (modrm & 7) | prefixes.rexBit, prefixes.rex !== 0);
  const { addressSize, bits, segment, rexX, rexBit } = prefixes;
  return memoryOperand(cursor, modrm, { addressSize, bits, segment, rexX, rexB: rexBit }, pattern.memoryWidth);
}

function immediateOperand(pattern: OperandPattern, { cursor, size }: Reading): Operand {
  const width = immediateWidth(pattern);
  const extended = pattern.signed || (width === 32 && size === 64);
  if (width === 64) return { kind: "immediate", width, value: BigInt.asUintN(64, cursor.signed64()) };
  const value = width === 8 ? cursor.signed8() : width === 16 ? cursor.signed16() : cursor.signed32();
  const to = extended ? size : width;
  if (value >= 0) return { kind: "immediate", width: to, value: big(value) };
  if (to === 64) return { kind: "immediate", width: to, value: BigInt.asUintN(64, BigInt(value)) };
  return { kind: "immediate", width: to, value: BigInt(to === 32 ? value >>> 0 : value & ((1 << to) - 1)) };
}

function offsetOperand(pattern: OperandPattern, { cursor, prefixes }: Reading): Operand {
  const { addressSize } = prefixes;
  const displacement =
    addressSize === 64 ? cursor.signed64() : big(addressSize === 32 ? cursor.signed32() : cursor.signed16());
  return {
    kind: "memory",
    width: pattern.memoryWidth,
    addressSize,
    segment: prefixes.segment ?? "ds",
    base: undefined,
    index: undefined,
    scale: 1,
    displacement,
    ripRelative: false,
  };
}

function farOperand(pattern: OperandPattern, { cursor }: Reading): Operand {
  const width = pattern.width === 16 ? 16 : 32;
  const offset = width === 16 ? cursor.signed16() & 0xffff : cursor.signed32() >>> 0;
  return { kind: "far", offset, selector: cursor.signed16() & 0xffff, width };
}

function fixedOperand({ register, value }: OperandPattern): Operand {
  if (register) return registerList(register.class, register.width)[register.number]!;
  return { kind: "immediate", width: 8, value: big(value ?? 0) };
}

/** The operand of one pattern, undefined if its encoding is not defined. */
function readOperand(pattern: OperandPattern, reading: Reading): Operand | undefined {
  const { cursor, prefixes, opcode } = reading;
  switch (pattern.place) {
    case "reg":
      return regOperand(pattern, reading);
    case "rm":
      return rmOperand(pattern, reading);
    case "vvvv":
      return generalRegister(prefixes.vvvv & (prefixes.bits === 64 ? 15 : 7), pattern.width, true);
    case "opcode":
      return generalRegister((opcode & 7) | prefixes.rexBit, pattern.width, prefixes.rex !== 0);
    case "immediate":
      return immediateOperand(pattern, reading);
    case "relative": {
      const width = immediateWidth(pattern);
      return {
        kind: "relative",
        distance: width === 8 ? cursor.signed8() : width === 16 ? cursor.signed16() : cursor.signed32(),
      };
    }
    case "moffs":
      return offsetOperand(pattern, reading);
    case "far":
      return farOperand(pattern, reading);
    case "fixed":
      return fixedOperand(pattern);
  }
}

const slots: Record<Bits, (Slot | undefined)[]> = {
  16: slotsOf(forms, 16),
  32: slotsOf(forms, 32),
  64: slotsOf(forms, 64),
};

function readOperands(reading: Reading): Operand[] | undefined {
  const { operands } = reading.form;
  const result: Operand[] = [];
  for (let n = 0; n < operands.length; n++) {
    const operand = readOperand(operands[n]!, reading);
    if (operand === undefined) return undefined;
    result.push(operand);
  }
  return result;
}

/** LOCK needs a memory operand that is written (SDM Vol. 2, LOCK); else #UD. */
const mayLock = (row: Row, operands: readonly Operand[]): boolean =>
  row.lockable && operands.some((operand, n) => operand.kind === "memory" && row.access[n] !== "r");

/**
 * Decodes the instruction at `offset` of `source` for code of `bits` bits. Bytes are asked for in order and never
 * beyond the instruction, so a source that throws a page fault throws it exactly where the processor would.
 */
export function decode(source: ByteSource, offset: number, bits: Bits): Decoded | DecodeFailure {
  const cursor = new Cursor(source, offset);
  const prefixes = new PrefixState(bits);
  const opcode = readOpcode(cursor, prefixes);
  const slot = opcode === undefined ? undefined : slots[bits][opcode];
  if (opcode === undefined || slot === undefined) return cursor.failure ?? "invalid";
  const following = slot.looksAhead ? cursor.peek() : 0;
  const form = cursor.failure === undefined ? choose(slot, bits, prefixes, following) : null;
  if (form === null) return cursor.failure ?? "invalid";
  const { pattern, row } = form;
  if (pattern.hasModrm || pattern.second !== undefined) cursor.next();
  const override = prefixes.operandOverride && pattern.prefix !== 0x66;
  const size = requiredSize(form, bits) ?? effectiveSize(form, bits, override, prefixes.wide);
  const operands = readOperands({ cursor, prefixes, form, opcode, modrm: following, size });
  if (cursor.failure !== undefined) return cursor.failure;
  if (operands === undefined) return "invalid";
  if (prefixes.vvvv !== 0 && !form.operands.some(({ place }) => place === "vvvv")) return "invalid";
  if (prefixes.lock && !mayLock(row, operands)) return "invalid";
  return {
    row,
    length: cursor.length,
    bits,
    operandSize: form.byte ? 8 : size,
    addressSize: prefixes.addressSize,
    operands,
    lock: prefixes.lock,
    repeat: row.repeat === "none" || prefixes.repeat === 0 ? "none" : prefixes.repeat === 0xf3 ? "rep" : "repne",
    segment: prefixes.segment,
  };
}
