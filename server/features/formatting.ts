import type { Position, TextEdit } from "vscode-languageserver";
import * as token from "../../assembler/tokens.ts";
import { splitLines } from "../words.ts";

/** Columns count from 0; letter case is that of instructions, registers and keywords. */
export interface Layout {
  readonly statementColumn: number;
  readonly commentColumn: number;
  readonly case: "keep" | "lower" | "upper";
}

export const defaultLayout: Layout = { statementColumn: 8, commentColumn: 40, case: "keep" };

/** Words that begin a statement of which only the meaning of the words counts, not how they are spaced. */
const heads = new Set<unknown>([
  token.Mnemonic,
  token.Prefix,
  token.Times,
  token.Data,
  token.Reserve,
  token.Equ,
  token.Align,
  token.ValueDirective,
]);

const keywords = new Set<unknown>([...heads, token.Register, token.OperandWord, token.AddressWord]);

type Tokens = ReturnType<typeof token.tokenize>;

/** Number of the tokens that make the label. */
function labelLength(tokens: Tokens): number {
  const [first, second] = tokens;
  if (!first || !/^[A-Za-z_.?@$]/.test(first.image)) return 0;
  if (second?.tokenType === token.Colon) return 2;
  const isName = first.tokenType === token.Name || first.tokenType === token.EscapedName;
  return isName && second && heads.has(second.tokenType) ? 1 : 0;
}

const cased = (text: string, how: Layout["case"]): string =>
  how === "lower" ? text.toLowerCase() : how === "upper" ? text.toUpperCase() : text;

/** The statement with one blank where there were some, a blank after each comma and none before it. */
function statementText(line: string, tokens: Tokens, { case: how }: Layout): string {
  if (!heads.has(tokens[0]!.tokenType)) return line.slice(tokens[0]!.startOffset, token.endOf(tokens.at(-1)!));
  let text = "";
  let end = tokens[0]!.startOffset;
  for (const one of tokens) {
    const isComma = one.tokenType === token.Comma;
    const hasBlank = one.startOffset > end;
    if (text.endsWith(",") || (hasBlank && !isComma)) text += " ";
    text += keywords.has(one.tokenType) ? cased(one.image, how) : one.image;
    end = token.endOf(one);
  }
  return text;
}

/** One line in its columns. Preprocessor lines, and what a macro may look at letter by letter, keep their text. */
export function formattedLine(line: string, layout: Layout): string {
  const trimmed = line.trimEnd();
  if (/^\s*(;|$)/.test(trimmed) || trimmed.includes("%") || trimmed.endsWith("\\")) return trimmed;
  const tokens = token.tokenize(line);
  const last = tokens.at(-1);
  if (!last || tokens.some(({ tokenType }) => tokenType === token.Unterminated || tokenType === token.Stray))
    return trimmed;
  const count = labelLength(tokens);
  const end = token.endOf(last);
  const comment = line.slice(end).trim();
  const label =
    count > 0 ? line.slice(tokens[0]!.startOffset, token.endOf(tokens[count - 1]!)).replace(/\s+:$/, ":") : "";
  const rest = tokens.slice(count);
  // A name alone is a label or a call of a macro.
  const statement = rest.length > 0 ? statementText(line, rest, layout) : "";
  const indented = isAtMargin(line, tokens, count) ? 0 : layout.statementColumn;
  const gap = label === "" ? " ".repeat(indented) : label.length < indented ? " ".repeat(indented - label.length) : " ";
  const written = statement === "" ? label : label + gap + statement;
  if (comment === "") return written;
  return written.length < layout.commentColumn
    ? written.padEnd(layout.commentColumn) + comment
    : `${written} ${comment}`;
}

/** What is an instruction for certain: it never stands at the margin. */
const code = new Set<unknown>([token.Mnemonic, token.Prefix]);

/** What is written at the margin without being an instruction stays there: `section`, `bits`, a call of a macro. */
const isAtMargin = (line: string, tokens: Tokens, labels: number): boolean =>
  labels === 0 && /^\S/.test(line) && !code.has(tokens[0]!.tokenType);

/** Whether a line goes on on the next one. */
const continues = (line: string | undefined): boolean => line?.endsWith("\\") === true;

/** The edits that bring some lines into their columns. */
export function formatLines(text: string, first: number, last: number, layout: Layout): TextEdit[] {
  const lines = splitLines(text);
  const edits: TextEdit[] = [];
  for (let line = first; line <= Math.min(last, lines.length - 1); line++) {
    const own = lines[line]!;
    if (continues(own) || continues(lines[line - 1])) continue;
    const newText = formattedLine(own, layout);
    if (newText === own) continue;
    const range = { start: { line, character: 0 }, end: { line, character: own.length } };
    edits.push({ range, newText });
  }
  return edits;
}

export const formatDocument = (text: string, layout: Layout): TextEdit[] =>
  formatLines(text, 0, splitLines(text).length - 1, layout);

/** After a line end: the line that was left, and where the new one begins. */
export function formatOnType(text: string, { line }: Position, layout: Layout): TextEdit[] {
  const lines = splitLines(text);
  const edits = formatLines(text, line - 1, line - 1, layout);
  const before = lines[line - 1]?.trim() ?? "";
  const startsBlank = (lines[line] ?? "").trim() === "";
  if (!startsBlank || before === "" || before.startsWith("%") || before.startsWith(";")) return edits;
  const range = { start: { line, character: 0 }, end: { line, character: lines[line]!.length } };
  const newText = " ".repeat(layout.statementColumn);
  return newText === lines[line] ? edits : [...edits, { range, newText }];
}
