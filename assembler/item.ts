import type { Encoding, Refusal } from "../isa/encode.ts";
import type { Bits } from "../isa/operands.ts";
import type { Dependence } from "./dependence.ts";
import type { Mention, Part } from "./emitted.ts";
import type { FloatMode } from "./float.ts";
import type { Range } from "./interface.ts";
import type { Padding } from "./padding.ts";
import type { Section } from "./section.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { LineTree, Span, StatementTree } from "./tree.ts";

/** State of the assembler that later statements inherit. */
export interface Context {
  readonly section: Section;
  readonly bits: Bits;
  /** `default rel`. */
  readonly relative: boolean;
  /** Level of `cpu`: what it does not have is refused. */
  readonly processor: number;
  /** `float`. */
  readonly floatMode: FloatMode;
  /** `sectalign on`: what is aligned inside a section aligns the section. */
  readonly alignsSection: boolean;
  /** What `align` fills with where it does not say: `alignmode`. Undefined: NOPs of one byte. */
  readonly padding: Padding | undefined;
}

const noParts: readonly Part[] = [];

/** A place from which offsets are counted; all that is tied to it moves with it. */
export class Anchor {
  /** In a section. */
  offset = 0;
}

const ground = new Anchor();

/** One line of the program at its place: the same tree may stand in many. */
export class Item {
  readonly tree: LineTree;
  readonly statement: StatementTree | undefined;
  readonly source: SourceLine;
  readonly context: Context;
  readonly label: SymbolEntry | undefined;
  /** The line's label, if it is already defined further up. */
  again: SymbolEntry | undefined;
  /** The symbols of the tree, by slot. */
  readonly symbols: readonly SymbolEntry[];
  private tied: Anchor = ground;
  private distance = 0;
  /** In this pass; it covers all repetitions. */
  length = 0;
  /** In the first pass, when symbols further down had no value; -1 before it. */
  firstLength = -1;
  repeat = 1;
  /** The length is the same in all passes from now on. */
  settled = false;
  /** The form that was last chosen for a jump to a label, where the label's place alone decides between two. */
  reach: "short" | "near" | undefined;
  /** The chosen encoding, if it depends on nothing but the line itself. */
  encoding: Encoding | Refusal | undefined;

  /** What it puts where it stands; after the last pass. */
  parts: readonly Part[] = noParts;
  /** Of an instruction; after the last pass. */
  mention: Mention | undefined;
  /** Known in programs that are edited. */
  dependence: Dependence = "none";
  /** Where its bytes are in the contents that were last made; undefined if it is new since then. */
  stored: number | undefined;
  /** The edition of the program of which the parts have the addresses. */
  edition = 0;

  constructor(
    tree: LineTree,
    source: SourceLine,
    context: Context,
    label: SymbolEntry | undefined,
    symbols: readonly SymbolEntry[],
  ) {
    this.tree = tree;
    this.statement = tree.statement;
    this.source = source;
    this.context = context;
    this.label = label;
    this.symbols = symbols;
  }
  /** Offset in the section, in this pass. */
  get offset(): number {
    return this.tied.offset + this.distance;
  }
  set offset(offset: number) {
    this.distance = offset - this.tied.offset;
  }

  get anchor(): Anchor {
    return this.tied;
  }

  /** From now on the item moves with the anchor, `distance` bytes behind it. */
  tie(anchor: Anchor, distance: number): void {
    this.tied = anchor;
    this.distance = distance;
  }

  /** What was found out about the item is forgotten: a symbol that it uses means something else now. */
  reset(): void {
    this.settled = false;
    this.encoding = undefined;
    this.reach = undefined;
    this.repeat = 1;
    this.firstLength = -1;
  }

  /** The statement with its prefixes, without label and `times`. */
  get span(): Span {
    const { statement, tree } = this;
    const word = statement && ("mnemonic" in statement ? statement.mnemonic : statement.word);
    const start = tree.prefixes[0]?.start ?? word?.start ?? tree.start;
    return { start: Math.min(start, word?.start ?? start), end: tree.end };
  }

  get range(): Range {
    return rangeOf(this.source, this.span);
  }
}
