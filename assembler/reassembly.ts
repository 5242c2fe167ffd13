import { ProgramAssembly, type Run } from "./assembly.ts";
import { hasCount } from "./data.ts";
import { dependenceOf, isFixedConstant } from "./dependence.ts";
import { type Edit, Work } from "./edit.ts";
import { branchKind } from "./instruction.ts";
import type { Item } from "./item.ts";
import type { KeptLine } from "./kept-lines.ts";
import { measure } from "./layout.ts";
import { detached } from "./line.ts";
import { plainTree } from "./plain-line.ts";
import type { ProblemList } from "./problems.ts";
import { isNothing, isPlainTree, type Program } from "./program.ts";
import { Relayout } from "./relayout.ts";
import { rangeOf, type SourceLine, withoutComment } from "./source.ts";
import { splice } from "./splice.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { TextChange } from "./text-change.ts";
import { isUnresolved, reportUndefined } from "./undefined-symbols.ts";

/** A name that belongs to the global label before it. */
const localName = /(?:^|[^\w$#@~.?])\.[\w$#@~?]/;

/**
 * An assembled program that follows edits of its main file. An edit is followed if the lines it takes out and puts in are
 * plain: then everything but labels, places and problems stays as it is, and the result is the one a new run would give.
 * If it cannot be followed, `follow` says so, and the program is of no more use.
 *
 * Invariants between edits: the kept lines are the logical lines of the text, in order; the items of the program are
 * those of the lines, in order; every item is emitted with the addresses in force, but for the fields in its `dependence`,
 * which are brought up to date when someone looks; `watched` are the items of which the bytes or problems may change with
 * any address, `unresolved` those that use a symbol without a definition.
 */
export class Reassembly {
  private readonly run: Run;
  private readonly program: Program;
  private readonly problems: ProblemList;
  private readonly lines: KeptLine[];
  private readonly relayout: Relayout;
  private readonly watched = new Set<Item>();
  private readonly unresolved = new Set<Item>();
  private readonly canFollow: boolean;

  /** The run must have kept its lines. */
  constructor(run: Run) {
    this.run = run;
    this.program = run.program;
    this.problems = run.problems;
    this.lines = run.lines;
    const { items } = this.program;
    for (const item of items) if (item.label && isFixedConstant(item)) item.label.isFixed = true;
    for (const item of items) {
      this.classify(item);
      if (isUnresolved(item)) this.unresolved.add(item);
    }
    this.relayout = new Relayout(this.program);
    this.canFollow = this.isFollowable();
  }

  private isFollowable(): boolean {
    const { options, program, preprocessor, problems, emission, settled } = this.run;
    const { file } = options;
    const inOrder = this.lines.every(
      ({ source }, n) => source.file === file && source.place.line > (this.lines[n - 1]?.source.place.line ?? -1),
    );
    const { asked, unsteady } = program.ties;
    return (
      inOrder &&
      program.format === "bin" &&
      settled &&
      !(
        asked ||
        unsteady ||
        problems.full ||
        problems.crowded ||
        preprocessor.stopped ||
        preprocessor.recovered ||
        emission.isFull
      ) &&
      program.items.every(({ label }) => !label || label.value !== undefined)
    );
  }

  assembly(): ProgramAssembly {
    return new ProgramAssembly(this.run);
  }

  private classify(item: Item): void {
    item.dependence = dependenceOf(item, this.program);
    if (item.dependence === "watched") this.watched.add(item);
    else this.watched.delete(item);
  }

  /** Makes the program that of the changed text. False if that takes a new run. */
  follow(change: TextChange): boolean {
    const edit = this.canFollow && this.editOf(change);
    if (!edit) return false;
    return this.isComment(edit) || this.apply(edit);
  }

  /** Nothing but comments and blanks at the ends of lines is different. */
  private isComment({ old, sources }: Edit): boolean {
    const code = ({ text }: SourceLine) => withoutComment(text).trimEnd();
    return (
      old.length === sources.length &&
      old.every(({ source, items: [item] }, n) => {
        const text = code(source);
        return text === code(sources[n]!) && (text === "" || item?.tree.problems.length === 0);
      })
    );
  }

  /** The edit in logical lines; undefined if one of them is not plain. */
  private editOf({ first, removed, lines }: TextChange): Edit | undefined {
    const at = this.lineAt(first);
    const next = this.lineAt(first + removed);
    const count = (next < 0 ? this.lines.length : next) - at;
    if (at < 0 || (next < 0 && this.lines.at(-1)!.source.place.line >= first + removed)) return undefined;
    const old = this.lines.slice(at, at + count);
    const { state } = this.lines[at]!;
    const by = lines.length - removed;
    if (by !== 0 && this.run.preprocessor.asksLine) return undefined;
    const isPlain = (line: KeptLine) => line.isPlain && line.state === state && !line.source.joints;
    if (state === "inside" || !old.every(isPlain)) return undefined;
    const { file } = this.run.options;
    const sources = lines.map(
      (text, n): SourceLine => ({ file, place: { line: first + n }, text: detached(text), joints: undefined }),
    );
    const isOrdinary = ({ text }: SourceLine) => !text.endsWith("\\") && !text.includes("\0");
    if (!sources.every(isOrdinary)) return undefined;
    if (state === "left out" && sources.some(({ text }) => /^\s*%/.test(text))) return undefined;
    return { at, old, sources, by, from: first + removed };
  }

  /** Index of the kept line that begins at a line of the file; -1 if none does. */
  private lineAt(line: number): number {
    let low = 0;
    let high = this.lines.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.lines[middle]!.source.place.line;
      if (found === line) return middle;
      if (found < line) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  private apply(edit: Edit): boolean {
    const { at, old, sources, by, from } = edit;
    const { program } = this;
    const { state, context, scope: scopeBefore } = this.lines[at]!;
    const scopeAfter = this.lines[at + old.length]?.scope;
    const work = new Work();
    const firstItem = this.itemIndex(at);
    for (const line of old) this.takeOut(line, work);
    this.problems.forget("reading", work.places);
    this.move(at + old.length, from, by);
    const end = program.context;
    program.context = context;
    program.symbols.scope = scopeBefore;
    const lines: KeptLine[] = [];
    for (const source of sources) {
      const line = { source, state, isPlain: true, context, scope: program.symbols.scope, items: [] };
      if (state === "read" && !this.putIn(line, work)) return false;
      lines.push(line);
    }
    splice(this.lines, at, old.length, lines);
    const items = lines.flatMap((line) => line.items);
    splice(program.items, firstItem, work.gone.size, items);
    work.moves = this.relayout.replaced(firstItem, items.length);
    const scope = program.symbols.scope;
    const isRescoped = scopeAfter === undefined || scopeAfter === scope || this.rescope(at + lines.length, scope, work);
    program.context = end;
    return isRescoped && this.followSymbols(work, old.length === 1 && lines.length === 1) && this.finish(work);
  }

  /** Where the items of a line begin among those of the program. */
  private itemIndex(line: number): number {
    for (let n = line; n < this.lines.length; n++) {
      const [item] = this.lines[n]!.items;
      if (item) return this.program.items.indexOf(item);
    }
    return this.program.items.length;
  }

  /** What a line did is undone, except that its items are still among those of the program. */
  private takeOut({ source, items }: KeptLine, work: Work): void {
    work.places.add(source.place);
    for (const item of items) {
      work.gone.add(item);
      this.run.emission.drop(item);
      this.watched.delete(item);
      this.unresolved.delete(item);
      if (item.label) this.undefine(item.label, item, work);
    }
  }

  private undefine(entry: SymbolEntry, { context }: Item, work: Work): void {
    const { known } = this.program;
    if (!work.symbols.has(entry)) work.symbols.set(entry, entry.kind === "label" ? context.section : "constant");
    known.splice(known.indexOf(entry), 1);
    entry.undefine();
  }

  /** The lines from index `at` on stand `by` lines further down; the first stood at `from`. */
  private move(at: number, from: number, by: number): void {
    if (by === 0) return;
    const { preprocessor, options } = this.run;
    for (let n = at; n < this.lines.length; n++) this.lines[n]!.source.place.line += by;
    this.problems.move(options.file, from, by);
    preprocessor.move(options.file, from, by);
  }

  /** Reads a line as the preprocessor would, and makes its item. */
  private putIn(line: KeptLine, work: Work): boolean {
    const { program, problems, run } = this;
    const { source } = line;
    problems.phase = "reading";
    problems.owner = source.place;
    const references = run.preprocessor.references.length;
    const tree = plainTree(run.preprocessor, source);
    if (!tree || !isPlainTree(tree)) return false;
    splice(work.news, work.news.length, 0, run.preprocessor.references.splice(references));
    for (const problem of tree.problems) problems.add({ ...problem, range: rangeOf(source, problem) }, source);
    const { known } = program;
    const before = known.length;
    const item = program.make(tree, source);
    // Which of two definitions counts depends on their order.
    if (tree.label && (!item.label || program.duplicates.has(item.label.name))) return false;
    if (isNothing(item)) return tree.symbols.length === 0;
    if (standsAlone(item)) program.measureAlone(item, measure);
    line.items = [item];
    work.touched.add(item);
    if (known.length > before) work.defined.push(item);
    if (item.label && !work.symbols.has(item.label)) work.symbols.set(item.label, undefined);
    return true;
  }

  /** The last global label is another one for the lines from an index on: their local names are others. */
  private rescope(at: number, scope: string, work: Work): boolean {
    if (this.program.duplicates.size > 0) return false;
    const old = this.lines[at]!.scope;
    for (let n = at; n < this.lines.length && this.lines[n]!.scope === old; n++) {
      const line = this.lines[n]!;
      line.scope = scope;
      if (!line.isPlain && localName.test(line.source.text)) return false;
      if (!line.items.some(usesLocalName)) continue;
      if (!line.isPlain) return false;
      const [index, count] = [this.program.items.indexOf(line.items[0]!), line.items.length];
      this.takeOut(line, work);
      this.problems.forget("reading", new Set([line.source.place]));
      this.program.context = line.context;
      this.program.symbols.scope = scope;
      line.items = [];
      if (!this.putIn(line, work)) return false;
      this.program.items.splice(index, count, ...line.items);
      if (this.relayout.replaced(index, line.items.length)) work.moves = true;
    }
    return true;
  }

  /** What symbols mean has changed: so have the items that use them. */
  private followSymbols(work: Work, isInPlace: boolean): boolean {
    const changed = new Set<SymbolEntry>();
    for (const [entry, before] of work.symbols) {
      if (entry.predefined || entry.binding || (before !== undefined && this.program.duplicates.has(entry.name)))
        return false;
      const item = work.defined.find(({ label }) => label === entry);
      const isSame = item && entry.kind === "label" && before === item.context.section && isInPlace;
      if (!isSame) changed.add(entry);
    }
    this.order(work.defined);
    for (let size = 0; changed.size > size; ) {
      size = changed.size;
      for (const item of this.program.items) {
        if (item.symbols.length === 0 || !item.symbols.some((entry) => changed.has(entry))) continue;
        if (!work.touched.has(item)) item.reset();
        work.touched.add(item);
        if (item.statement?.kind === "equ" && item.label) changed.add(item.label);
      }
    }
    for (const item of work.touched) {
      if (!this.isKnownInTime(item)) return false;
      if (item.statement?.kind === "equ" && item.label) item.label.isFixed = isFixedConstant(item);
      if (isUnresolved(item)) this.unresolved.add(item);
      else this.unresolved.delete(item);
    }
    return true;
  }

  /** Puts symbols where they belong in the order of definition. */
  private order(defined: readonly Item[]): void {
    const { known, items } = this.program;
    known.splice(known.length - defined.length);
    for (const item of defined) {
      let n = items.indexOf(item) - 1;
      while (n >= 0 && !items[n]!.label) n--;
      known.splice(n < 0 ? 0 : known.indexOf(items[n]!.label!) + 1, 0, item.label!);
    }
  }

  /** What a count is made of must be defined further up. */
  private isKnownInTime({ tree, statement, symbols, source }: Item): boolean {
    const isCritical =
      tree.times.length > 0 ||
      statement?.kind === "file" ||
      statement?.kind === "align" ||
      statement?.kind === "absolute" ||
      (statement?.kind === "data" && hasCount(statement.items));
    if (!isCritical) return true;
    const { file } = this.run.options;
    return symbols.every(({ definition }) => {
      const there = definition?.source;
      if (!there || there.file !== file || source.file !== file || there.expansion || source.expansion) return false;
      return there.place.line < source.place.line;
    });
  }

  /** Lays out, emits what may be other than before, and says what is wrong. */
  private finish(work: Work): boolean {
    const { problems, program, run } = this;
    problems.owner = undefined;
    this.forgetReferences(work);
    for (const item of work.gone) work.touched.delete(item);
    if (work.touched.size === 0 && work.gone.size === 0) return true;
    const again = this.layOut(work);
    if (!again || [...again].some(({ label }) => label && label.value === undefined)) return false;
    problems.forget("symbols");
    problems.phase = "symbols";
    reportUndefined(this.unresolved, program, problems);
    problems.forget("output", new Set<object | undefined>([...again, ...work.gone, undefined]));
    run.emission.rerun(again);
    for (const item of again) this.classify(item);
    return !(program.ties.unsteady || problems.full || problems.crowded || run.emission.isFull);
  }

  /** Gives the items that are to be emitted again; undefined if a new run is needed. */
  private layOut(work: Work): Set<Item> | undefined {
    const { touched } = work;
    if (this.relay(touched)) work.moves = true;
    if (!work.moves) return new Set([...touched, ...this.relayout.finish()]);
    this.problems.phase = "reading";
    if (!this.relayout.run()) return undefined;
    const again = new Set([...touched, ...this.relayout.finish(), ...this.watched]);
    this.relay(touched);
    return again;
  }

  /** The layout looks at items again; true if something may move. */
  private relay(touched: ReadonlySet<Item>): boolean {
    if (touched.size > mostApart) {
      this.relayout.restart();
      return true;
    }
    let moves = false;
    for (const item of touched) if (this.relayout.replaced(this.program.items.indexOf(item), 1)) moves = true;
    return moves;
  }

  private forgetReferences({ places, news }: Work): void {
    const { references } = this.run.preprocessor;
    if (references.some(({ source }) => places.has(source.place))) {
      const kept = references.filter(({ source }) => !places.has(source.place));
      splice(references, 0, references.length, kept);
    }
    splice(references, references.length, 0, news);
  }
}

/** Above this many items it is faster to look at all. */
const mostApart = 30;

/** The length of the item has to do with nothing but itself. */
const standsAlone = ({ symbols, tree, statement }: Item): boolean =>
  symbols.length === 0 &&
  !tree.usesPlace &&
  tree.times.length === 0 &&
  statement?.kind !== "equ" &&
  statement?.kind !== "file" &&
  !(statement?.kind === "instruction" && branchKind(statement.mnemonic.text));

const isLocal = (name: string): boolean => name[0] === "." && name[1] !== ".";

const usesLocalName = ({ tree: { label, symbols } }: Item): boolean =>
  (label !== undefined && isLocal(label.text)) || symbols.some(({ name }) => isLocal(name));
