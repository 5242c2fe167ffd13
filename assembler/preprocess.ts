import type { IToken } from "chevrotain";
import type { Block } from "./block.ts";
import { builtin, builtinText } from "./builtin.ts";
import { ConditionalStack } from "./conditional-stack.ts";
import { conditionNames, conditionOf } from "./conditions.ts";
import { ContextStack } from "./contexts.ts";
import { type Call, restTokens } from "./directive.ts";
import { directives } from "./directives.ts";
import { ExpansionStack } from "./expansion-stack.ts";
import type { FloatMode } from "./float.ts";
import type { Frame } from "./frames.ts";
import { type IncludeOptions, IncludeStack, isReadable, tooManyLines } from "./includes.ts";
import type { ModeStatement, Range, Settings, SymbolDefinition } from "./interface.ts";
import { limits } from "./limits.ts";
import { type ParsedLine, parseLine, parseTokens } from "./line.ts";
import { Expansion, type ExpansionHost, fresh, MacroTable, plainMacro, spaced, tokensText } from "./macro.ts";
import { expandCall } from "./macro-calls.ts";
import { type Invocation, MultiMacroTable } from "./multi-macro.ts";
import { type Numbering, placeOf } from "./numbering.ts";
import type { Journal } from "./plain-line.ts";
import type { ProblemList } from "./problems.ts";
import { type CallSite, logicalLines, rangeOf, type SourceFile, type SourceLine } from "./source.ts";
import { finish, type Steps } from "./steps.ts";
import { type Surroundings, substituted } from "./substitution.ts";
import { didYouMean } from "./suggest.ts";

import { endOf, tokenize } from "./tokens.ts";
import type { Expression, LineTree, Span } from "./tree.ts";

/** What the preprocessor hands on, and asks. */
export interface Sink {
  /** `tokens` are the line's own if they are not those of its text. */
  line(tree: LineTree, source: SourceLine, tokens?: readonly IToken[]): void;
  /** Value of an expression at the place reached, or undefined, which was reported. */
  ask(expression: Expression, tree: LineTree, source: SourceLine, what: string): bigint | undefined;
  /** `__BITS__`. */
  readonly bits: number;
  /** `__FLOAT__`. */
  readonly floatMode: FloatMode;
  /** `__OUTPUT_FORMAT__`. */
  readonly format: string;
}

export interface PreprocessOptions extends IncludeOptions {
  readonly journal?: Journal | undefined;
  readonly main: SourceFile;
  readonly defines: Readonly<Record<string, string>>;
}

/** Aliases of aliases. */
const longestAlias = 100;

/** Lines read in one step: some milliseconds. */
const linesPerStep = 1000;

const lineStart: Span = { start: 0, end: 1 };

/** Lines of a program after conditionals, includes and single-line macros, in order. One use per pass. */
export class Preprocessor {
  readonly macros = new MacroTable();
  readonly multi = new MultiMacroTable();
  readonly contexts = new ContextStack();
  readonly definitions: SymbolDefinition[] = [];
  readonly references: { readonly name: string; readonly source: SourceLine; readonly span: Span }[] = [];
  readonly includes: IncludeStack;
  settings: Settings = {};
  readonly statements: { readonly source: SourceLine; readonly span: Span; readonly said: ModeStatement["said"] }[] =
    [];
  readonly problems: ProblemList;
  readonly sink: Sink;
  private readonly options: PreprocessOptions;
  /** Those of the file being read. */
  conditionals: ConditionalStack;
  private block: Block | undefined;
  readonly expansions: ExpansionStack;
  private lines = 0;
  /** How often one of nasm's own macros was used. */
  builtins = 0;
  /** `__LINE__` was used. */
  asksLine = false;
  private uniques = 0;
  /** `__SECT__`. */
  private section = "[section .text]";
  /** What `%arg` and `%local` go on from. */
  frame: Frame | undefined;
  /** Packages of `%use`. */
  readonly used = new Set<string>();
  /** `%aliases on`: definitions of an alias are definitions of what it stands for. */
  usesAliases = true;
  /** What `%line` said last of the file being read. */
  numbering: Numbering | undefined;
  /** Nothing more is read: a limit was reached, or `%fatal`. */
  stopped = false;
  /** Lines were read again that something without end had swallowed. */
  recovered = false;

