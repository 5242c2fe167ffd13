import type { SemanticTokens, SemanticTokensDelta, SemanticTokensLegend } from "vscode-languageserver";
import type { Assembly } from "../../assembler/index.ts";
import { detached } from "../../assembler/line.ts";
import { Lines } from "../../assembler/text-change.ts";
import * as token from "../../assembler/tokens.ts";
import { isVirtualizationHole } from "../../isa/instruction.ts";
import { directiveOf, splitLines } from "../words.ts";

const types = [
  "keyword",
  "label",
  "variable",
  "macro",
  "parameter",
  "number",
  "string",
  "comment",
  "operator",
  "modifier",
  "directive",
  "register",
] as const;
const modifiers = ["declaration", "sensitive"] as const;
type Type = (typeof types)[number];

/** `sensitive` marks instructions that are sensitive but not privileged (Popek and Goldberg). */
export const legend: SemanticTokensLegend = { tokenTypes: [...types], tokenModifiers: [...modifiers] };

const typeNumber = Object.fromEntries(types.map((name, n) => [name, n])) as Record<Type, number>;
const declared = 1 << modifiers.indexOf("declaration");
const sensitive = 1 << modifiers.indexOf("sensitive");

/** Tokens of one line: start, length, type, modifiers of each. Lines of the same text share them. */
type LineTokens = readonly number[];

const typeOf: ReadonlyMap<unknown, Type> = new Map<unknown, Type>([
  [token.Mnemonic, "keyword"],
  [token.UnknownWord, "variable"],
  [token.Prefix, "modifier"],
  [token.OperandWord, "modifier"],
  [token.AddressWord, "modifier"],
  [token.Register, "register"],
  [token.Label, "label"],
  [token.Name, "variable"],
  [token.EscapedName, "variable"],
  [token.Digits, "number"],
  [token.Float, "number"],
  [token.Text, "string"],
  [token.MacroToken, "parameter"],
  ...[
    token.Times,
    token.Data,
    token.Reserve,
    token.Equ,
    token.Incbin,
    token.Absolute,
    token.Structure,
    token.EndStructure,
    token.Member,
    token.Dup,
    token.Align,
    token.ValueDirective,
    token.WordDirective,
  ].map((kind): [unknown, Type] => [kind, "directive"]),
]);

/** The tokens of a line by what is written in it; `macros` are names in lower case. */
function tokensOf(line: string, macros: ReadonlySet<string>, isSensitive: boolean): LineTokens {
  const out: number[] = [];
  const directive = directiveOf(line);
  let end = 0;
  if (directive !== undefined) {
    const at = line.indexOf("%");
    out.push(at, directive.length + 1, typeNumber.directive, 0);
    end = at + directive.length + 1;
  }
  const tokens = token.tokenize(line).filter((one) => one.startOffset >= end);
  for (const [n, one] of tokens.entries()) {
    const type = wordType(tokens, n, directive, macros);
    const from = one.startOffset;
    const to = token.endOf(one);
    end = Math.max(end, to);
    if (type === undefined) continue;
    const isDefinition = type === "label" || (directive !== undefined && n === 0 && /def|macro|assign/.test(directive));
    const marks = (isDefinition ? declared : 0) | (isSensitive && type === "keyword" ? sensitive : 0);
    out.push(from, to - from, typeNumber[type], marks);
  }
  const comment = line.indexOf(";", end);
  if (comment >= 0) out.push(comment, line.length - comment, typeNumber.comment, 0);
  return out;
}

function wordType(
  tokens: ReturnType<typeof token.tokenize>,
  n: number,
  directive: string | undefined,
  macros: ReadonlySet<string>,
): Type | undefined {
  const one = tokens[n]!;
  if (macros.has(one.image.toLowerCase())) return "macro";
  const isName = one.tokenType === token.Name || one.tokenType === token.EscapedName;
  const next = tokens[n + 1]?.tokenType;
  if (n === 0 && directive === undefined && isName && (next === token.Colon || startsStatement.has(next) || !next))
    return "label";
  return typeOf.get(one.tokenType);
}

const startsStatement = new Set<unknown>([
  token.Mnemonic,
  token.Data,
  token.Reserve,
  token.Equ,
  token.Times,
  token.Prefix,
  token.Incbin,
]);

/** The tokens of all lines of one version. */
interface Version {
  readonly id: string;
  readonly lines: readonly LineTokens[];
}

/** The tokens of a document, from version to version. */
export class DocumentTokens {
  #text: Lines | undefined;
  #lines: string[] = [];
  #base: LineTokens[] = [];
  #macros: ReadonlySet<string> = new Set();
  #shared = new Map<string, LineTokens>();
  #last: Version = { id: "", lines: [] };
  #count = 0;

