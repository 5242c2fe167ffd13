import type { MacroCall, Range } from "./interface.ts";
import type { Span } from "./tree.ts";

/** A file being read. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** Where a line is in its file. Everything made of the line shares the object, for an edit above it moves them all. */
export interface LinePlace {
  /** 0-based. */
  line: number;
}

/** A logical line: one physical line, or several joined by a backslash at their ends. */
export interface SourceLine {
  readonly file: string;
  readonly place: LinePlace;
  readonly text: string;
  /** Start columns in `text` of the physical lines after the first, if it was joined. */
  readonly joints: readonly number[] | undefined;
  /** What a macro put into `text`, in order; columns of everything else are those of the line as written. */
  readonly pieces?: readonly Piece[];
  /** The call of the macro whose body this line is from. */
  readonly expansion?: MacroCall | undefined;
}

/** A part of a line that stands for something shorter or longer in the file: `%1`. */
export interface Piece {
  readonly at: number;
  readonly length: number;
  /** Column and length as written. */
  readonly from: number;
  readonly fromLength: number;
}

/** One call of a multi-line macro. */
export class CallSite implements MacroCall {
  readonly macro: string;
  private readonly source: SourceLine;
  private readonly span: Span;

  constructor(macro: string, source: SourceLine, span: Span) {
    this.macro = macro;
    this.source = source;
    this.span = span;
  }
  get range(): Range {
    return rangeOf(this.source, this.span);
  }
  get outer(): MacroCall | undefined {
    return this.source.expansion;
  }
}

/** The logical lines of a file, in order. Line ends are LF, CRLF or CR. */
export function* logicalLines({ file, text }: SourceFile): Generator<SourceLine> {
  const lines = text.split(/\r\n|\n|\r/);
  for (let n = 0; n < lines.length; n++) {
    const place = { line: n };
    const first = lines[n]!;
    if (!first.endsWith("\\")) {
      yield { file, place, text: first, joints: undefined };
      continue;
    }
    const parts = [first];
    const joints: number[] = [];
    let length = 0;
    while (parts.at(-1)!.endsWith("\\") && n + 1 < lines.length) {
      parts.push(parts.pop()!.slice(0, -1));
      length += parts.at(-1)!.length;
      joints.push(length);
      parts.push(lines[++n]!);
    }
    yield { file, place, text: parts.join(""), joints };
  }
}

/** Where a span of a logical line is in its file. A span over a joint keeps to the line it begins on. */
export function rangeOf({ file, place: { line }, joints, pieces }: SourceLine, span: Span): Range {
  const { start, end } = pieces ? asWritten(pieces, span) : span;
  if (!joints) return { file, line, start, end };
  const before = joints.filter((joint) => joint <= start);
  const base = before.at(-1) ?? 0;
  const limit = joints[before.length] ?? Number.POSITIVE_INFINITY;
  return { file, line: line + before.length, start: start - base, end: Math.min(end, limit) - base };
}

/** The span in the line as written; what a macro put there is the word that stands for it. */
function asWritten(pieces: readonly Piece[], { start, end }: Span): Span {
  let [from, to] = [start, end];
  for (const { at, length, from: column, fromLength } of pieces) {
    const after = at + length;
    if (start >= after) from = start - after + column + fromLength;
    else if (start >= at) from = column;
    if (end >= after) to = end - after + column + fromLength;
    else if (end > at) to = column + fromLength;
  }
  return { start: from, end: Math.max(from, to) };
}

/** The text without a comment; a semicolon in quotes starts none, unless the quotes are not closed. */
export function withoutComment(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === ";") return text.slice(0, at);
    if (character !== "'" && character !== '"' && character !== "`") continue;
    const end = closingQuote(text, at);
    if (end > 0) at = end;
  }
  return text;
}

/** Where the quote opened at `start` is closed; -1 if nowhere. A backslash escapes in backquotes only. */
export function closingQuote(text: string, start: number): number {
  const quote = text[start]!;
  let end = text.indexOf(quote, start + 1);
  while (quote === "`" && end > 0 && isEscaped(text, end)) end = text.indexOf(quote, end + 1);
  return end;
}

/** An odd number of backslashes stands before. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === "\\") start--;
  return (at - start) % 2 === 1;
}