  constructor(options: PreprocessOptions, sink: Sink, problems: ProblemList) {
    this.options = options;
    this.sink = sink;
    this.problems = problems;
    this.includes = new IncludeStack(options, problems);
    this.conditionals = new ConditionalStack(problems);
    this.expansions = new ExpansionStack(problems);
    for (const [name, body] of Object.entries(options.defines)) this.macros.define(plainMacro(name, tokenize(body)));
  }

  /** Reads the program to its end. */
  steps(): Steps<void> {
    return this.fileSteps(this.options.main, undefined);
  }

  /** Reads a file to its end; conditionals must be closed in it. */
  private *fileSteps(source: SourceFile, from: SourceLine | undefined): Steps<void> {
    const outer = this.conditionals;
    const { numbering } = this;
    this.numbering = undefined;
    this.conditionals = new ConditionalStack(this.problems);
    this.includes.enter(source, from);
    if (isReadable(source, this.problems))
      for (const line of logicalLines(source)) {
        if (this.problems.full || this.stopped) break;
        if (++this.lines > limits.lines) {
          this.problems.error("too-many-lines", tooManyLines, line, lineStart);
          this.stopped = true;
          break;
        }
        if (from === undefined) this.mainLine(line);
        else this.wholeLine(line);
        if (this.lines % linesPerStep === 0) yield;
      }
    if (from === undefined) this.problems.owner = undefined;
    this.includes.leave();
    if (!this.stopped) {
      if (this.block && this.includes.isEmpty) this.unclosedBlock(this.block);
      this.conditionals.reportUnclosed();
      if (from === undefined) this.recover();
    }
    this.conditionals = outer;
    this.numbering = numbering;
  }

  private wholeLine(line: SourceLine): boolean {
    if (line.text.length <= limits.lineCharacters) return this.line(line);
    this.problems.error("line-too-long", `This line has ${line.text.length} characters.`, line, lineStart);
    return false;
  }

  private mainLine(line: SourceLine): void {
    const state = this.block ? "inside" : this.skipping ? "left out" : "read";
    this.options.journal?.begin(line, state);
    this.problems.owner = line.place;
    this.macros.history.place = line.place;
    const isPlain = this.wholeLine(line);
    this.options.journal?.end(isPlain && !line.text.includes("%"));
  }

  /** Lines were put in or taken out: what stood in a file from a line on is now `by` lines further down. */
  move(file: string, from: number, by: number): void {
    for (const [n, one] of this.definitions.entries())
      if (one.range.file === file && one.range.line >= from)
        this.definitions[n] = { ...one, range: { ...one.range, line: one.range.line + by } };
  }

  get skipping(): boolean {
    return this.conditionals.leavesOut || this.expansions.exited;
  }

  /**
   * A block or conditional that is not closed is still being typed. What it has swallowed is read all the same, so that the
   * rest of the program keeps its symbols; what is wrong there is not said.
   */
  private recover(): void {
    for (let n = 0; n < limits.recoveries; n++) {
      const lines = this.block?.lines ?? this.conditionals.swallowed;
      if (lines.length === 0) return;
      this.recovered = true;
      this.block = undefined;
      this.conditionals = new ConditionalStack(this.problems);
      this.problems.muted = true;
      for (const line of lines) if (!this.stopped) this.line(line);
      this.problems.muted = false;
    }
  }

  private unclosedBlock({ source, span, closing }: Block): void {
    this.problems.error("unclosed-block", `This has no %${closing[0]} before the end of the file.`, source, span);
  }

  /** Reads a line; true if it is a statement by itself, or none. */
  private line(written: SourceLine): boolean {
    let source = written;
    let directive = directiveOf(source);
    if (this.block) {
      this.collect(this.block, directive?.name, source);
      return false;
    }
    if (this.conditionals.leavesOut && this.expansions.isEmpty) this.conditionals.note(written, directive?.name);
    const ask = !this.skipping || (directive?.name.startsWith("elif") && this.conditionals.isUndecided);
    if (ask && source.text.includes("%")) {
      source = substituted(source, this.surroundings(source));
      const more = source.text.length - written.text.length;
      if (more > 0 && !this.expansions.made(more, source, lineStart)) this.stopped = true;
      directive = directiveOf(source);
    }
    if (source.text.length > limits.lineCharacters)
      this.problems.error("line-too-long", "This line becomes too long.", source, lineStart);
    else if (directive) this.directive(directive.name, directive.restStart, source);
    else return this.skipping || this.statement(source);
    return false;
  }

