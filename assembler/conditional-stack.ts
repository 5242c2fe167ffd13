import { limits } from "./limits.ts";
import type { ProblemList } from "./problems.ts";
import type { SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";

/** Where an `%if`, `%elif` or `%else` stands. */
interface Place {
  readonly source: SourceLine;
  readonly span: Span;
}

/** An `%if` that is open. */
interface Conditional extends Place {
  /** `done`: after the part that was taken. */
  state: "taken" | "not-yet" | "done";
  /** Stands in a part that is left out, as a whole. */
  readonly leftOut: boolean;
  sawElse: boolean;
  /** Those of its lines that are left out, in case it is never closed. */
  readonly lines: SourceLine[];
}

/** With more conditionals open than this, no one is still typing. */
const mostNoted = 50;

/** The conditionals of one file that are open. */
export class ConditionalStack {
  private readonly open: Conditional[] = [];
  private readonly problems: ProblemList;

  constructor(problems: ProblemList) {
    this.problems = problems;
  }

  /** Whether the lines here are left out. */
  get leavesOut(): boolean {
    const last = this.open.at(-1);
    return last !== undefined && last.state !== "taken";
  }

  /** Whether an `%elif` here would ask its condition. */
  get isUndecided(): boolean {
    return this.open.at(-1)?.state === "not-yet";
  }

  /** `%if…`: `test` is only called outside of what is left out. */
  begin({ source, span }: Place, leftOut: boolean, test: () => boolean): void {
    const state = leftOut ? "done" : test() ? "taken" : "not-yet";
    this.open.push({ source, span, state, leftOut, sawElse: false, lines: [] });
  }

  /** A conditional that is not known, so that no part of it is taken. */
  beginUnknown({ source, span }: Place, sawElse: boolean): void {
    this.open.push({ source, span, state: "done", leftOut: true, sawElse, lines: [] });
  }

  /** `%elif…` and `%else`: `test` is only called if the part could be taken. */
  continue({ source, span }: Place, isElse: boolean, test: () => boolean): string | undefined {
    const last = this.open.at(-1);
    if (!last) return "There is no %if before this.";
    const late = last.sawElse && !last.leftOut;
    if (last.state === "not-yet" && !last.sawElse) last.state = test() ? "taken" : "not-yet";
    else last.state = "done";
    last.sawElse ||= isElse;
    if (late) this.problems.warning("bad-directive", "This comes after the %else of the same %if.", source, span);
    return undefined;
  }

  end(): string | undefined {
    return this.open.pop() ? undefined : "There is no %if before this.";
  }

  /** Notes a line that is left out, with the directive that it is. */
  note(line: SourceLine, directive: string | undefined): void {
    if (this.open.length > mostNoted) return;
    const outermost = this.open.findIndex(({ state }) => state !== "taken");
    const isOwn = outermost === this.open.length - 1 && directive !== undefined && /^(el|endif)/.test(directive);
    if (!isOwn) this.open[outermost]?.lines.push(line);
  }

  /** At the end of the file: what those that are not closed have left out. */
  get swallowed(): readonly SourceLine[] {
    return this.open.find(({ lines }) => lines.length > 0)?.lines ?? [];
  }

  /** At the end of the file. */
  reportUnclosed(): void {
    for (const { source, span } of this.open.slice(0, limits.problems))
      this.problems.error("unclosed-if", "This has no %endif before the end of the file.", source, span);
  }
}
