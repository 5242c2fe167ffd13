import type { Row } from "./instruction.ts";
import type { EncodeOptions, Statement } from "./statement.ts";

/** A statement that became machine code. */
export interface Encoding {
  readonly kind: "encoding";
  readonly row: Row;
  readonly bytes: Uint8Array;
  /** What nasm would only warn of: a value cut to its field, a LOCK that has no effect. */
  readonly warnings: readonly Complaint[];
}

/** A statement that cannot be encoded, and why. */
export interface Refusal extends Complaint {
  readonly kind: "refusal";
}

/** Stable codes of what can be wrong with an instruction. */
export type ComplaintCode =
  | "unknown-mnemonic"
  | "operand-count"
  | "no-such-form"
  | "operand-size-mismatch"
  | "operand-size-unknown"
  | "wrong-mode"
  | "bad-address"
  | "high-byte-with-rex"
  | "jump-out-of-range"
  | "value-out-of-range"
  | "prefix-not-allowed";

export interface Complaint {
  readonly code: ComplaintCode;
  /** One plain sentence: what is wrong and, where it is known, what to write instead. */
  readonly message: string;
  /** Index of the operand it is about; undefined for the whole statement. */
  readonly operand?: number;
}

/**
 * The form and bytes nasm 2.16 chooses for a statement (optimizing, as by default): the shortest that fits, and among
 * equals the one nasm has first. Pure and fast, so an assembler calls it again in every pass until sizes are stable;
 * branches are short where the target is near enough from `options.address`, or not known yet.
 */
export declare function select(statement: Statement, options: EncodeOptions): Encoding | Refusal;

/** The bytes of a statement in one given form, or why it does not fit it. */
export declare function encode(row: Row, statement: Statement, options: EncodeOptions): Encoding | Refusal;