  /** What the `%` words of a line mean here. */
  private surroundings(source: SourceLine): Surroundings {
    return {
      invocation: this.expansions.invocation,
      expanded: (text) => tokensText(this.expand(tokenize(text), { ...source, text })),
      valueOf: (name) => this.macros.find(name) && tokensText(this.expand(tokenize(name), { ...source, text: name })),
      contextual: (name, level) => this.contexts.fullName(name, level),
      fault: (code, message, start, end) => this.problems.error(code, message, source, { start, end }),
    };
  }

  /** False if it is the call of a multi-line macro. */
  private statement(source: SourceLine): boolean {
    const parsed = parseLine(source.text);
    const expands =
      ((this.macros.size > 0 || parsed.hasBuiltin) && this.mentionsMacro(parsed)) || source.text.includes("%+");
    if (expands) {
      const tokens = this.expand(tokenize(source.text), source);
      if (this.multi.size > 0 && expandCall(this, tokens, source)) return false;
      this.pass(parseTokens(fresh(tokens)), tokens, source);
      return !parsed.hasBuiltin;
    }
    const calls = this.multi.size > 0 && parsed.heads.some((word) => this.multi.find(word).length > 0);
    if (calls && expandCall(this, spaced(tokenize(source.text)), source)) return false;
    this.pass(parsed.tree, undefined, source);
    return true;
  }

  /** Hands a line on. `tokens` are its own if they are not those of its text. */
  private pass(tree: LineTree, tokens: readonly IToken[] | undefined, source: SourceLine): void {
    if (tree.statement?.kind === "directive" && /^(section|segment|absolute)$/.test(tree.statement.word.text)) {
      // The form in brackets is not remembered, so that __SECT__ can lead back from it.
      const text = tokensText(tokens ?? spaced(tokenize(source.text)));
      if (text[0] !== "[") this.section = `[${text}]`;
    }
    this.sink.line(tree, source, tokens);
  }

  private mentionsMacro({ words }: ParsedLine): boolean {
    return words.some((word) => this.macros.find(word) ?? builtin(word));
  }

  /** Tokens with their macros replaced; faults are reported. */
  expand(tokens: readonly IToken[], source: SourceLine): IToken[] {
    const host: ExpansionHost = {
      predefined: (word) => this.predefined(word, source),
      evaluate: (expression) => {
        this.builtins++;
        return this.value(expression, source, "The argument of the macro");
      },
    };
    const expansion = new Expansion(this.macros, host);
    const out = expansion.run(spaced(tokens));
    for (const { macro, span } of expansion.uses)
      if (macro.range) this.references.push({ name: macro.name, source, span });
    for (const { code, message, ...span } of expansion.unfit) this.problems.warning(code, message, source, span);
    const { fault, made } = expansion;
    if (fault) this.problems.error(fault.code, fault.message, source, fault);
    if (made > 0 && !this.expansions.made(made, source, lineStart)) this.stopped = true;
    return fault ? [] : out;
  }

  /** nasm's own macros. */
  private predefined(word: string, source: SourceLine): string | undefined {
    const name = builtin(word);
    if (name === undefined) return undefined;
    this.builtins++;
    this.asksLine ||= name === "LINE";
    const { bits, format, floatMode } = this.sink;
    const { section } = this;
    const text = builtinText(name, { ...placeOf(source, this.numbering), bits, format, floatMode, section });
    if (text === undefined) {
      const start = Math.max(0, source.text.indexOf(word));
      const message = `“${word}” would make the same program differ from run to run; define it with %define or -D.`;
      this.problems.error("unsupported-word", message, source, { start, end: start + word.length });
    }
    return text ?? "0";
  }

  /** The name that a definition of `name` is about. */
  aliased(name: string): string {
    let target = name;
    for (let n = 0; this.usesAliases && n < longestAlias; n++) {
      const alias = this.macros.find(target)?.find((macro) => macro.alias);
      if (!alias) break;
      target = alias.body[0]!.image;
    }
    return target;
  }

  /** Notes that a directive names a macro. */
  refersTo(macro: { name: string; range: Range | undefined } | undefined, word: IToken, source: SourceLine): void {
    const span = { start: word.startOffset, end: endOf(word) };
    if (macro?.range) this.references.push({ name: macro.name, source, span });
  }

  // Multi-line macros and repetitions.

  unique(): number {
    return ++this.uniques;
  }

