import type { Decoded, Operand } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { layout } from "../layout.ts";
import { checkAligned, checkStore, type Place, placeOf } from "./memory-operand.ts";

/** Sixteen bytes, seen as elements of every width. What is read and written of a register goes through these. */
export class Lanes {
  readonly u8 = new Uint8Array(16);
  readonly i8 = new Int8Array(this.u8.buffer);
  readonly u16 = new Uint16Array(this.u8.buffer);
  readonly i16 = new Int16Array(this.u8.buffer);
  readonly u32 = new Uint32Array(this.u8.buffer);
  readonly i32 = new Int32Array(this.u8.buffer);
  readonly u64 = new BigUint64Array(this.u8.buffer);
  readonly f32 = new Float32Array(this.u8.buffer);
  readonly f64 = new Float64Array(this.u8.buffer);

  copy(from: Lanes): void {
    this.u32.set(from.u32);
  }
}

const xmmWord = layout.xmm >> 2;
const mmxWord = layout.x87Registers >> 2;

/** The first word of an XMM or MMX register in the state block; either has 16 bytes there. */
export function registerWord(operand: Operand): number {
  if (operand.kind !== "register") throw new TypeError("expected a vector register");
  return (operand.class === "xmm" ? xmmWord : mmxWord) + 4 * operand.number;
}

/** Bytes of the vector register that an operand is; 16 for memory, whose size its instruction knows. */
export const bytesOf = (operand: Operand): 8 | 16 => (operand.kind === "register" && operand.class === "mmx" ? 8 : 16);

export function readRegister(cpu: Cpu, operand: Operand, into: Lanes): void {
  const at = registerWord(operand);
  for (let n = 0; n < 4; n++) into.u32[n] = cpu.u32[at + n]!;
}

/** Writes the low `bytes`; an MMX register gets the exponent of a NaN besides. */
export function writeRegister(cpu: Cpu, operand: Operand, from: Lanes, bytes = 16): void {
  const at = registerWord(operand);
  if (operand.kind === "register" && operand.class === "mmx") {
    cpu.u32[at] = from.u32[0]!;
    cpu.u32[at + 1] = from.u32[1]!;
    cpu.r16[(at + 2) << 1] = 0xffff;
    return;
  }
  for (let n = 0; n < bytes >> 2; n++) cpu.u32[at + n] = from.u32[n]!;
}

export function readMemory(cpu: Cpu, { segment, offset }: Place, into: Lanes, bytes: number): void {
  // Read in doublewords; what alignment checking asks for is that of quadwords.
  if (bytes >= 8 && cpu.alignmentChecked) for (let at = 0; at < bytes; at += 8) cpu.load64(segment, offset + at);
  if (bytes === 2) into.u16[0] = cpu.load16(segment, offset);
  else for (let n = 0; n < bytes >> 2; n++) into.i32[n] = cpu.load32(segment, offset + 4 * n);
}

/** Stores the low `bytes`, a multiple of 4, completely or not at all. */
export function writeMemory(cpu: Cpu, place: Place, from: Lanes, bytes: number): void {
  if (bytes > 4) checkStore(cpu, place, bytes);
  for (let n = 0; n < bytes >> 2; n++) cpu.store32(place.segment, place.offset + 4 * n, from.u32[n]!);
}

/** Reads a register or memory operand; of memory only `bytes`, at an aligned address if those are 16 and `aligned`. */
export function readOperand(cpu: Cpu, decoded: Decoded, n: number, into: Lanes, bytes: number, aligned: boolean): void {
  const operand = decoded.operands[n]!;
  if (operand.kind !== "memory") {
    readRegister(cpu, operand, into);
    return;
  }
  const place = placeOf(cpu, operand, decoded);
  if (aligned && bytes === 16) checkAligned(cpu, place);
  readMemory(cpu, place, into, bytes);
}

/** The immediate of an instruction that has one. */
export function immediateOf({ operands }: Decoded): number {
  for (const operand of operands) if (operand.kind === "immediate") return Number(operand.value);
  throw new TypeError("expected an immediate");
}
