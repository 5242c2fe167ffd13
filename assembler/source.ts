import type { Range } from "./interface.ts";
import type { Span } from "./tree.ts";

/** A file being read. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** A logical line: one physical line, or several joined by a backslash at their ends. */
export interface SourceLine {
  readonly file: string;
  /** 0-based. */
  readonly line: number;
  readonly text: string;
  /** Start columns in `text` of the physical lines after the first, if it was joined. */
  readonly joints: readonly number[] | undefined;
}

/** The logical lines of a file, in order. Line ends are LF, CRLF or CR. */
export function* logicalLines({ file, text }: SourceFile): Generator<SourceLine> {
  const lines = text.split(/\r\n|\n|\r/);
  for (let n = 0; n < lines.length; n++) {
    const line = n;
    const first = lines[n]!;
    if (!first.endsWith("\\")) {
      yield { file, line, text: first, joints: undefined };
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
    yield { file, line, text: parts.join(""), joints };
  }
}

/** Where a span of a logical line is in its file. A span over a joint keeps to the line it begins on. */
export function rangeOf({ file, line, joints }: SourceLine, { start, end }: Span): Range {
  if (!joints) return { file, line, start, end };
  const before = joints.filter((joint) => joint <= start);
  const base = before.at(-1) ?? 0;
  const limit = joints[before.length] ?? Number.POSITIVE_INFINITY;
  return { file, line: line + before.length, start: start - base, end: Math.min(end, limit) - base };
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
function closingQuote(text: string, start: number): number {
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
