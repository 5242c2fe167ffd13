import type { Decoded, Operand, Register } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import {
  bytesOf,
  immediateOf,
  Lanes,
  readMemory,
  readOperand,
  readRegister,
  writeMemory,
  writeRegister,
} from "./lanes.ts";
import { checkStore, destinationIndex, memoryOf, placeOf } from "./memory-operand.ts";

type Execute = (cpu: Cpu, decoded: Decoded) => void;
const a = new Lanes();
const b = new Lanes();

/** A general register: what a 32-bit operation writes is extended with zeros. */
export function writeGeneral(cpu: Cpu, { number, width }: Register, low: number, high = 0): void {
  cpu.u32[2 * number] = low;
  // Outside 64-bit code the upper half cannot be seen, and is left as other instructions leave it.
  if (width === 64 || cpu.bits === 64) cpu.u32[2 * number + 1] = high;
}

const registerOf = (operand: Operand | undefined): Register => {
  if (operand?.kind !== "register") throw new TypeError("expected a register");
  return operand;
};

/** MOVNTQ. */
function storeMmx(cpu: Cpu, decoded: Decoded): void {
  readRegister(cpu, decoded.operands[1]!, a);
  writeMemory(cpu, memoryOf(cpu, decoded), a, 8);
}

/** MOVD and MOVQ of MMX registers: 4 or 8 bytes; a vector register is cleared above them. */
const low =
  (usual: 4 | 8): Execute =>
  (cpu, decoded) => {
    const [destination, source] = decoded.operands;
    const bytes = [destination, source].some((o) => o?.kind === "register" && o.class === "general" && o.width === 64)
      ? 8
      : usual;
    readLow(cpu, decoded, bytes);
    if (destination!.kind === "memory") writeMemory(cpu, placeOf(cpu, destination!, decoded), a, bytes);
    else if (destination!.kind === "register" && destination!.class === "general")
      writeGeneral(cpu, destination!, a.u32[0]!, a.u32[1]!);
    else writeRegister(cpu, destination!, a);
  };

/** The source's low `bytes` into `a`, the rest zero. */
function readLow(cpu: Cpu, decoded: Decoded, bytes: 4 | 8): void {
  const source = decoded.operands[1]!;
  if (source.kind === "register" && source.class === "general") {
    a.u32[0] = cpu.u32[2 * source.number]!;
    a.u32[1] = cpu.u32[2 * source.number + 1]!;
  } else readOperand(cpu, decoded, 1, a, bytes, false);
  a.u32.fill(0, bytes / 4);
}

/** Top bits of the elements, as a number. */
const signs =
  (bytesEach: 1 | 4 | 8): Execute =>
  (cpu, decoded) => {
    const [destination, source] = decoded.operands;
    readRegister(cpu, source!, a);
    let mask = 0;
    for (let n = 0; n < bytesOf(source!) / bytesEach; n++)
      if ((a.u8[(n + 1) * bytesEach - 1]! & 0x80) !== 0) mask |= 1 << n;
    writeGeneral(cpu, registerOf(destination), mask);
  };

/** MASKMOVQ, MASKMOVDQU: bytes whose mask is clear are not written. Nothing is stored if one of them cannot be. */
function storeMasked(cpu: Cpu, decoded: Decoded): void {
  const [source, mask] = decoded.operands;
  readRegister(cpu, source!, a);
  readRegister(cpu, mask!, b);
  const place = destinationIndex(cpu, decoded);
  const chosen = [...b.u8.subarray(0, bytesOf(source!)).keys()].filter((n) => (b.u8[n]! & 0x80) !== 0);
  for (const n of chosen) checkStore(cpu, { segment: place.segment, offset: place.offset + n }, 1);
  for (const n of chosen) cpu.store8(place.segment, place.offset + n, a.u8[n]!);
}

function insertWord(cpu: Cpu, decoded: Decoded): void {
  const [destination, source] = decoded.operands;
  const count = bytesOf(destination!) / 2;
  let word: number;
  if (source!.kind === "memory") {
    readMemory(cpu, placeOf(cpu, source!, decoded), b, 2);
    word = b.u16[0]!;
  } else word = cpu.u32[2 * registerOf(source).number]! & 0xffff;
  readRegister(cpu, destination!, a);
  a.u16[immediateOf(decoded) & (count - 1)] = word;
  writeRegister(cpu, destination!, a);
}

function extractWord(cpu: Cpu, decoded: Decoded): void {
  const [destination, source] = decoded.operands;
  readRegister(cpu, source!, a);
  writeGeneral(cpu, registerOf(destination), a.u16[immediateOf(decoded) & (bytesOf(source!) / 2 - 1)]!);
}

/** Elements of the destination by the low fields of the number, then elements of the source by the high ones. */
const shuffle =
  (view: "u32" | "u64", count: 4 | 2): Execute =>
  (cpu, decoded) => {
    const [destination] = decoded.operands;
    const order = immediateOf(decoded);
    const bits = count === 4 ? 2 : 1;
    readOperand(cpu, decoded, 1, b, 16, true);
    readRegister(cpu, destination!, a);
    const picked = Array.from({ length: count }, (_, n) => {
      const from = n < count / 2 ? a : b;
      return from[view][(order >> (bits * n)) & (count - 1)]!;
    });
    for (const [n, value] of picked.entries()) a[view][n] = value;
    writeRegister(cpu, destination!, a);
  };

/** MOVSLDUP, MOVSHDUP. */
const duplicate =
  (odd: 0 | 1): Execute =>
  (cpu, decoded) => {
    readOperand(cpu, decoded, 1, a, 16, true);
    for (let n = 0; n < 4; n += 2) a.u32.fill(a.u32[n + odd]!, n, n + 2);
    writeRegister(cpu, decoded.operands[0]!, a);
  };

function duplicateDouble(cpu: Cpu, decoded: Decoded): void {
  readOperand(cpu, decoded, 1, a, 8, false);
  a.u32.copyWithin(2, 0, 2);
  writeRegister(cpu, decoded.operands[0]!, a);
}

export const vectorMoves: Readonly<Record<string, Execute>> = {
  movntq: storeMmx,
  movd: low(4),
  movq: low(8),
  movq2dq: low(8),
  movdq2q: low(8),
  movmskps: signs(4),
  movmskpd: signs(8),
  pmovmskb: signs(1),
  maskmovq: storeMasked,
  maskmovdqu: storeMasked,
  pinsrw: insertWord,
  pextrw: extractWord,
  shufps: shuffle("u32", 4),
  shufpd: shuffle("u64", 2),
  movsldup: duplicate(0),
  movshdup: duplicate(1),
  movddup: duplicateDouble,
};
