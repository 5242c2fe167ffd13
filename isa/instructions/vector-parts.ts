import type { Algebra, Value } from "../algebra.ts";
import type { Semantics } from "../instruction.ts";
import type { Operand } from "../operands.ts";

/*
 * What SSE's moves, logic and quadword arithmetic do, told in halves of 64 bits: engines emit code for these as they do for
 * instructions on general registers. Everything with elements of other kinds is the vector unit's own.
 */

const isMemory = (operand: Operand): boolean => operand.kind === "memory";

/** Memory must be aligned, where the instruction has memory. */
function checkAligned(m: Algebra, ...operands: readonly Operand[]): void {
  for (const operand of operands) if (operand.kind === "memory") m.checkAligned(operand);
}

function writeParts(m: Algebra, destination: Operand, low: Value, high: Value): void {
  if (destination.kind === "memory") m.storeParts(destination, low, high);
  else {
    m.setPart(destination, 0, low);
    m.setPart(destination, 1, high);
  }
}

/** Both halves, to or from memory at any address. */
export const moveUnaligned: Semantics = (m, destination, source) => {
  m.needVectors();
  writeParts(m, destination, m.part(source, 0), m.part(source, 1));
};

/** Both halves, to or from memory at a multiple of 16. */
export const moveAligned: Semantics = (m, destination, source) => {
  m.needVectors();
  checkAligned(m, destination, source);
  writeParts(m, destination, m.part(source, 0), m.part(source, 1));
};

/** One half of a register, to or from memory. */
export const moveHalf =
  (index: 0 | 1): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    if (isMemory(destination)) m.write(destination, m.part(source, index));
    else m.setPart(destination, index, m.read(source));
  };

/** A half of one register to a half of another. */
export const moveAcross =
  (from: 0 | 1, to: 0 | 1): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    m.setPart(destination, to, m.part(source, from));
  };

/** The lowest bits of a register. */
const lowest = (m: Algebra, operand: Operand, width: 32 | 64): Value =>
  width === 64 ? m.part(operand, 0) : m.truncate(m.part(operand, 0), 32);

/** MOVSS, MOVSD: between registers the lowest element alone changes; from memory the rest is cleared. */
export const moveScalar =
  (width: 32 | 64): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    if (isMemory(destination)) m.write(destination, lowest(m, source, width));
    else if (isMemory(source)) setLowest(m, destination, m.read(source));
    else if (width === 64) m.setPart(destination, 0, m.part(source, 0));
    else {
      const mask = m.constant(64, 0xffff_ffffn);
      const kept = m.and(m.part(destination, 0), m.not(mask));
      m.setPart(destination, 0, m.or(kept, m.and(m.part(source, 0), mask)));
    }
  };

function setLowest(m: Algebra, destination: Operand, value: Value): void {
  m.setPart(destination, 0, m.zeroExtend(value, 64));
  m.setPart(destination, 1, m.constant(64, 0));
}

const isXmm = (operand: Operand): boolean => operand.kind === "register" && operand.class === "xmm";

/** MOVD, MOVQ: the lowest bits, and the rest of a vector register is cleared. */
export const moveLowest =
  (width: 32 | 64): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    const value = isXmm(source) ? lowest(m, source, width) : m.read(source);
    if (isXmm(destination)) setLowest(m, destination, value);
    else m.write(destination, value);
  };

/** The same on both halves of both operands. */
export const onHalves =
  (of: (m: Algebra, a: Value, b: Value) => Value): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    checkAligned(m, source);
    const [low, high] = [m.part(source, 0), m.part(source, 1)];
    m.setPart(destination, 0, of(m, m.part(destination, 0), low));
    m.setPart(destination, 1, of(m, m.part(destination, 1), high));
  };

/** A half of the destination, then the same half of the source. */
export const joinHalves =
  (index: 0 | 1): Semantics =>
  (m, destination, source) => {
    m.needVectors();
    checkAligned(m, source);
    const high = m.part(source, index);
    m.setPart(destination, 0, m.part(destination, index));
    m.setPart(destination, 1, high);
  };

/** Operations on all bits or on quadwords, by the name of the integer instruction. */
export const halfwise: Readonly<Record<string, Semantics>> = {
  PAND: onHalves((m, a, b) => m.and(a, b)),
  PANDN: onHalves((m, a, b) => m.and(m.not(a), b)),
  POR: onHalves((m, a, b) => m.or(a, b)),
  PXOR: onHalves((m, a, b) => m.xor(a, b)),
  PADDQ: onHalves((m, a, b) => m.add(a, b)),
  PSUBQ: onHalves((m, a, b) => m.subtract(a, b)),
  PUNPCKLQDQ: joinHalves(0),
  PUNPCKHQDQ: joinHalves(1),
};