  /** Reads the lines of a macro or `%rep`; false if that went beyond a limit or they were left before their end. */
  expandLines(
    lines: readonly SourceLine[],
    invocation: Invocation | undefined,
    source: SourceLine,
    span: Span,
    expansion: CallSite | undefined,
  ): boolean {
    if (!this.expansions.enter(invocation, source, span)) {
      this.stopped ||= this.expansions.isFull;
      return false;
    }
    for (const line of lines) {
      if (this.stopped || this.problems.full) break;
      if (this.expansions.count(line, source, span)) this.line(expansion ? { ...line, expansion } : line);
      else this.stopped = true;
    }
    return this.expansions.leave() && !this.stopped;
  }

  /** Opens a block whose lines are only read until it closes. */
  openBlock(block: Pick<Block, "opening" | "closing" | "finish">, { source, span }: Call): void {
    this.block = { ...block, source, span, lines: [], depth: 0 };
  }

  private collect(block: Block, directive: string | undefined, source: SourceLine): void {
    if (directive !== undefined && block.opening.includes(directive)) block.depth++;
    else if (directive !== undefined && block.closing.includes(directive) && block.depth-- === 0) {
      this.block = undefined;
      block.finish(block.lines);
      return;
    }
    block.lines.push(source);
  }

  /** `%rep`: the lines so many times. */
  repeat(lines: readonly SourceLine[], count: bigint, { source, span }: Call): void {
    for (let n = 0n; n < count; n++) if (!this.expandLines(lines, undefined, source, span, undefined)) return;
  }

  // Directives.

  private directive(name: string, restStart: number, source: SourceLine): void {
    const span = { start: source.text.indexOf("%"), end: restStart };
    const condition = conditionOf(name);
    if (condition) {
      this.condition(condition, { name, span, restStart, source });
      return;
    }
    const known = directives[name];
    if (known && (known.conditional || !this.skipping)) {
      const fault = known.run(this, { name, span, restStart, source });
      if (fault !== undefined) this.problems.error("bad-directive", fault, source, span);
    } else if (this.skipping) {
      // Conditionals that are not known still nest.
      if (/^if/.test(name)) this.conditionals.beginUnknown({ source, span }, false);
    } else this.unknown(name, source, span);
  }

  private condition({ isElse, test }: NonNullable<ReturnType<typeof conditionOf>>, call: Call): void {
    const ask = () => test(this, call, restTokens(call));
    if (!isElse) this.conditionals.begin(call, this.skipping, ask);
    else {
      const fault = this.conditionals.continue(call, false, ask);
      if (fault !== undefined) this.problems.error("bad-directive", fault, call.source, call.span);
    }
  }

  private unknown(name: string, source: SourceLine, span: Span): void {
    const hint = didYouMean(name, [...Object.keys(directives), ...conditionNames]);
    this.problems.error("unknown-directive", `Unknown preprocessor directive “%${name}”.${hint}`, source, span);
    if (/^if/.test(name)) this.conditionals.beginUnknown({ source, span }, true);
  }

  /** The value of an expression in a directive, with its macros replaced. */
  expression(tokens: readonly IToken[], source: SourceLine, what: string): bigint | undefined {
    return this.value(this.expand(tokens, source), source, what);
  }

  private value(tokens: readonly IToken[], source: SourceLine, what: string): bigint | undefined {
    const tree = parseExpression(tokens);
    for (const problem of tree.problems) this.problems.add({ ...problem, range: rangeOf(source, problem) }, source);
    const [expression] = tree.times;
    if (!expression || tree.problems.length > 0) return undefined;
    return this.sink.ask(expression, tree, source, what);
  }

  /** `once`: not if it was included before. */
  include(name: string, source: SourceLine, span: Span, once = false): void {
    const isDefined = (guard: string) => this.macros.find(guard) !== undefined;
    const file = this.includes.resolve(name, source, span, isDefined, once);
    if (file) finish(this.fileSteps(file, source));
  }
}

/** The directive that the line is: its name in lower case, and where what follows begins. */
function directiveOf({ text }: SourceLine): { readonly name: string; readonly restStart: number } | undefined {
  const found = text.includes("%") ? /^\s*%([A-Za-z]\w*)/.exec(text) : null;
  return found ? { name: found[1]!.toLowerCase(), restStart: found[0].length } : undefined;
}

/** An expression by itself is parsed as the count of a `times`. */
function parseExpression(tokens: readonly IToken[]): LineTree {
  const [times] = tokenize("times");
  const start = tokens[0]?.startOffset ?? 0;
  return parseTokens(fresh([{ ...times!, startOffset: start, endOffset: start }, ...tokens]));
}
