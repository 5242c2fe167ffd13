import type { IToken } from "chevrotain";
import { builtin } from "./builtin.ts";
import { type Call, directives, notSupported } from "./directives.ts";
import type { ReadFile, Settings, SymbolDefinition } from "./interface.ts";
import { type ParsedLine, parseLine, parseTokens } from "./line.ts";
import { Expansion, fresh, MacroTable } from "./macro.ts";
import type { ProblemList } from "./problems.ts";
import { logicalLines, rangeOf, type SourceFile, type SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import { endOf, tokenize } from "./tokens.ts";
import type { Expression, LineTree, Span } from "./tree.ts";

/** What the preprocessor hands on, and asks. */
export interface Sink {
  line(tree: LineTree, source: SourceLine): void;
  /** Value of an expression at the place reached, or undefined, which was reported. */
  ask(expression: Expression, tree: LineTree, source: SourceLine, what: string): bigint | undefined;
  /** `__BITS__`. */
  readonly bits: number;
}

export interface PreprocessOptions {
  readonly main: SourceFile;
  readonly read: ReadFile | undefined;
  readonly defines: Readonly<Record<string, string>>;
  readonly includePaths: readonly string[];
}

/** An `%if` that is open. */
interface Conditional {
  readonly source: SourceLine;
  readonly span: Span;
  /** `done`: after the part that was taken. */
  state: "taken" | "not-yet" | "done";
  /** Stands in a part that is left out, as a whole. */
  readonly leftOut: boolean;
  sawElse: boolean;
}

/** A block that is skipped because Ringside does not know it: `%macro` to `%endmacro`. */
interface Skipped {
  readonly until: string;
}

/** Files open at the same time, one including the next. */
const deepestInclude = 64;
/** Characters of one file, and lines of a program with all it includes. */
export const largestFile = 16 * 1024 * 1024;
const mostLines = 4_000_000;
const longestLine = 1_000_000;

const lineStart: Span = { start: 0, end: 1 };

/** Lines of a program after conditionals, includes and single-line macros, in order. One use per pass. */
export class Preprocessor {
  readonly macros = new MacroTable();
  readonly definitions: SymbolDefinition[] = [];
  readonly references: { readonly name: string; readonly source: SourceLine; readonly span: Span }[] = [];
  readonly includes: { readonly source: SourceLine; readonly span: Span; readonly file: string }[] = [];
  /** Multi-line macros seen; they are not supported. */
  readonly unsupported = new Set<string>();
  settings: Settings = {};
  readonly problems: ProblemList;
  readonly sink: Sink;
  private readonly options: PreprocessOptions;
  private readonly stack: SourceLine[] = [];
  private readonly open: string[] = [];
  private conditionals: Conditional[] = [];
  private skipped: Skipped | undefined;
  private lines = 0;

  constructor(options: PreprocessOptions, sink: Sink, problems: ProblemList) {
    this.options = options;
    this.sink = sink;
    this.problems = problems;
    for (const [name, body] of Object.entries(options.defines))
      this.macros.define({ name, parameters: undefined, body: tokenize(body), anyCase: false, range: undefined });
  }

  run(): void {
    this.file(this.options.main);
  }

  /** Reads a file to its end; conditionals must be closed in it. */
  private file(source: SourceFile): void {
    const outer = this.conditionals;
    this.conditionals = [];
    this.open.push(source.file);
    if (this.readable(source))
      for (const line of logicalLines(source)) {
        if (++this.lines > mostLines || this.problems.full) break;
        if (line.text.length <= longestLine) this.line(line);
        else this.problems.error("line-too-long", `This line has ${line.text.length} characters.`, line, lineStart);
      }
    this.open.pop();
    for (const { source: opened, span } of this.conditionals)
      this.problems.error("unclosed-if", "This has no %endif before the end of the file.", opened, span);
    this.conditionals = outer;
  }

  private readable({ file, text }: SourceFile): boolean {
    const start: SourceLine = { file, line: 0, text: "", joints: undefined };
    if (text.length > largestFile) {
      const message = `This file has ${text.length} characters; the most Ringside reads is ${largestFile}.`;
      this.problems.error("file-too-large", message, start, { start: 0, end: 1 });
      return false;
    }
    const nul = text.indexOf("\0");
    if (nul < 0) return true;
    const before = text.slice(0, nul).split(/\r\n|\n|\r/);
    const column = before.at(-1)!.length;
    const message = "There is a NUL byte here: this is not a text file.";
    const at = { start: column, end: column + 1 };
    this.problems.error("nul-byte", message, { ...start, line: before.length - 1 }, at);
    return false;
  }

  get skipping(): boolean {
    const last = this.conditionals.at(-1);
    return last !== undefined && last.state !== "taken";
  }

  private line(source: SourceLine): void {
    const directive = source.text.includes("%") ? /^\s*%([A-Za-z]\w*)/.exec(source.text) : null;
    if (this.skipped) {
      if ((directive ? `%${directive[1]!.toLowerCase()}` : source.text.trim().toLowerCase()) === this.skipped.until)
        this.skipped = undefined;
      return;
    }
    if (directive) this.directive(directive[1]!.toLowerCase(), directive[0].length, source);
    else if (!this.skipping) this.statement(source);
  }

  private statement(source: SourceLine): void {
    const parsed = parseLine(source.text);
    if (parsed.blockEnd) this.skipped = { until: parsed.blockEnd };
    const expands = (this.macros.size > 0 || parsed.hasBuiltin) && this.mentionsMacro(parsed);
    this.sink.line(expands ? this.parseExpanded(tokenize(source.text), source) : parsed.tree, source);
  }

  private mentionsMacro({ words }: ParsedLine): boolean {
    return words.some((word) => this.macros.find(word) ?? builtin(word));
  }

  private parseExpanded(tokens: readonly IToken[], source: SourceLine): LineTree {
    return parseTokens(fresh(this.expand(tokens, source)));
  }

  /** Tokens with their macros replaced; faults are reported. */
  expand(tokens: readonly IToken[], source: SourceLine): IToken[] {
    const expansion = new Expansion(this.macros);
    const out = expansion.expand(tokens.map((t) => this.predefined(t, source)));
    for (const { macro, span } of expansion.uses)
      if (macro.range) this.references.push({ name: macro.name, source, span });
    const { fault } = expansion;
    if (fault) this.problems.error(fault.code, fault.message, source, fault);
    return fault ? [] : out;
  }

  /** `__LINE__` and the few others of nasm's own macros that a flat binary needs. */
  private predefined(t: IToken, source: SourceLine): IToken {
    const name = builtin(t.image);
    if (!name) return t;
    const values: Readonly<Record<string, string | number>> = {
      LINE: source.line + 1,
      BITS: this.sink.bits,
      NASM_MAJOR: 2,
      NASM_MINOR: 16,
      OUTPUT_FORMAT: "bin",
    };
    const [made] = tokenize(String(values[name]));
    return { ...made!, startOffset: t.startOffset, endOffset: endOf(t) - 1 };
  }

  // Directives.

  private directive(name: string, restStart: number, source: SourceLine): void {
    const span = { start: source.text.indexOf("%"), end: restStart };
    const known = directives[name];
    if (known && (known.conditional || !this.skipping)) {
      const fault = known.run(this, { name, span, restStart, source });
      if (fault !== undefined) this.problems.error("bad-directive", fault, source, span);
    } else if (this.skipping) {
      // Conditionals that are not known still nest.
      if (/^if/.test(name)) this.conditionals.push({ source, span, state: "done", leftOut: true, sawElse: false });
    } else this.unknown(name, restStart, source, span);
  }

  private unknown(name: string, restStart: number, source: SourceLine, span: Span): void {
    const blockEnd = notSupported.get(name);
    if (blockEnd === undefined && !/^(if|elif)/.test(name)) {
      const hint = didYouMean(name, Object.keys(directives));
      this.problems.error("unknown-directive", `Unknown preprocessor directive “%${name}”.${hint}`, source, span);
      return;
    }
    this.problems.error("unsupported-directive", `“%${name}” is not supported yet.`, source, span);
    if (blockEnd) this.skipped = { until: blockEnd };
    if (/^i?macro$/.test(name))
      this.unsupported.add(/\S+/.exec(source.text.slice(restStart))?.[0]?.toLowerCase() ?? "");
    if (/^if/.test(name)) this.conditionals.push({ source, span, state: "done", leftOut: true, sawElse: true });
  }

  /** The tree of an expression in a directive, with its macros replaced. */
  expression(tokens: readonly IToken[], source: SourceLine, what: string): bigint | undefined {
    const tree = parseExpression(this.expand(tokens, source));
    for (const problem of tree.problems) this.problems.add({ ...problem, range: rangeOf(source, problem) });
    const [expression] = tree.times;
    if (!expression || tree.problems.length > 0) return undefined;
    return this.sink.ask(expression, tree, source, what);
  }

  openConditional({ source, span }: Call, test: () => boolean): undefined {
    const leftOut = this.skipping;
    const state = leftOut ? "done" : test() ? "taken" : "not-yet";
    this.conditionals.push({ source, span, state, leftOut, sawElse: false });
  }

  /** `%elif…` and `%else`: `test` is only called if the part could be taken. */
  continueConditional({ source, span }: Call, isElse: boolean, test: () => boolean): string | undefined {
    const last = this.conditionals.at(-1);
    if (!last) return "There is no %if before this.";
    const late = last.sawElse && !last.leftOut;
    if (last.state === "not-yet" && !last.sawElse) last.state = test() ? "taken" : "not-yet";
    else last.state = "done";
    last.sawElse ||= isElse;
    if (late) this.problems.error("bad-directive", "This comes after the %else of the same %if.", source, span);
    return undefined;
  }

  closeConditional(): string | undefined {
    return this.conditionals.pop() ? undefined : "There is no %if before this.";
  }

  include(name: string, source: SourceLine, span: Span): void {
    const found = this.find(name, source);
    if (!found) {
      this.problems.error("missing-file", `The file “${name}” cannot be found.`, source, span);
      return;
    }
    this.includes.push({ source, span, file: found.file });
    if (this.isCyclic(found)) this.cyclic(name, found.file, source, span);
    else if (this.stack.length >= deepestInclude) {
      const message = `Files are included more than ${deepestInclude} deep here.`;
      this.problems.error("include-too-deep", message, source, span);
    } else {
      this.stack.push(source);
      this.file(found);
      this.stack.pop();
    }
  }

  private cyclic(name: string, file: string, source: SourceLine, span: Span): void {
    const way = source.file !== file ? ", by way of the files it includes" : "";
    const related = this.stack.map((line) => ({
      range: rangeOf(line, { start: 0, end: line.text.length }),
      message: "Included from here.",
    }));
    this.problems.error("cyclic-include", `“${name}” includes itself${way}.`, source, span, related);
  }

  private find(name: string, { file }: SourceLine): SourceFile | undefined {
    const { read, includePaths } = this.options;
    for (const path of ["", ...includePaths]) {
      const found = read?.(path === "" || path.endsWith("/") ? path + name : `${path}/${name}`, file);
      if (found) return found;
    }
    return undefined;
  }

  /** A file may be open twice only if it begins with `%ifndef GUARD` and the guard is defined. */
  private isCyclic({ file, text }: SourceFile): boolean {
    if (!this.open.includes(file)) return false;
    const guard = /^(?:\s*(?:;[^\r\n]*)?[\r\n]+)*\s*%ifndef\s+([^\s;]+)/i.exec(text)?.[1];
    return guard === undefined || this.macros.find(guard) === undefined;
  }
}

/** An expression by itself is parsed as the count of a `times`. */
function parseExpression(tokens: readonly IToken[]): LineTree {
  const [times] = tokenize("times");
  const start = tokens[0]?.startOffset ?? 0;
  return parseTokens(fresh([{ ...times!, startOffset: start, endOffset: start }, ...tokens]));
}
