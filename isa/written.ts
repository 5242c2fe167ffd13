import type { EffectiveAddress } from "./effective-address.ts";
import type { Bits } from "./operands.ts";
import type { WrittenMemory, WrittenOperand, WrittenPrefixes } from "./statement.ts";

/** A statement in a mode, with what every form asks of it worked out once. */
export interface Written {
  readonly operands: readonly WrittenOperand[];
  readonly prefixes: WrittenPrefixes;
  /** Operand size that the mnemonic names (RETFQ). */
  readonly operandSize: Bits | undefined;
  readonly bits: Bits;
  /** Address of the instruction. */
  readonly address: bigint;
  readonly memory: WrittenMemory | undefined;
  /** Encoding of `memory`. */
  readonly effective: EffectiveAddress | undefined;
}

/** Why a statement is not of a form; later ones came closer. */
export const misfits = [
  "operand-count",
  "no-such-form",
  "operand-size-mismatch",
  "prefix-not-allowed",
  "wrong-mode",
  "high-byte-with-rex",
  "jump-out-of-range",
] as const;
export type Misfit = (typeof misfits)[number];
