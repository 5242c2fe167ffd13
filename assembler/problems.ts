import type { MacroCall, Problem, Range } from "./interface.ts";
import { limits } from "./limits.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";

/** Problems kept with those that repeat one another. */
const mostKept = 10 * limits.problems;
/** Messages quote the source, which may hold words of any length. */
const longestMessage = 400;

/** Calls shown with a problem; deeper ones are left out. */
const mostCalls = 10;

/** The calls that led to a line of a macro, the innermost first. */
function callsOf(innermost: MacroCall): NonNullable<Problem["related"]>[number][] {
  const calls = [];
  for (let call: MacroCall | undefined = innermost; call && calls.length < mostCalls; call = call.outer)
    calls.push({ range: call.range, message: `In the expansion of the macro “${call.macro}” here.` });
  return calls;
}

/** When a problem is found: while the source is read, when all symbols are known, or when the bytes come out. */
export type Phase = "reading" | "symbols" | "output";
const phases: readonly Phase[] = ["reading", "symbols", "output"];

interface Found {
  problem: Problem;
  readonly key: string;
  readonly phase: Phase;
  readonly owner: object | undefined;
}

const moved = (range: Range, file: string, from: number, by: number): Range =>
  range.file === file && range.line >= from ? { ...range, line: range.line + by } : range;

/** Problems with the same key say the same of the same place. */
const keyOf = ({ code, message, range: { file, line, start } }: Problem): string =>
  `${code}:${line}:${start}:${message}:${file}`;

/**
 * The problems of one assembly. The same thing is said once per place. Each problem belongs to what was at work when it
 * was found, the line or the item, so that it can be taken back with that after an edit.
 */
export class ProblemList {
  private found: Found[] = [];
  /** Who found what, by what it is. */
  private readonly owners = new Map<string, Set<object | undefined>>();
  /** Whose problems are being found. */
  owner: object | undefined;
  phase: Phase = "reading";
  private errors = 0;

  /** Some that repeat others were dropped, so it is no longer known who found what. */
  crowded = false;

  /** Nothing is taken at the moment. */
  muted = false;

  /** No more are taken. */
  get full(): boolean {
    return this.owners.size >= limits.problems;
  }

  get hasErrors(): boolean {
    return this.errors > 0;
  }

  /** How many were found, with those that repeat one another. */
  get count(): number {
    return this.found.length;
  }

  /** `source` is the line it is about, if that may come from a macro: then the problem shows the calls that led there. */
  add(problem: Problem, source?: SourceLine): void {
    if (this.full || this.muted) return;
    const key = keyOf(problem);
    const owners = this.owners.get(key) ?? new Set();
    if (owners.has(this.owner)) return;
    if (owners.size > 0 && this.found.length >= mostKept) {
      this.crowded = true;
      return;
    }
    this.owners.set(key, owners.add(this.owner));
    const calls = source?.expansion ? callsOf(source.expansion) : [];
    const related = [...(problem.related ?? []), ...calls];
    const { message } = problem;
    const said = {
      ...problem,
      message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
      ...(related.length > 0 && { related }),
    };
    if (problem.severity === "error") this.errors++;
    this.found.push({ problem: said, key, phase: this.phase, owner: this.owner });
  }

  error(code: string, message: string, source: SourceLine, span: Span, related?: Problem["related"]): void {
    this.report("error", code, message, source, span, related);
  }

  warning(code: string, message: string, source: SourceLine, span: Span): void {
    this.report("warning", code, message, source, span);
  }

  private report(
    severity: Problem["severity"],
    code: string,
    message: string,
    source: SourceLine,
    span: Span,
    related?: Problem["related"],
  ): void {
    this.add({ code, severity, message, range: rangeOf(source, span), ...(related && { related }) }, source);
  }

  /** Takes back the problems of a phase, or those of some owners. */
  forget(phase: Phase, owners?: ReadonlySet<object | undefined>): void {
    const goes = (one: Found) => one.phase === phase && (owners === undefined || owners.has(one.owner));
    if (this.found.some(goes)) this.keep(this.found.filter((one) => !goes(one)));
  }

  /** Lines were put in or taken out: what is in a file from a line on is now `by` lines further down. */
  move(file: string, from: number, by: number): void {
    for (const one of this.found) {
      const { range, related } = one.problem;
      one.problem = {
        ...one.problem,
        range: moved(range, file, from, by),
        ...(related && { related: related.map((place) => ({ ...place, range: moved(place.range, file, from, by) })) }),
      };
    }
    this.keep(this.found.map((one) => ({ ...one, key: keyOf(one.problem) })));
  }

  private keep(found: Found[]): void {
    this.found = found;
    this.owners.clear();
    this.errors = 0;
    for (const { key, owner, problem } of found) {
      const owners = this.owners.get(key) ?? new Set();
      this.owners.set(key, owners.add(owner));
      if (problem.severity === "error") this.errors++;
    }
  }

  /** In order of file (the given one first), line and column; where these are the same, as they were found. */
  sorted(mainFile: string): Problem[] {
    const rank = (range: Range) => (range.file === mainFile ? "" : range.file);
    const once = new Map<string, Found>();
    for (const one of this.found) if (!once.has(one.key)) once.set(one.key, one);
    return [...once.values()]
      .sort(
        ({ problem: { range: a }, phase: p }, { problem: { range: b }, phase: q }) =>
          (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) ||
          a.line - b.line ||
          a.start - b.start ||
          phases.indexOf(p) - phases.indexOf(q),
      )
      .map(({ problem }) => problem);
  }
}
