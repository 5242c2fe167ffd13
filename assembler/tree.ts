import type { Encoding, Refusal } from "../isa/encode.ts";
import type { Bits } from "../isa/operands.ts";
import type { RegisterName } from "../isa/registers.ts";

/**
 * The syntax tree of one source line. Trees are shared by all lines of the same text, so they hold columns and no line
 * numbers; apart from the memory of encodings nothing is ever written into them. Columns are UTF-16 units of the logical
 * line, end exclusive.
 */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Word extends Span {
  /** As written. */
  readonly text: string;
}

export type BinaryOperator =
  | "||"
  | "^^"
  | "&&"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "<=>"
  | "|"
  | "^"
  | "&"
  | "<<"
  | ">>"
  | ">>>"
  | "+"
  | "-"
  | "*"
  | "/"
  | "//"
  | "%"
  | "%%";
export type UnaryOperator = "-" | "+" | "~" | "!" | "ilog2e" | "ilog2w" | "ilog2f" | "ilog2c";

export type Expression =
  /** `summed`: see `Value`. */
  | (Span & { readonly kind: "number"; readonly value: bigint; readonly summed?: boolean })
  /** A quoted string; `value` is its first eight bytes, little-endian. */
  | (Span & { readonly kind: "string"; readonly value: bigint; readonly bytes: Uint8Array })
  /** `slot` counts the symbols of the line, in order of appearance. */
  | (Span & { readonly kind: "symbol"; readonly name: string; readonly slot: number })
  /** `__float32__(1.5)`: bits of a constant as a number, `format` being the name without underscores. */
  | (Span & { readonly kind: "float-bits"; readonly format: string; readonly text: string; readonly negative: boolean })
  | (Span & { readonly kind: "here" })
  | (Span & { readonly kind: "section-start" })
  | (Span & { readonly kind: "register"; readonly register: RegisterName })
  | (Span & { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression })
  /** `x wrt ..plt`: what a linker is to make of an address. */
  | (Span & { readonly kind: "wrt"; readonly operand: Expression; readonly base: string })
  | (Span & {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Span & {
      readonly kind: "conditional";
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    });

/** Words before an operand: its size, and how a branch or an immediate is meant. */
export type OperandWord =
  | "byte"
  | "word"
  | "dword"
  | "qword"
  | "tword"
  | "oword"
  | "yword"
  | "zword"
  | "strict"
  | "near"
  | "far"
  | "short"
  | "to";
/** Words inside the brackets of a memory operand. */
export type AddressWord = "byte" | "word" | "dword" | "qword" | "rel" | "abs" | "nosplit" | "a16" | "a32" | "a64";

export type OperandTree = Span & { readonly words: readonly OperandWord[] } & (
    | { readonly kind: "value"; readonly value: Expression }
    | {
        readonly kind: "memory";
        readonly addressWords: readonly AddressWord[];
        readonly segment: Expression | undefined;
        readonly address: Expression;
      }
    | { readonly kind: "far"; readonly selector: Expression; readonly offset: Expression }
  );

/** A value of `db` and its relatives; `unit`, in bytes, if a word before it says another than the statement's. */
export type DataItem =
  | Expression
  | (Span & { readonly kind: "uninitialized" })
  /** `text` as written, without sign: `1.5e3`, `Infinity`. */
  | (Span & { readonly kind: "float"; readonly text: string; readonly negative: boolean })
  | (Span & { readonly kind: "sized"; readonly unit: number; readonly item: DataItem })
  /** `count dup (…)`; without `dup`, the count is undefined. */
  | (Span & { readonly kind: "list"; readonly count: Expression | undefined; readonly items: readonly DataItem[] });

export interface InstructionTree {
  readonly kind: "instruction";
  /** May be one that does not exist. */
  readonly mnemonic: Word;
  readonly operands: readonly OperandTree[];
  /** Its encodings by mode, as far as they were asked for and depend on nothing but the tree. */
  readonly constant: { [B in Bits]?: Encoding | Refusal };
}

export type StatementTree =
  | InstructionTree
  /** `unit`: bytes per item. */
  | { readonly kind: "data"; readonly word: Word; readonly unit: number; readonly items: readonly DataItem[] }
  | { readonly kind: "reserve"; readonly word: Word; readonly unit: number; readonly count: Expression }
  | { readonly kind: "equ"; readonly word: Word; readonly value: Expression }
  | { readonly kind: "align"; readonly word: Word; readonly boundary: Expression; readonly fill: FillTree | undefined }
  /** `incbin`: a file's bytes, from `skip`, at most `length`. */
  | {
      readonly kind: "file";
      readonly word: Word;
      readonly path: Word;
      readonly skip: Expression | undefined;
      readonly length: Expression | undefined;
    }
  /** What follows counts from a value and has no bytes: `absolute`, and `struc` with its name. */
  | { readonly kind: "absolute"; readonly word: Word; readonly origin: Expression }
  | {
      readonly kind: "structure";
      readonly word: Word;
      readonly name: Expression | undefined;
      readonly origin: Expression | undefined;
    }
  /** `at MEMBER, …`: `body` is the rest of the line. */
  | {
      readonly kind: "member";
      readonly word: Word;
      readonly member: Expression;
      readonly times: readonly Expression[];
      readonly body: StatementTree | undefined;
    }
  /** `global`, `extern` and their relatives. */
  | { readonly kind: "declaration"; readonly word: Word; readonly names: readonly DeclaredName[] }
  /** `cpu` and others with words of their own. `values`: the words as the count of a `times`, where they may be one. */
  | {
      readonly kind: "option";
      readonly word: Word;
      readonly words: readonly Word[];
      readonly values: LineTree | undefined;
    }
  | { readonly kind: "directive"; readonly word: Word; readonly arguments: readonly DirectiveArgument[] };

/** A name that is declared, with what follows it. */
export interface DeclaredName extends Word {
  /** Words after the colon. */
  readonly attributes: readonly Word[];
  /** Of `common`, what stands before the colon: the size. Each expression is the count of a `times`. */
  readonly size: LineTree | undefined;
  /** What is left after the words behind the colon: the size; of `common`, the boundary. */
  readonly extent: LineTree | undefined;
}

/** What `align n, …` fills with. */
export type FillTree = Span & { readonly statement: StatementTree };

/** A bare word such as `.text` or `rel`, a value, or both: `align=16`. */
export type DirectiveArgument = Span & {
  readonly word: string | undefined;
  readonly value: Expression | undefined;
};

export interface LineProblem extends Span {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
}

export interface SymbolUse extends Span {
  readonly name: string;
}

export interface LineTree extends Span {
  readonly label: (Word & { readonly colon: boolean }) | undefined;
  readonly times: readonly Expression[];
  /** Lower case: "rep", "lock", "es", "o32", … */
  readonly prefixes: readonly Word[];
  readonly statement: StatementTree | undefined;
  /** The symbols used, by slot. */
  readonly symbols: readonly SymbolUse[];
  readonly problems: readonly LineProblem[];
  /** True if the value of an expression depends on the place of the line (`$`, `$$`). */
  readonly usesPlace: boolean;
}
