import type { Decoded } from "../../isa/operands.ts";
import type { Handler } from "./handlers.ts";
import { type DynamicOperands, dynamicOperands } from "./shape.ts";

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
    const operands = dynamicOperands(decoded);
    this.decoded = decoded;
    this.execute = handler.execute;
    this.flow = flowOf(decoded, handler);
    this.length = operands.length;
    this.value0 = operands.value0;
    this.value1 = operands.value1;
    this.value2 = operands.value2;
    this.wide = operands.wide;
    this.base = operands.base;
    this.index = operands.index;
    this.scale = operands.scale;
    this.displacement = operands.displacement;
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
