import type { Bits } from "../../../isa/operands.ts";

/** Memory that is compared, and filled with the same random bytes on both sides: all that cases reach. */
export const windowAt = 0;
export const windowBytes = 0x1_0000;
/** Where operands in memory are put. */
export const dataFrom = 0x3000;
export const dataTo = 0xe000;

/** One instruction or a sequence, and the state it begins in. */
export interface Case {
  /** For messages: the row, or that it is a sequence. */
  readonly name: string;
  readonly mode: Bits;
  readonly code: readonly number[];
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly patches: readonly (readonly [at: number, bytes: readonly number[]])[];
  /** Whether it runs to the end of the code; else one instruction runs, which may branch. */
  readonly straight: boolean;
  /** Flags to compare. */
  readonly flagMask: number;
  /** Whether only the low halves of 64-bit registers are compared. */
  readonly lowHalves?: boolean;
}

/** How a case ended. */
export interface Outcome {
  readonly registers: readonly bigint[];
  readonly ip: bigint;
  readonly flags: number;
  /** Bytes of the window that are no longer what they were before the patches. */
  readonly changes: ReadonlyMap<number, number>;
  /** Vector of the exception; a text if the oracle could not go on for a reason of its own. */
  readonly fault: number | string | undefined;
}
