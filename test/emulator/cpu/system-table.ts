import type { Decoded } from "../../../isa/operands.ts";
import { processor } from "./processor.ts";

/** The procedures that rows call by name. */
export const { system } = processor().cpu;

/** An instruction without operands that are looked at, of an operand size. */
export const sized = (operandSize: 8 | 16 | 32 | 64): Decoded =>
  ({ operands: [], operandSize, length: 2 }) as unknown as Decoded;
export const decoded = sized(32);
