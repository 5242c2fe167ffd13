import type { Row } from "../isa/instruction.ts";
import type { Bits, Decoded } from "../isa/operands.ts";
import type { Unreadable } from "./text-file.ts";

/** A place in source text: 0-based line and UTF-16 columns, end exclusive. */
export interface Range {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What is wrong with the source. Errors in user text are data, never exceptions. */
export interface Problem {
  /** Stable, e.g. "unknown-mnemonic"; each has a page in docs/problems. */
  readonly code: string;
  readonly severity: "error" | "warning" | "information";
  /** One plain sentence that says what is wrong and what to do. */
  readonly message: string;
  readonly range: Range;
  readonly related?: readonly { readonly range: Range; readonly message: string }[];
  /** What can be done about it, the best first. */
  readonly fixes?: readonly Fix[];
}

/** A change of the text that takes a problem away. */
export interface Fix {
  /** For a menu: “Replace POPFD by STI”. */
  readonly title: string;
  readonly edits: readonly { readonly range: Range; readonly text: string }[];
}

/** Gives an included file, or why it cannot be read, or undefined if there is none. Names are paths or URIs; `from` is the including file. */
export type ReadFile = (
  path: string,
  from: string,
) => { readonly file: string; readonly text: string } | Unreadable | undefined;

/** Gives the bytes of a file for `incbin`, as `ReadFile` does for text. */
export type ReadBytes = (
  path: string,
  from: string,
) => { readonly file: string; readonly bytes: Uint8Array } | Unreadable | undefined;

/** What is made: a flat binary, or an object file for a linker. */
export type OutputFormat = "bin" | "elf32" | "elf64";

export interface AssembleOptions {
  /** By default a flat binary. */
  readonly format?: OutputFormat;
  readonly file: string;
  readonly text: string;
  readonly read?: ReadFile;
  /** Without it, `incbin` is a located problem. */
  readonly readBytes?: ReadBytes;
  /** Predefined single-line macros (-D). */
  readonly defines?: Readonly<Record<string, string>>;
  readonly includePaths?: readonly string[];
}

/** A call of a multi-line macro, in whose expansion something stands. */
export interface MacroCall {
  readonly macro: string;
  /** The call as written, in the body of `outer`'s macro if there is one. */
  readonly range: Range;
  readonly outer: MacroCall | undefined;
}

/** One instruction or data item of the program, with its bytes and where it was written. */
export interface Emitted {
  /** Where it runs; with `vstart` that is not where the file has it. */
  readonly address: number;
  /** Index of its first byte in `Assembly.bytes`; undefined for what has no bytes there, such as `.bss`. */
  readonly position: number | undefined;
  readonly length: number;
  readonly range: Range;
  /** For instructions: the row and operands chosen. Undefined if the processor would raise #UD (LOCK RET). */
  readonly decoded?: Decoded | undefined;
  readonly bits: Bits;
  /** The innermost macro call that made it; `range` is then in the body of the macro. */
  readonly expansion?: MacroCall | undefined;
}

/** What an instruction statement says, whether or not it could be encoded: for hovers and diagnostics. */
export interface InstructionMention {
  /** The same object in all versions of a program in which the line is the same, wherever it stands and however it is encoded. */
  readonly statement: object;
  readonly mnemonic: string;
  readonly mnemonicRange: Range;
  /** Whole statement. */
  readonly range: Range;
  readonly bits: Bits;
  /** The row chosen, when the operands fit one. */
  readonly row: Row | undefined;
  readonly decoded: Decoded | undefined;
  /** Where it runs, of the first repetition; undefined if it could not be encoded. */
  readonly address: number | undefined;
  /** Of the first repetition. */
  readonly bytes: Uint8Array | undefined;
  /** Of these bytes: how many. */
  readonly length: number | undefined;
  /** Of a near branch with an address: that of its target, not cut to 16 bits. */
  readonly target: number | undefined;
}

export interface SymbolDefinition {
  readonly name: string;
  readonly kind: "label" | "equ" | "define";
  /** A macro of lines (`%macro`), not of words (`%define`). */
  readonly isMultiLine?: true;
  /** Address or constant. */
  readonly value: bigint | undefined;
  readonly range: Range;
}

export interface SymbolReference {
  readonly name: string;
  /** As written; what a macro put there is the word that stands for it. */
  readonly range: Range;
  /** The innermost macro call that made it; `range` is then in the body of the macro. */
  readonly expansion?: MacroCall | undefined;
}

/** `%pragma ringside KEY VALUE`, e.g. mode, technique, memory; unknown keys are problems. */
export interface Settings {
  /** How the guest starts: of several, the first. The others, and `cpl`, are `Assembly.statements`. */
  readonly mode?: "real" | "protected" | "long" | "xen";
  /** The privilege level of the code from there on. */
  readonly cpl?: 0 | 1 | 2 | 3;
  readonly technique?: string;
  readonly memory?: number;
  readonly processors?: number;
  /** `%pragma ringside ends halted|debug-exit|…` states how the guest is meant to stop; examples are tested by it. */
  readonly ends?: string;
  /** Expected console output, with \n escapes. */
  readonly output?: string;
}

/** What `%pragma ringside mode` or `cpl` says of the instruction that follows. */
export interface ModeStatement {
  readonly range: Range;
  readonly said: Pick<Settings, "mode" | "cpl">;
}

/** What stands on one line of a file. */
export interface LineFacts {
  readonly mentions: readonly InstructionMention[];
  readonly definitions: readonly SymbolDefinition[];
  readonly references: readonly SymbolReference[];
  /** Mode of the code that would stand there. */
  readonly bits: Bits;
  /** The last global label above, to which local labels belong; empty if there is none. */
  readonly scope: string;
}

export interface Assembly {
  /** The same object for versions that were made one from another: what they share can be kept with it. */
  readonly lineage: object;
  readonly problems: readonly Problem[];
  /** Flat binary or object file; meaningful if there is no error. */
  readonly bytes: Uint8Array;
  readonly origin: number;
  /** Mode of the first instruction. */
  readonly bits: Bits;
  /** It names symbols for others, or of others (global, extern): a part of a program, not all of one. */
  readonly isPart: boolean;
  /** Sizes of code that its instructions are assembled for. */
  readonly sizes: ReadonlySet<Bits>;
  readonly emitted: readonly Emitted[];
  readonly mentions: readonly InstructionMention[];
  readonly symbols: ReadonlyMap<string, SymbolDefinition>;
  /** Every definition of a macro, be it of words or lines, in order; a name may have several. */
  readonly macros: readonly SymbolDefinition[];
  readonly references: readonly SymbolReference[];
  readonly includes: readonly { readonly range: Range; readonly file: string }[];
  readonly settings: Settings;
  /** In the order of the source. */
  readonly statements: readonly ModeStatement[];
  /** Lines of the main file that conditionals leave out, by their first and last; known where edits are followed. */
  readonly leftOut: readonly { readonly first: number; readonly last: number }[];
  /** What the lists have of one line, without going through them. */
  onLine(file: string, line: number): LineFacts;
  /** At most so many names of labels, constants and macros that begin so, in any letter case, without listing all. */
  namesWith(beginning: string, most: number): readonly string[];
  /** What the program puts at an address, also while it has errors; undefined unless all of these bytes are initialized. */
  dataAt(address: number, length: number): Uint8Array | undefined;
  /** The labels and constants whose names are wanted, in the order of the source, without listing all. */
  symbolsNamed(wanted: RegExp): readonly SymbolDefinition[];
  /** The mentions whose row is wanted, in order, without going through all of them. */
  mentionsOf(wanted: (row: Row) => boolean): readonly InstructionMention[];
}

/** The line map: both directions between addresses and source. */
export interface LineMap {
  /** The item whose bytes include the address. */
  at(address: number): Emitted | undefined;
  /** Addresses of the code assembled from a line (0-based). */
  addresses(file: string, line: number): readonly number[];
  /** The first line at or after `line` that has code. */
  nextLineWithCode(file: string, line: number): number | undefined;
}
