import type { Bits } from "../isa/operands.ts";
import { Absolutes } from "./absolutes.ts";
import type { BinaryFiles } from "./binary-files.ts";
import { chooseOption, declare } from "./declarations.ts";
import { type Environment, evaluate } from "./expression.ts";
import { type FloatMode, plainFloat } from "./float.ts";
import type { OutputFormat, SymbolReference } from "./interface.ts";
import { type Context, Item } from "./item.ts";
import { defineLabel } from "./labels.ts";
import { limits } from "./limits.ts";
import { wrtFault } from "./output/relocation-types.ts";
import type { ProblemList } from "./problems.ts";
import { everything } from "./processors.ts";
import { ProgramSections } from "./program-sections.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import { direct } from "./state-directives.ts";
import { Reference, type SymbolEntry, SymbolTable } from "./symbols.ts";
import type { Expression, LineTree, Span } from "./tree.ts";
import { isScalar, number, offset, type Value } from "./value.ts";

const defaultBits: Readonly<Record<OutputFormat, Bits>> = { bin: 16, elf32: 32, elf64: 64 };

/** Why an edit may have effects that cannot be told from the lines it touches. */
interface Ties {
  /** The preprocessor or a directive asked for a symbol or a place. */
  asked: boolean;
  /** A length was wrong. */
  unsteady: boolean;
}

/** What `Program` asks of the layout: the length of an item where it stands. */
export type Measure = (item: Item, program: Program) => number;

/**
 * The program as far as it is read: sections, symbols, items, and the state that directives change. Lines are added in
 * order and get their place at once, so that `%if` and `times` can ask for `$`.
 */
export class Program implements Environment {
  readonly symbols = new SymbolTable();
  readonly sections: ProgramSections;
  readonly items: Item[] = [];
  /** Problems that a later pass cannot take back. */
  readonly problems: ProblemList;
  /** Uses of symbols where there is no item: in directives and declarations. */
  readonly references: SymbolReference[] = [];
  /** Names that are defined again further down, which is refused. */
  readonly duplicates = new Set<string>();
  /** What cannot be followed through an edit. */
  readonly ties: Ties = { asked: false, unsteady: false };
  origin: number | undefined;
  /** `osabi`: byte 7 of an ELF file. */
  abi = 0;
  context: Context;
  /** The item being evaluated; its place is `$`. */
  item: Item | undefined;
  private source: SourceLine | undefined;
  /** Where faults of the evaluation at hand go; none in passes that are not the last. */
  faults: ProblemList | undefined;
  /** The last item whose label moved or constant changed in this pass; undefined if all are as in the pass before. */
  changed: Item | undefined;
  /** Only symbols defined further up count. */
  private onlyDefined = false;
  /** True once an evaluation before the layout asked for a label or `$`. */
  private asked = false;

  private readonly absolutes: Absolutes;
  readonly files: BinaryFiles;
  readonly format: OutputFormat;
  /** Symbols in the order in which they became known, as object files have them. */
  readonly known: SymbolEntry[] = [];

  /** `before`: the same program as an earlier pass read it; its symbols keep their values until they are defined again. */
  constructor(problems: ProblemList, before: Program | undefined, files: BinaryFiles, format: OutputFormat) {
    this.problems = problems;
    this.format = format;
    this.files = files;
    if (before) this.symbols.remember(before.symbols);
    this.sections = new ProgramSections(before?.sections, format, this.symbols);
    this.context = {
      section: this.sections.first,
      bits: defaultBits[format],
      relative: false,
      processor: everything,
      floatMode: plainFloat,
      alignsSection: true,
      padding: undefined,
    };
    this.absolutes = new Absolutes(this, before?.absolutes);
  }

  get bits(): Bits {
    return this.context.bits;
  }

  // Environment of expressions.

  wrtFault(base: string): string | undefined {
    return wrtFault(base, this.format);
  }

  get floatMode(): FloatMode {
    return (this.item?.context ?? this.context).floatMode;
  }

  symbol(slot: number): Value | undefined {
    const entry = this.item?.symbols[slot];
    return this.onlyDefined && !entry?.isDefined ? undefined : entry?.value;
  }

  here(): Value {
    this.asked = true;
    return this.item
      ? offset(this.item.context.section, this.item.offset)
      : offset(this.context.section, this.context.section.size);
  }

  sectionStart(): Value {
    this.asked = true;
    const { section } = this.item?.context ?? this.context;
    return section.origin ? { ...section.origin, constant: 0n } : offset(section, 0);
  }

  fault(code: string, message: string, span: Span): void {
    const source = this.item?.source ?? this.source;
    if (source) this.faults?.error(code, message, source, span);
  }

  // Reading.

  /** The lines added since this was set to true were each one statement that changes nothing for those after it. */
  isPlain = true;

