import type { Row } from "../../isa/instruction.ts";
import type { Decoded, Memory, Operand, Register } from "../../isa/operands.ts";
import { type SegmentName, segmentNames } from "../../isa/registers.ts";

/**
 * What differs between instructions that share a handler, as the handler reads it. Register operands of the general
 * class are given as word index of their low half in the register file (2 × number), others by number.
 */
export interface DynamicOperands {
  readonly decoded: Decoded;
  readonly length: number;
  /** Of operand 0, 1, 2: register, immediate of up to 32 bits (as handlers hold it), distance + length, or selector. */
  readonly value0: number;
  readonly value1: number;
  readonly value2: number;
  /** An immediate of 64 bits. */
  readonly wide: bigint;
  /** Word index of the base register of the memory operand. */
  readonly base: number;
  readonly index: number;
  /** Binary logarithm. */
  readonly scale: number;
  /** Signed; plus length if relative to RIP. Of a far pointer: the offset. */
  readonly displacement: number;
}

const classes = [
  "general",
  "high-byte",
  "segment",
  "control",
  "debug",
  "x87",
  "mmx",
  "xmm",
] as const satisfies Register["class"][];
const repeats = ["none", "rep", "repne"] as const satisfies Decoded["repeat"][];

/** Which segment, for as many bits as `segmentNames` needs; 7 for none. */
const segmentKey = (segment: SegmentName | undefined): number =>
  segment === undefined ? 7 : segmentNames.indexOf(segment);

/** Facts about a memory operand that its handler depends on. */
function memoryKey({ segment, addressSize, width, ripRelative, base, index }: Memory): number {
  const registers = (base === undefined ? 0 : base === 4 ? 1 : 2) | (index === undefined ? 0 : 4);
  return registers | (ripRelative ? 8 : 0) | (segmentKey(segment) << 4) | (addressSize << 7) | ((width ?? 0) << 14);
}

/** Facts about an operand that its handler depends on, as a number of 30 bits. */
function operandKey(operand: Operand): number {
  switch (operand.kind) {
    case "register":
      return 1 | (classes.indexOf(operand.class) << 3) | (operand.width << 6);
    case "memory":
      return 2 | (memoryKey(operand) << 3);
    case "immediate":
      return 3 | (operand.width << 3);
    case "far":
      return 4 | (operand.width << 3);
    case "relative":
      return 5;
  }
}

/** Facts about an instruction beside its operands, as a number of 30 bits: each of the four widths is a multiple of 8 up to 64. */
function contextKey({ bits, operandSize, addressSize, repeat, segment }: Decoded, stackBits: number): number {
  const sizes = (bits >> 3) | (stackBits << 1) | (operandSize << 5) | (addressSize << 9);
  return sizes | (repeats.indexOf(repeat) << 16) | (segmentKey(segment) << 18);
}

/** What is known of a row, or of shapes that agree so far, and by the next fact. */
class Branch<T> {
  value: T | undefined;
  readonly #next = new Map<number, Branch<T>>();

  next(key: number): Branch<T> {
    const known = this.#next.get(key);
    if (known !== undefined) return known;
    const made = new Branch<T>();
    this.#next.set(key, made);
    return made;
  }
}

/**
 * Things made once for each row and shape: two instructions of one row and one shape are executed by the same handler. A tree, as
 * making one key of all the facts takes longer.
 */
export class ByShape<T> {
  readonly #rows = new Map<Row, Branch<T>>();

  /** `stackBits` is the width of the stack pointer. */
  of(decoded: Decoded, stackBits: number, make: () => T): T {
    let branch = this.#rows.get(decoded.row);
    if (branch === undefined) {
      branch = new Branch<T>();
      this.#rows.set(decoded.row, branch);
    }
    branch = branch.next(contextKey(decoded, stackBits));
    for (const operand of decoded.operands) branch = branch.next(operandKey(operand));
    branch.value ??= make();
    return branch.value;
  }
}

const shared = (fact: string): never => {
  throw new Error(`${fact} is not known here: instructions that differ in it share their code`);
};

/** The operand without what differs between instructions of its shape; asking for that is a mistake in a row. */
function template(operand: Operand): Operand {
  switch (operand.kind) {
    case "register":
      return {
        ...operand,
        get number() {
          return shared("a register number");
        },
      };
    case "immediate":
      return {
        ...operand,
        get value() {
          return shared("an immediate value");
        },
      };
    case "relative":
      return {
        ...operand,
        get distance() {
          return shared("a distance");
        },
      };
    case "far":
      return {
        ...operand,
        get selector() {
          return shared("a selector");
        },
        get offset() {
          return shared("an offset");
        },
      };
    case "memory":
      return {
        ...operand,
        get displacement() {
          return shared("a displacement");
        },
        get scale() {
          return shared("a scale");
        },
      };
  }
}

/** What a row is shown of an instruction when code for its shape is made. */
export const templateOf = (decoded: Decoded): Decoded => ({ ...decoded, operands: decoded.operands.map(template) });
