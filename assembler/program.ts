import type { Bits } from "../isa/operands.ts";
import { meaningOf, mnemonics } from "../isa/table.ts";
import { type Environment, evaluate } from "./expression.ts";
import type { Range, SymbolReference } from "./interface.ts";
import { type Context, Item } from "./item.ts";
import type { ProblemList } from "./problems.ts";
import { Section } from "./section.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import { direct } from "./state-directives.ts";
import { didYouMean } from "./suggest.ts";
import { type SymbolEntry, SymbolTable } from "./symbols.ts";
import type { Expression, LineTree, Span } from "./tree.ts";
import { isScalar, number, offset, type Value } from "./value.ts";

/** The most a flat binary or a section may hold, in bytes: the largest memory a guest can have. */
export const largestOutput = 64 * 1024 * 1024;

/** What `Program` asks of the layout: the length of an item where it stands. */
export type Measure = (item: Item, program: Program) => number;

/**
 * The program as far as it is read: sections, symbols, items, and the state that directives change. Lines are added in
 * order and get their place at once, so that `%if` and `times` can ask for `$`.
 */
export class Program implements Environment {
  readonly symbols = new SymbolTable();
  readonly sections: Map<string, Section>;
  readonly items: Item[] = [];
  /** Problems that a later pass cannot take back. */
  readonly problems: ProblemList;
  readonly references: SymbolReference[] = [];
  origin: number | undefined;
  private context: Context;
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

  /** `before`: the same program as an earlier pass read it; its symbols keep their values until they are defined again. */
  constructor(problems: ProblemList, before?: Program) {
    this.problems = problems;
    this.sections = before?.sections ?? new Map([[".text", new Section(".text", false)]]);
    if (before) this.symbols.remember(before.symbols);
    this.context = { section: this.sections.get(".text")!, bits: 16, relative: false };
    this.addSection(this.context.section);
  }

  get bits(): Bits {
    return this.context.bits;
  }

