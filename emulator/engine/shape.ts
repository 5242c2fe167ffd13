import type { Decoded, Memory, Operand } from "../../isa/operands.ts";

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

/** Facts about a memory operand that its handler depends on. */
const memoryShape = (m: Memory): string =>
  [
    m.segment,
    m.addressSize,
    m.width ?? "-",
    m.ripRelative ? "i" : "",
    m.base === undefined ? "" : m.base === 4 ? "s" : "b",
    m.index === undefined ? "" : "x",
  ].join("");

function operandShape(operand: Operand): string {
  switch (operand.kind) {
    case "register":
      return `${operand.class[0]}${operand.width}`;
    case "memory":
      return memoryShape(operand);
    case "immediate":
      return `i${operand.width}`;
    case "far":
      return `f${operand.width}`;
    case "relative":
      return "r";
  }
}

/** Two instructions of one row and one shape are executed by the same handler. `stackBits` is the width of the stack pointer. */
export function shapeOf(decoded: Decoded, stackBits: number): string {
  const facts = [
    decoded.bits,
    stackBits,
    decoded.operandSize,
    decoded.addressSize,
    decoded.repeat,
    decoded.segment ?? "",
  ];
  return [...facts, ...decoded.operands.map(operandShape)].join(" ");
}

function slotOf(operand: Operand | undefined, length: number): number {
  switch (operand?.kind) {
    case "register":
      return operand.class === "general" ? 2 * operand.number : operand.number;
    case "immediate": {
      const narrow = Number(BigInt.asUintN(32, operand.value));
      return operand.width === 32 ? narrow | 0 : narrow;
    }
    case "relative":
      return operand.distance + length;
    case "far":
      return operand.selector;
    default:
      return 0;
  }
}

export function dynamicOperands(decoded: Decoded): DynamicOperands {
  const { operands, length } = decoded;
  const memory = operands.find((operand) => operand.kind === "memory");
  const far = operands.find((operand) => operand.kind === "far");
  const immediate = operands.find((operand) => operand.kind === "immediate");
  const displacement = Number(memory?.displacement ?? 0n) + (memory?.ripRelative ? length : 0);
  return {
    decoded,
    length,
    value0: slotOf(operands[0], length),
    value1: slotOf(operands[1], length),
    value2: slotOf(operands[2], length),
    wide: immediate?.width === 64 ? immediate.value : 0n,
    base: 2 * (memory?.base ?? 0),
    index: 2 * (memory?.index ?? 0),
    scale: Math.log2(memory?.scale ?? 1),
    displacement: far ? far.offset : displacement,
  };
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