  /** Adds a line; labels, directives and the length of its statement take effect at once. */
  add(tree: LineTree, source: SourceLine, measure: Measure): void {
    this.source = source;
    for (const problem of tree.problems) this.problems.add({ ...problem, range: rangeOf(source, problem) }, source);
    const { statement } = tree;
    if (statement?.kind === "absolute" || statement?.kind === "structure" || statement?.kind === "member") {
      this.isPlain = false;
      if (tree.label) this.add({ ...tree, statement: undefined, symbols: [], problems: [] }, source, measure);
      if (!tree.problems.some(({ severity }) => severity === "error"))
        this.absolutes.read(statement, tree, source, measure);
      return;
    }
    if (tree.label && (statement?.kind === "declaration" || statement?.kind === "option"))
      this.add({ ...tree, statement: undefined, symbols: [], problems: [] }, source, measure);
    if (statement?.kind === "declaration") {
      this.isPlain = false;
      declare(statement, this, source);
      return;
    }
    if (statement?.kind === "option") {
      this.isPlain = false;
      this.context = chooseOption(statement, this, this.context, source);
      return;
    }
    if (statement?.kind === "align" && (tree.times.length > 0 || tree.prefixes.length > 0))
      this.problems.error("syntax", `“${statement.word.text}” cannot be repeated or prefixed.`, source, tree);
    const item = this.make(tree, source);
    const { label, symbols } = item;
    if (!isPlainTree(tree)) this.isPlain = false;
    if (tree.statement?.kind === "directive") {
      this.referTo(tree, source);
      if (label || item.again) {
        const line = new Item({ ...tree, statement: undefined }, source, this.context, label, []);
        line.again = item.again;
        this.append(line, measure);
      }
      this.item = item;
      this.ties.asked ||= symbols.length > 0 || tree.usesPlace;
      item.offset = this.context.section.size;
      const before = this.context.section;
      this.context = direct(tree.statement, this, this.context, item.source);
      if (this.context.section !== before || /^se(ction|gment)$/.test(tree.statement.word.text))
        this.absolutes.home = this.context.section;
      this.item = undefined;
      if (tree.times.length > 0 || tree.prefixes.length > 0)
        this.problems.error("syntax", `“${tree.statement.word.text}” cannot be repeated or prefixed.`, source, tree);
      return;
    }
    if (isNothing(item)) this.referTo(tree, source);
    else this.append(item, measure);
  }

  private append(item: Item, measure: Measure): void {
    this.items.push(item);
    this.place(item, measure);
    item.firstLength = item.length;
  }

  /** The item of a line, with its label defined; it has no place yet. */
  make(tree: LineTree, source: SourceLine): Item {
    const entry = tree.label && this.symbols.entry(tree.label.text);
    const isAgain = entry?.definition !== undefined;
    const label = isAgain ? undefined : defineLabel(this, tree, source);
    const symbols = tree.symbols.length === 0 ? noSymbols : tree.symbols.map((use) => this.symbols.entry(use.name));
    for (const used of symbols) used.mentioned = true;
    const item = new Item(tree, source, this.context, label, symbols);
    if (isAgain) this.defineAgain(item, entry);
    return item;
  }

  /** The same label may be defined again, if it has the same value; that is seen at the end. */
  private defineAgain(item: Item, entry: SymbolEntry): void {
    item.again = entry;
    this.duplicates.add(entry.name);
    if (item.statement?.kind !== "equ") this.symbols.enter(entry.name);
  }

  /** An expression whose value is asked for at the end. */
  deferred(tree: LineTree, source: SourceLine): Item {
    const symbols = tree.symbols.map((use) => this.symbols.entry(use.name));
    for (const entry of symbols) entry.mentioned = true;
    const item = new Item(tree, source, this.context, undefined, symbols);
    item.offset = this.context.section.size;
    return item;
  }

  /** The value of a deferred expression; undefined if it has none that is constant. */
  valueOf(item: Item): bigint | undefined {
    const [expression] = item.tree.times;
    this.item = item;
    const value = expression && this.evaluate(expression);
    this.item = undefined;
    return value && isScalar(value) && !value.unknown ? value.constant : undefined;
  }

  refersTo(entry: SymbolEntry, source: SourceLine, span: Span): void {
    this.references.push(new Reference(entry.name, source, span));
  }

  /** Notes the uses of a tree of which there is no item. */
  private referTo(tree: LineTree, source: SourceLine): readonly SymbolEntry[] {
    return tree.symbols.map((use) => {
      const entry = this.symbols.entry(use.name);
      entry.mentioned = true;
      this.references.push(new Reference(entry.name, source, use));
      return entry;
    });
  }

  /** Gives an item its place and length in this pass, and its label its value. */
  place(item: Item, measure: Measure): void {
    const { section } = item.context;
    const { statement } = item;
    this.item = item;
    if (statement?.kind === "absolute") {
      this.absolutes.place(item, statement.origin);
      this.item = undefined;
      return;
    }
    item.offset = section.size;
    const isConstant = statement?.kind === "equ";
    if (isConstant) {
      if (!section.origin && item.tree.usesPlace) this.sections.use(section);
      if (item.label?.assign(this.evaluate(statement.value))) this.changed = item;
      this.item = undefined;
      return;
    }
    if (item.label?.moveTo(section, section.size)) this.changed = item;
    if (!item.settled) item.length = this.measured(item, measure);
    if (!section.origin && (item.label || item.length > 0)) this.sections.use(section);
    section.size += item.length;
    if (section.size > limits.outputBytes) this.tooLarge(item);
    this.item = undefined;
  }

