import type { Row } from "./instruction.ts";
import type { OperandWidth, RegisterName, SegmentName, Width } from "./registers.ts";

export type Bits = 16 | 32 | 64;

/** A register operand. Widths of control and debug registers follow the mode (32, or 64 in 64-bit code). */
export interface Register {
  readonly kind: "register";
  readonly class: RegisterName["class"];
  readonly number: number;
  readonly width: OperandWidth;
}

/** A memory operand: segment:[base + index*scale + displacement], wrapped at `addressSize`. */
export interface Memory {
  readonly kind: "memory";
  /** Width of the access in bits; undefined where the instruction accesses no memory of its own width (LEA, LGDT m16&32). */
  readonly width: OperandWidth | undefined;
  readonly addressSize: Bits;
  /** The segment that applies, default or overridden. */
  readonly segment: SegmentName;
  readonly base: number | undefined;
  readonly index: number | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  /** Sign-extended displacement. With `ripRelative` it counts from the following instruction. */
  readonly displacement: bigint;
  readonly ripRelative: boolean;
}

/** A constant, sign- or zero-extended by its row to the width of the operation, held as the unsigned value at `width`. */
export interface Immediate {
  readonly kind: "immediate";
  readonly width: Width;
  readonly value: bigint;
}

/** A near branch target, as a signed distance from the following instruction. */
export interface Relative {
  readonly kind: "relative";
  readonly distance: number;
}

/** `ptr16:16` or `ptr16:32`. */
export interface FarPointer {
  readonly kind: "far";
  readonly selector: number;
  readonly offset: number;
  readonly width: 16 | 32;
}

export type Operand = Register | Memory | Immediate | Relative | FarPointer;

/** One instruction as it stands in memory, fully resolved: what engines execute and the disassembler prints. */
export interface Decoded {
  readonly row: Row;
  /** Length in bytes, 1–15. */
  readonly length: number;
  readonly bits: Bits;
  /** Effective operand size; 8 for rows whose operands are bytes. */
  readonly operandSize: Width;
  readonly addressSize: Bits;
  readonly operands: readonly Operand[];
  readonly lock: boolean;
  readonly repeat: "none" | "rep" | "repne";
  /** Segment override prefix in force, if any (also for implicit operands such as [DS:rSI]). */
  readonly segment: SegmentName | undefined;
}

/** Bits of an operand's value. Throws where it has none: memory without a width (LEA), x87 and SSE registers. */
export function valueWidth({ width }: Register | Memory): Width {
  if (width === undefined || width === 80 || width === 128) throw new TypeError("an operand that is no single value");
  return width;
}
