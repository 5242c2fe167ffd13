import { type FoldingRange, FoldingRangeKind } from "vscode-languageserver";
import { directiveOf, splitLines } from "../words.ts";

/** What opens a block, and what closes it. `%else` closes one part and opens the next. */
const blockOf: Readonly<Record<string, { readonly kind: "macro" | "rep" | "if" | "struc"; readonly opens: boolean }>> =
  {
    macro: { kind: "macro", opens: true },
    imacro: { kind: "macro", opens: true },
    rmacro: { kind: "macro", opens: true },
    irmacro: { kind: "macro", opens: true },
    endmacro: { kind: "macro", opens: false },
    endm: { kind: "macro", opens: false },
    rep: { kind: "rep", opens: true },
    endrep: { kind: "rep", opens: false },
    endif: { kind: "if", opens: false },
  };

interface Open {
  readonly kind: string;
  readonly line: number;
}

const isGlobalLabel = (line: string): boolean => /^[A-Za-z_?@][\w$#@~.?]*:/.test(line);
const isComment = (line: string): boolean => /^\s*;/.test(line);

/** Blocks of directives and structures. */
function* blocks(lines: readonly string[]): Generator<FoldingRange> {
  const open: Open[] = [];
  for (const [line, text] of lines.entries()) {
    const name = directiveOf(text) ?? structureWord(text);
    if (name === undefined) continue;
    const known = blockOf[name] ?? conditional(name) ?? structure(name);
    if (!known) continue;
    if (known.opens) open.push({ kind: known.kind, line });
    else {
      const at = open.findLastIndex(({ kind }) => kind === known.kind);
      if (at < 0) continue;
      const [begin] = open.splice(at);
      if (line - 1 > begin!.line) yield { startLine: begin!.line, endLine: line - 1 };
      if (/^(else|elif)/.test(name)) open.push({ kind: "if", line });
    }
  }
}

const conditional = (name: string) =>
  name.startsWith("if")
    ? { kind: "if", opens: true }
    : /^(else|elif)/.test(name)
      ? { kind: "if", opens: false }
      : undefined;

const structureWord = (line: string): string | undefined =>
  /^\s*(struc|istruc|endstruc|iend)\b/i.exec(line)?.[1]?.toLowerCase();
const structure = (name: string) =>
  /^i?struc$/.test(name)
    ? { kind: "struc", opens: true }
    : /^(endstruc|iend)$/.test(name)
      ? { kind: "struc", opens: false }
      : undefined;

/** From a global label to the line before the next; blank lines and comments before that belong to the next. */
function* routines(lines: readonly string[]): Generator<FoldingRange> {
  let begin: number | undefined;
  const until = (end: number): number => {
    let last = end;
    while (last > 0 && (lines[last]!.trim() === "" || isComment(lines[last]!))) last--;
    return last;
  };
  for (const [line, text] of lines.entries()) {
    if (!isGlobalLabel(text)) continue;
    if (begin !== undefined && until(line - 1) > begin) yield { startLine: begin, endLine: until(line - 1) };
    begin = line;
  }
  const last = until(lines.length - 1);
  if (begin !== undefined && last > begin) yield { startLine: begin, endLine: last };
}

/** Two or more lines of comments. */
function* comments(lines: readonly string[]): Generator<FoldingRange> {
  let begin: number | undefined;
  for (let line = 0; line <= lines.length; line++) {
    const inside = line < lines.length && isComment(lines[line]!);
    if (inside) begin ??= line;
    else if (begin !== undefined) {
      if (line - 1 > begin) yield { startLine: begin, endLine: line - 1, kind: FoldingRangeKind.Comment };
      begin = undefined;
    }
  }
}

/** What can be folded: macros, repetitions, conditionals, structures, what a global label begins, comments. */
export function foldingRanges(text: string): FoldingRange[] {
  const lines = splitLines(text);
  return [...blocks(lines), ...routines(lines), ...comments(lines)].sort((a, b) => a.startLine - b.startLine);
}
