import { limits } from "./limits.ts";
import type { Invocation, MultiMacro } from "./multi-macro.ts";
import type { ProblemList } from "./problems.ts";
import type { SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";

/** What is being expanded: a macro, or a `%rep` if there is no invocation. */
interface Frame {
  readonly invocation: Invocation | undefined;
  /** After `%exitmacro` or `%exitrep` only conditionals are looked at. */
  exited: boolean;
}

/** The macros and repetitions that are being expanded, one inside the other, and how much they all have made. */
export class ExpansionStack {
  private readonly frames: Frame[] = [];
  private readonly problems: ProblemList;
  private lines = 0;
  private characters = 0;

  constructor(problems: ProblemList) {
    this.problems = problems;
  }

  get isEmpty(): boolean {
    return this.frames.length === 0;
  }

  /** The innermost macro being expanded. */
  get invocation(): Invocation | undefined {
    return this.frames.findLast(({ invocation }) => invocation)?.invocation;
  }

  /** Whether the innermost frame was left before its end. */
  get exited(): boolean {
    return this.frames.at(-1)?.exited === true;
  }

  /** Whether more was made than may be. */
  get isFull(): boolean {
    return this.lines > limits.expandedLines || this.characters > limits.expandedCharacters;
  }

  /** A macro is not expanded inside itself. */
  isRunning(macro: MultiMacro): boolean {
    return !macro.recursive && this.frames.some(({ invocation }) => invocation?.macro === macro);
  }

  /** Begins a macro, or one time of a `%rep`; false if that is beyond a limit, which was reported. */
  enter(invocation: Invocation | undefined, source: SourceLine, span: Span): boolean {
    if (this.frames.length >= limits.expansionDepth) {
      const message = `Macros and repetitions are nested deeper than ${limits.expansionDepth} levels here.`;
      this.problems.error("macro-too-deep", message, source, span);
      return false;
    }
    if (++this.lines > limits.expandedLines) {
      this.tooMuch(source, span);
      return false;
    }
    this.frames.push({ invocation, exited: false });
    return true;
  }

  /** Counts a line of the innermost frame; false if that is beyond a limit, which was reported. */
  count({ text }: SourceLine, source: SourceLine, span: Span): boolean {
    this.lines++;
    this.characters += text.length;
    if (this.isFull) this.tooMuch(source, span);
    return !this.isFull;
  }

  /** Counts what macros have made of a line. False if that is beyond a limit, which was reported. */
  made(characters: number, source: SourceLine, span: Span): boolean {
    this.characters += characters;
    if (this.isFull) this.tooMuch(source, span);
    return !this.isFull;
  }

  /** Ends the innermost frame; false if it was left before its end. */
  leave(): boolean {
    return this.frames.pop()?.exited === false;
  }

  /** `%exitrep` and `%exitmacro`; false if there is nothing to leave. */
  exit(kind: "rep" | "macro"): boolean {
    const last = this.frames.findLastIndex(({ invocation }) => (kind === "macro") === (invocation !== undefined));
    for (const frame of this.frames.slice(last < 0 ? this.frames.length : last)) frame.exited = true;
    return last >= 0;
  }

  private tooMuch(source: SourceLine, span: Span): void {
    const message = `Macros and repetitions make more than ${limits.expandedLines} lines or ${limits.expandedCharacters} characters.`;
    this.problems.error("expansion-too-long", message, source, span);
  }
}
