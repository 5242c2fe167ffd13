import type { ReadFile } from "./interface.ts";
import { limits } from "./limits.ts";
import type { ProblemList } from "./problems.ts";
import { rangeOf, type SourceFile, type SourceLine } from "./source.ts";
import type { Unreadable } from "./text-file.ts";
import type { Span } from "./tree.ts";

/** How included files are read, and where they are looked for. */
export interface IncludeOptions {
  readonly read: ReadFile | undefined;
  readonly includePaths: readonly string[];
}

/** A file that is being read. */
interface OpenFile {
  readonly file: string;
  /** The `%include` that opened it; none opened the main file. */
  readonly from: SourceLine | undefined;
}

/** The files that are open, one including the next. */
export class IncludeStack {
  /** Every `%include` whose file was found. */
  readonly found: { readonly source: SourceLine; readonly span: Span; readonly file: string }[] = [];
  private readonly open: OpenFile[] = [];
  private readonly options: IncludeOptions;
  private readonly problems: ProblemList;

  constructor(options: IncludeOptions, problems: ProblemList) {
    this.options = options;
    this.problems = problems;
  }

  get isEmpty(): boolean {
    return this.open.length === 0;
  }

  enter({ file }: SourceFile, from: SourceLine | undefined): void {
    this.open.push({ file, from });
  }

  leave(): void {
    this.open.pop();
  }

  /** The file that an `%include` names; undefined if it cannot be read here, which was reported. */
  resolve(
    name: string,
    source: SourceLine,
    span: Span,
    isDefined: (guard: string) => boolean,
    once = false,
  ): SourceFile | undefined {
    const found = this.find(name, source);
    if (!found) {
      this.problems.error("missing-file", `The file “${name}” cannot be found.`, source, span);
      return undefined;
    }
    if ("unreadable" in found) {
      this.problems.error("unreadable-file", `The file “${name}” cannot be read: ${found.unreadable}.`, source, span);
      return undefined;
    }
    if (this.found.length >= limits.includes) {
      const message = `More than ${limits.includes} files are included.`;
      this.problems.error("too-many-includes", message, source, span);
      return undefined;
    }
    const known = once && this.found.some(({ file }) => file === found.file);
    this.found.push({ source, span, file: found.file });
    if (known) return undefined;
    if (this.isCyclic(found, isDefined)) this.cyclic(name, found.file, source, span);
    else if (this.open.length > limits.includeDepth) {
      const message = `Files are included more than ${limits.includeDepth} deep here.`;
      this.problems.error("include-too-deep", message, source, span);
    } else return found;
    return undefined;
  }

  private find(name: string, { file }: SourceLine): SourceFile | Unreadable | undefined {
    let unreadable: Unreadable | undefined;
    for (const path of this.candidates(name)) {
      const found = this.options.read?.(path, file);
      if (found && "text" in found) return found;
      unreadable ??= found;
    }
    return unreadable;
  }

  /** The path by which a file is found, made of a folder as given and the name; undefined if it is not found. */
  pathOf(name: string, { file }: SourceLine): string | undefined {
    return this.candidates(name).find((path) => this.options.read?.(path, file));
  }

  private candidates(name: string): string[] {
    return ["", ...this.options.includePaths].map((path) =>
      path === "" || path.endsWith("/") ? path + name : `${path}/${name}`,
    );
  }

  /** A file may be open twice only if it begins with `%ifndef GUARD` and the guard is defined. */
  private isCyclic({ file, text }: SourceFile, isDefined: (guard: string) => boolean): boolean {
    if (!this.open.some((other) => other.file === file)) return false;
    const guard = /^(?:\s*(?:;[^\r\n]*)?[\r\n]+)*\s*%ifndef\s+([^\s;]+)/i.exec(text)?.[1];
    return guard === undefined || !isDefined(guard);
  }

  private cyclic(name: string, file: string, source: SourceLine, span: Span): void {
    const way = source.file !== file ? ", by way of the files it includes" : "";
    const lines = this.open.flatMap(({ from }) => from ?? []);
    const related = lines.map((line) => ({
      range: rangeOf(line, { start: 0, end: line.text.length }),
      message: "Included from here.",
    }));
    this.problems.error("cyclic-include", `“${name}” includes itself${way}.`, source, span, related);
  }
}

/** What is said where there are too many lines. */
export const tooManyLines = `A program has at most ${limits.lines} lines, with those of the files that it includes.`;

/** The first line beyond so many; undefined if there are no more. */
function lineBeyond(text: string, most: number): number | undefined {
  if (text.length < most) return undefined;
  let count = 0;
  for (const _ of text.matchAll(/\r\n|\n|\r/g)) if (++count > most) return most;
  return undefined;
}

/** Whether a file is text of a size that Ringside reads; if not, that is reported. */
export function isReadable({ file, text }: SourceFile, problems: ProblemList): boolean {
  const start = { file, text: "", joints: undefined };
  if (text.length > limits.fileCharacters) {
    const message = `This file has ${text.length} characters; the most Ringside reads is ${limits.fileCharacters}.`;
    problems.error("file-too-large", message, { ...start, place: { line: 0 } }, { start: 0, end: 1 });
    return false;
  }
  const line = lineBeyond(text, limits.lines);
  if (line) {
    problems.error("too-many-lines", tooManyLines, { ...start, place: { line } }, { start: 0, end: 1 });
    return false;
  }
  const nul = text.indexOf("\0");
  if (nul < 0) return true;
  const before = text.slice(0, nul).split(/\r\n|\n|\r/);
  const column = before.at(-1)!.length;
  const message = "There is a NUL byte here: this is not a text file.";
  const at = { start: column, end: column + 1 };
  problems.error("nul-byte", message, { ...start, place: { line: before.length - 1 } }, at);
  return false;
}