  #of(line: string, isSensitive: boolean): LineTokens {
    const key = isSensitive ? `!${line}` : ` ${line}`;
    const known = this.#shared.get(key);
    if (known) return known;
    const made = tokensOf(line, this.#macros, isSensitive);
    this.#shared.set(key, made);
    return made;
  }

  /** Takes over what changed since the last version. */
  #read(text: string, macros: ReadonlySet<string>): void {
    const sameMacros = macros.size === this.#macros.size && [...macros].every((name) => this.#macros.has(name));
    const isCrowded = this.#shared.size > 2 * this.#lines.length + 1000;
    if (!this.#text || !sameMacros || isCrowded) {
      this.#macros = macros;
      this.#shared = new Map();
      this.#text = new Lines(text);
      this.#lines = splitLines(text);
      this.#base = this.#lines.map((line) => this.#of(line, false));
      return;
    }
    const change = this.#text.change(text);
    if (!change) return;
    const { first, removed } = change;
    const lines = change.lines.map(detached);
    const made = lines.map((line) => this.#of(line, false));
    this.#lines = [...this.#lines.slice(0, first), ...lines, ...this.#lines.slice(first + removed)];
    this.#base = [...this.#base.slice(0, first), ...made, ...this.#base.slice(first + removed)];
  }

  #version(uri: string, text: string, assembly: Assembly): Version {
    this.#read(text, new Set(assembly.macros.map(({ name }) => name.toLowerCase())));
    const lines = [...this.#base];
    for (const { range } of assembly.mentionsOf(isVirtualizationHole))
      if (range.file === uri && range.line < lines.length) lines[range.line] = this.#of(this.#lines[range.line]!, true);
    this.#last = { id: String(++this.#count), lines };
    return this.#last;
  }

  full(uri: string, text: string, assembly: Assembly): SemanticTokens {
    const { id, lines } = this.#version(uri, text, assembly);
    return { resultId: id, data: encoded(lines, 0, lines.length) };
  }

  /** Those of some lines. */
  range(uri: string, text: string, assembly: Assembly, first: number, last: number): SemanticTokens {
    const before = this.#last;
    const { lines } = this.#version(uri, text, assembly);
    // What a delta is asked against stays what was sent.
    this.#last = before;
    return { data: encoded(lines, first, Math.min(last + 1, lines.length)) };
  }

  /** What is different from the result with an id; all of it if that is not the last one. */
  delta(uri: string, text: string, assembly: Assembly, previous: string): SemanticTokens | SemanticTokensDelta {
    const before = this.#last;
    if (before.id !== previous || before.id === "") return this.full(uri, text, assembly);
    const { id, lines } = this.#version(uri, text, assembly);
    const edit = difference(before.lines, lines);
    return { resultId: id, edits: edit ? [edit] : [] };
  }
}

/** Five numbers a token; lines and columns count from the token before (LSP, semantic tokens). */
function encoded(lines: readonly LineTokens[], first: number, end: number, from = 0): number[] {
  const data: number[] = [];
  let line = from;
  for (let n = first; n < end; n++) {
    const tokens = lines[n]!;
    let column = 0;
    for (let at = 0; at < tokens.length; at += 4) {
      data.push(n - line, tokens[at]! - column, tokens[at + 1]!, tokens[at + 2]!, tokens[at + 3]!);
      line = n;
      column = tokens[at]!;
    }
  }
  return data;
}

const numbersIn = (lines: readonly LineTokens[], first: number, end: number): number => {
  let count = 0;
  for (let n = first; n < end; n++) count += lines[n]!.length;
  return (count / 4) * 5;
};

/** The last line before `end` that has tokens; 0 if there is none, for the first token counts from line 0. */
function lineBefore(lines: readonly LineTokens[], end: number): number {
  for (let n = end - 1; n >= 0; n--) if (lines[n]!.length > 0) return n;
  return 0;
}

/** Lines of the same tokens at the beginning and the end are left out; the first token after the edit counts from another line. */
function difference(
  old: readonly LineTokens[],
  now: readonly LineTokens[],
): { start: number; deleteCount: number; data: number[] } | undefined {
  const shorter = Math.min(old.length, now.length);
  let first = 0;
  while (first < shorter && old[first] === now[first]) first++;
  if (first === old.length && first === now.length) return undefined;
  let same = 0;
  while (same < shorter - first && old[old.length - 1 - same] === now[now.length - 1 - same]) same++;
  // The next line with tokens counts from what is before it.
  while (same > 0 && now[now.length - same]!.length === 0) same--;
  if (same > 0) same--;
  const [oldEnd, nowEnd] = [old.length - same, now.length - same];
  const start = numbersIn(old, 0, first);
  const data = encoded(now, first, nowEnd, lineBefore(now, first));
  return { start, deleteCount: numbersIn(old, first, oldEnd), data };
}
