import type { MacroCall, Problem, Range } from "./interface.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";

/** No one reads more problems than this; a binary file read as source would have millions. */
const mostProblems = 1000;
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

/** The problems of one assembly. The same thing is said once per place. */
export class ProblemList {
  readonly list: Problem[] = [];
  private readonly seen = new Set<string>();

  get full(): boolean {
    return this.list.length >= mostProblems;
  }

  /** `source` is the line it is about, if that may come from a macro: then the problem shows the calls that led there. */
  add(problem: Problem, source?: SourceLine): void {
    if (this.full) return;
    const { file, line, start } = problem.range;
    const key = `${problem.code}:${line}:${start}:${problem.message}:${file}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    const calls = source?.expansion ? callsOf(source.expansion) : [];
    const related = [...(problem.related ?? []), ...calls];
    const { message } = problem;
    this.list.push({
      ...problem,
      message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
      ...(related.length > 0 && { related }),
    });
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

  /** In order of file (the given one first), line and column. */
  sorted(mainFile: string): Problem[] {
    const rank = (range: Range) => (range.file === mainFile ? "" : range.file);
    return this.list.toSorted(
      ({ range: a }, { range: b }) =>
        (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) || a.line - b.line || a.start - b.start,
    );
  }
}
