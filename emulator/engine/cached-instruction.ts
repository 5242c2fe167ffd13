import type { Decoded, Operand } from "../../isa/operands.ts";
import type { Handler } from "./handlers.ts";
import type { DynamicOperands } from "./shape.ts";

/**
 * What may follow an instruction: only the next one; another block; anything, in another mode or under another translation;
 * itself, if it is repeated.
 */
export const flow = { straight: 0, branch: 1, system: 2, repeated: 3 } as const;
type Flow = (typeof flow)[keyof typeof flow];

function flowOf({ repeat }: Decoded, { system, jumps }: Handler): Flow {
  if (system) return flow.system;
  if (repeat !== "none") return flow.repeated;
  return jumps ? flow.branch : flow.straight;
}

/** What `DynamicOperands` has of one operand. */
function dynamicValue(operand: Operand | undefined, length: number): number {
  switch (operand?.kind) {
    case "register":
      return operand.class === "general" ? 2 * operand.number : operand.number;
    case "immediate":
      if (operand.width === 64) return Number(BigInt.asUintN(32, operand.value));
      return operand.width === 32 ? Number(operand.value) | 0 : Number(operand.value);
    case "relative":
      return operand.distance + length;
    case "far":
      return operand.selector;
    default:
      return 0;
  }
}

/** An instruction ready to execute, wherever its bytes are found. */
export class CachedInstruction implements DynamicOperands {
  readonly decoded: Decoded;
  readonly execute: Handler["execute"];
  readonly flow: Flow;
  readonly length: number;
  readonly value0: number;
  readonly value1: number;
  readonly value2: number;
  readonly wide: bigint;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  /** Of an instruction that goes on in the next page: the bytes there. */
  tail: Uint8Array | undefined;

  constructor(decoded: Decoded, handler: Handler) {
    const { operands, length } = decoded;
    let wide = 0n;
    let base = 0;
    let index = 0;
    let scale = 0;
    let displacement = 0;
    for (const operand of operands)
      if (operand.kind === "memory") {
        base = 2 * (operand.base ?? 0);
        index = 2 * (operand.index ?? 0);
        scale = 31 - Math.clz32(operand.scale);
        displacement = Number(operand.displacement) + (operand.ripRelative ? length : 0);
      } else if (operand.kind === "far") displacement = operand.offset;
      else if (operand.kind === "immediate" && operand.width === 64) wide = operand.value;
    this.decoded = decoded;
    this.execute = handler.execute;
    this.flow = flowOf(decoded, handler);
    this.length = length;
    this.value0 = dynamicValue(operands[0], length);
    this.value1 = dynamicValue(operands[1], length);
    this.value2 = dynamicValue(operands[2], length);
    this.wide = wide;
    this.base = base;
    this.index = index;
    this.scale = scale;
    this.displacement = displacement;
    this.tail = undefined;
  }

  /** The same instruction, with something else done when it executes. */
  executedBy(execute: Handler["execute"]): CachedInstruction {
    return new CachedInstruction(this.decoded, {
      execute,
      system: this.flow === flow.system,
      jumps: this.flow === flow.branch,
    });
  }
}