  /** What is wrong with a length is not taken back by a later pass. */
  private measured(item: Item, measure: Measure): number {
    const { count } = this.problems;
    const length = measure(item, this);
    if (this.problems.count > count) this.ties.unsteady = true;
    return length;
  }

  /** Finds the length of an item that has to do with nothing but the item. */
  measureAlone(item: Item, measure: Measure): void {
    this.item = item;
    item.length = this.measured(item, measure);
    item.firstLength = item.length;
    this.item = undefined;
  }

  /** Repetitions, one by one, of all instructions that were measured so; the item's own are counted anew. */
  repeated(item: Item): number {
    this.repetitions += item.repeat - (this.repeats.get(item) ?? 0);
    this.repeats.set(item, item.repeat);
    return this.repetitions;
  }
  private readonly repeats = new Map<Item, number>();
  private repetitions = 0;

  /** Places all items again, as read before; most have settled and only move. */
  replace(measure: Measure): void {
    for (const item of this.items) {
      if (item.settled && !item.label) {
        const { section } = item.context;
        item.offset = section.size;
        section.size += item.length;
      } else this.place(item, measure);
    }
  }

  /** Stops the growth; what follows is laid over the same place, which no one sees because there is an error. */
  private tooLarge(item: Item): void {
    this.ties.unsteady = true;
    const message = `The program would be larger than ${limits.outputBytes / 1024 / 1024} MiB, the largest memory of a guest.`;
    this.problems.error("output-too-large", message, item.source, item.tree);
    item.context.section.size -= item.length;
    item.length = 0;
    item.repeat = 0;
    item.settled = true;
  }

  // Values.

  evaluate(expression: Expression): Value {
    return expression.kind === "number" ? number(expression.value) : evaluate(expression, this);
  }

  /** Starts a new pass over the items; the sections are empty again. */
  restart(): void {
    this.sections.clear();
    this.changed = undefined;
  }

  /**
   * A number that must be known where it is asked for, such as a `times` count. Undefined if it is not; that is reported,
   * and stays reported.
   */
  critical(expression: Expression, what: string): bigint | undefined {
    if (expression.kind === "number") return expression.value;
    const source = this.item?.source ?? this.source;
    const value = this.criticalValue(expression, what);
    if (value && isScalar(value)) return value.constant;
    if (value && source) {
      const message = `${what} must be a constant, not an address; use a difference of labels, such as $ - $$.`;
      this.problems.error("not-constant", message, source, expression);
    }
    return undefined;
  }

  /** The same for what may be an address. */
  criticalValue(expression: Expression, what: string): Value | undefined {
    const source = this.item?.source ?? this.source;
    const before = this.faults;
    this.faults = this.problems;
    this.onlyDefined = true;
    const value = this.evaluate(expression);
    this.onlyDefined = false;
    this.faults = before;
    if (!value.unknown) return value;
    if (source) this.undefinedBeforeUse(what, source, expression);
    return undefined;
  }

  private undefinedBeforeUse(what: string, source: SourceLine, span: Span): void {
    const uses = this.item?.tree.symbols ?? [];
    const missing = uses.find((use, n) => {
      const entry = this.item?.symbols[n];
      return use.start >= span.start && use.end <= span.end && !(entry?.isDefined && entry.value);
    });
    if (!missing) return;
    const message = `${what} must be known here, but “${missing.name}” is not defined before this line.`;
    this.problems.error("not-defined-before-use", message, source, missing);
  }

  /** Evaluates for the preprocessor, at the place reached; tells whether the answer may differ in another pass. */
  ask(
    expression: Expression,
    tree: LineTree,
    source: SourceLine,
    what: string,
  ): { value: bigint | undefined; moving: boolean } {
    const symbols = this.referTo(tree, source);
    this.item = new Item(tree, source, this.context, undefined, symbols);
    this.ties.asked ||= symbols.length > 0 || tree.usesPlace;
    this.item.offset = this.context.section.size;
    this.asked = false;
    const value = this.critical(expression, what);
    this.item = undefined;
    return { value, moving: this.asked || symbols.some((entry) => entry.kind === "label") };
  }
}

const plainKinds = new Set(["instruction", "data", "reserve", "equ", "file"]);

/** A statement that changes nothing for the statements after it. */
export const isPlainTree = ({ statement, symbols }: LineTree): boolean =>
  statement ? plainKinds.has(statement.kind) : symbols.length === 0;

/** Nothing comes of the line. */
export const isNothing = ({ statement, label, again, tree }: Item): boolean =>
  !statement && !label && !again && tree.prefixes.length === 0;

const noSymbols: readonly SymbolEntry[] = [];