  // Environment of expressions.

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
    return offset((this.item?.context ?? this.context).section, 0);
  }

  fault(code: string, message: string, span: Span): void {
    const source = this.item?.source ?? this.source;
    if (source) this.faults?.error(code, message, source, span);
  }

  // Reading.

  /** Adds a line; labels, directives and the length of its statement take effect at once. */
  add(tree: LineTree, source: SourceLine, measure: Measure): void {
    this.source = source;
    for (const problem of tree.problems) this.problems.add({ ...problem, range: rangeOf(source, problem) }, source);
    const label = this.defineLabel(tree, source);
    const symbols = tree.symbols.length === 0 ? noSymbols : tree.symbols.map((use) => this.refer(use, source));
    const item = new Item(tree, source, this.context, label, symbols);
    if (tree.statement?.kind === "directive") {
      if (label) this.place(new Item({ ...tree, statement: undefined }, source, this.context, label, symbols), measure);
      this.item = item;
      item.offset = this.context.section.size;
      this.context = direct(tree.statement, this, this.context, item.source);
      this.item = undefined;
      if (tree.times.length > 0 || tree.prefixes.length > 0)
        this.problems.error("syntax", `“${tree.statement.word.text}” cannot be repeated or prefixed.`, source, tree);
      return;
    }
    if (!tree.statement && !label && tree.prefixes.length === 0) return;
    this.items.push(item);
    this.place(item, measure);
  }

  /** Makes a section known by name, and its places as symbols. */
  addSection(section: Section): void {
    this.sections.set(section.name, section);
    const places = { start: section.loadMark, vstart: section };
    for (const [place, base] of Object.entries(places)) {
      const entry = this.symbols.entry(`section.${section.name}.${place}`);
      entry.predefined = true;
      entry.moveTo(base, 0);
    }
  }

  private refer(use: Span & { readonly name: string }, source: SourceLine): SymbolEntry {
    const entry = this.symbols.entry(use.name);
    this.references.push(new Reference(entry.name, source, use));
    return entry;
  }

  private defineLabel(tree: LineTree, source: SourceLine): SymbolEntry | undefined {
    const { label } = tree;
    if (!label) return undefined;
    const entry = this.symbols.entry(label.text);
    if (entry.definition) {
      const { source: other, span } = entry.definition;
      const related = [{ range: rangeOf(other, span), message: `“${entry.name}” is first defined here.` }];
      this.problems.error("duplicate-symbol", `“${entry.name}” is already defined.`, source, label, related);
      return undefined;
    }
    entry.definition = { source, span: label };
    const constant = tree.statement?.kind === "equ";
    entry.kind = constant ? "equ" : "label";
    if (!constant) this.symbols.enter(label.text);
    if (!label.colon && !tree.statement && tree.times.length === 0 && tree.prefixes.length === 0)
      this.problems.warning(
        "label-alone",
        `“${label.text}” alone on a line is taken as a label; end it with a colon if that is meant.${didYouMean(label.text, mnemonics)}`,
        source,
        label,
      );
    return entry;
  }

  /** Gives an item its place and length in this pass, and its label its value. */
  place(item: Item, measure: Measure): void {
    const { section } = item.context;
    item.offset = section.size;
    this.item = item;
    const { statement } = item;
    if (statement?.kind === "equ") {
      if (item.label?.assign(this.evaluate(statement.value))) this.changed = item;
      this.item = undefined;
      return;
    }
    if (item.label?.moveTo(section, section.size)) this.changed = item;
    if (!item.settled) item.length = measure(item, this);
    section.size += item.length;
    if (section.size > largestOutput) this.tooLarge(item);
    this.item = undefined;
  }

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
    const message = `The program would be larger than ${largestOutput / 1024 / 1024} MiB, the largest memory of a guest.`;
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
    for (const section of this.sections.values()) section.size = 0;
    this.changed = undefined;
  }

  /**
   * A number that must be known where it is asked for, such as a `times` count. Undefined if it is not; that is reported,
   * and stays reported.
   */
  critical(expression: Expression, what: string): bigint | undefined {
    const source = this.item?.source ?? this.source;
    if (expression.kind === "number") return expression.value;
    const before = this.faults;
    this.faults = this.problems;
    this.onlyDefined = true;
    const value = this.evaluate(expression);
    this.onlyDefined = false;
    this.faults = before;
    if (!value.unknown && isScalar(value)) return value.constant;
    if (!source) return undefined;
    if (value.unknown) this.undefinedBeforeUse(what, source, expression);
    else {
      const message = `${what} must be a constant, not an address; use a difference of labels, such as $ - $$.`;
      this.problems.error("not-constant", message, source, expression);
    }
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
    const symbols = tree.symbols.map((use) => this.refer(use, source));
    this.item = new Item(tree, source, this.context, undefined, symbols);
    this.item.offset = this.context.section.size;
    this.asked = false;
    const value = this.critical(expression, what);
    this.item = undefined;
    return { value, moving: this.asked || symbols.some((entry) => entry.kind === "label") };
  }

  /** Reports every use of a symbol that is defined nowhere, or else every constant that depends on itself. */
  reportUndefined(faults: ProblemList): void {
    for (const item of this.items)
      for (const [slot, entry] of item.symbols.entries()) {
        if (entry.isDefined || isBroken(item)) continue;
        const use = item.tree.symbols[slot]!;
        const hint = didYouMean(entry.name, this.symbols.names());
        faults.error("undefined-symbol", `“${entry.name}” is not defined.${hint}`, item.source, use);
      }
    if (faults.list.some((problem) => problem.severity === "error")) return;
    for (const { label, source, tree } of this.items)
      if (label && !label.value)
        faults.error("circular-definition", `“${label.name}” has no value: it depends on itself.`, source, tree);
  }
}

/** The line was not understood, so what its words mean is a guess. */
const isBroken = ({ tree, statement }: Item): boolean =>
  tree.problems.some(({ severity }) => severity === "error") ||
  (statement?.kind === "instruction" && !meaningOf(statement.mnemonic.text));

/** Only an editor asks where symbols are used. */
class Reference implements SymbolReference {
  readonly name: string;
  private readonly source: SourceLine;
  private readonly span: Span;

  constructor(name: string, source: SourceLine, span: Span) {
    this.name = name;
    this.source = source;
    this.span = span;
  }
  get range(): Range {
    return rangeOf(this.source, this.span);
  }
}

const noSymbols: readonly SymbolEntry[] = [];
