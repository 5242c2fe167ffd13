import type { IToken, TokenType } from "chevrotain";
import { builtin } from "./builtin.ts";
import { limits } from "./limits.ts";
import { blank, symbolName } from "./operand-parser.ts";
import { LineParser } from "./parser.ts";
import * as token from "./tokens.ts";
import { endOf, retype, tokenize } from "./tokens.ts";
import type { DeclaredName, LineProblem, LineTree, Word } from "./tree.ts";
import { unsupportedWords } from "./words.ts";

/** Words that may start what follows a label. */
const heads = new Set([
  token.Mnemonic,
  token.Data,
  token.Reserve,
  token.Equ,
  token.Times,
  token.Prefix,
  token.Align,
  token.ValueDirective,
  token.WordDirective,
  token.Incbin,
]);

/** Words that mean something at the head of a line only, and are free names elsewhere. */
const headWords: ReadonlyMap<string, TokenType> = new Map([
  ["absolute", token.Absolute],
  ["struc", token.Structure],
  ["istruc", token.Structure],
  ["endstruc", token.EndStructure],
  ["iend", token.EndStructure],
  ["at", token.Member],
]);

/** Gives the word at `head` its type there; the `dup` of data too. */
function retypeHead(tokens: readonly IToken[], head: number): void {
  const at = tokens[head]?.tokenType === token.OpenBracket ? head + 1 : head;
  const first = tokens[at];
  if (!first) return;
  const type = first.tokenType === token.Name ? headWords.get(first.image.toLowerCase()) : undefined;
  const next = tokens[at + 1]?.tokenType;
  if (type && next !== token.Colon && next !== token.Equ) retype(first, type);
  if (first.tokenType === token.Data || tokens.some((t) => t.tokenType === token.Data))
    for (const t of tokens) if (t.tokenType === token.Name && t.image.toLowerCase() === "dup") retype(t, token.Dup);
}

const isName = (t: IToken): boolean => t.tokenType === token.Name || t.tokenType === token.EscapedName;
const segmentRegister = /^[c-gs]s$/i;
const reservedRegister = /^([xyz]mm|k|tr|st|bnd|tmm|segr)\d+$|^(seg|wrt)$/i;

/** Instructions and data words can be labels, if a colon follows; registers and the words around operands cannot. */
function mayBeLabel(t: IToken): boolean {
  const word = t.image.toLowerCase();
  if (t.tokenType === token.UnknownWord) return !reservedRegister.test(word);
  if (t.tokenType === token.Name) return !unsupportedWords.has(word);
  return instructionWords.has(t.tokenType) || t.tokenType === token.EscapedName;
}
const instructionWords = new Set([token.Mnemonic, token.Data, token.Reserve, token.Equ]);

/** A name at the start of a line is a label, or an instruction that does not exist. */
function isLabel([first, second, third]: readonly IToken[]): boolean {
  if (!first || !second)
    return first !== undefined && isName(first) && !unsupportedWords.has(first.image.toLowerCase());
  if (second.tokenType === token.Colon) return /^[A-Za-z_.@?$]/.test(first.image);
  if (!isName(first)) return false;
  if (heads.has(second.tokenType) || second.tokenType === token.UnknownWord) return true;
  if (unsupportedWords.has(second.image.toLowerCase())) return true;
  if (!third) return false;
  if (segmentRegister.test(second.image)) return third.tokenType === token.Mnemonic;
  // Two names in a row: the second may be a mistyped instruction, if an operand follows it.
  return second.tokenType === token.Name && operandStarts.has(third.tokenType);
}
const operandStarts = new Set([
  token.Register,
  token.Digits,
  token.Name,
  token.EscapedName,
  token.Text,
  token.OpenBracket,
  token.OperandWord,
]);

function tooDeep(tokens: readonly IToken[]): IToken | undefined {
  let depth = 0;
  let signs = 0;
  let questions = 0;
  for (const t of tokens) {
    const type = t.tokenType;
    if (type === token.Open || type === token.OpenBracket) depth++;
    else if (type === token.Close || type === token.CloseBracket) depth--;
    else if (type === token.Question) questions++;
    signs = type === token.PlusMinus || type === token.Complement ? signs + 1 : 0;
    if (depth > limits.expressionDepth || signs > limits.expressionDepth || questions > limits.expressionDepth)
      return t;
  }
  return undefined;
}

const parser = new LineParser();
const nothing: LineTree = { ...blank(), start: 0, end: 0 };

/** Words that say what a symbol is in an object file. */
const symbolWords = new Set("function data object notype weak strong default internal hidden protected".split(" "));
const declarationWords = new Set("global extern static common required".split(" "));
const optionWords = new Set("cpu float sectalign alignmode osabi warning list map debug".split(" "));
/** Options that nasm knows in square brackets only. */
const bracketed = new Set("alignmode osabi warning list map debug".split(" "));

/** The tree of `global`, `cpu` and the like, whose arguments are no operands; undefined for all else. */
function freeStatement(all: readonly IToken[]): Omit<LineTree, "start" | "end"> | undefined {
  const inBrackets = all[0]?.tokenType === token.OpenBracket && all.at(-1)?.tokenType === token.CloseBracket;
  const at = inBrackets ? 1 : 0;
  // Instructions and data are the most of a program.
  if (all[at]?.tokenType === token.Mnemonic || all[at]?.tokenType === token.Data) return undefined;
  const [head, ...rest] = inBrackets ? all.slice(1, -1) : all;
  if (!head || rest[0]?.tokenType === token.Colon || rest[0]?.tokenType === token.Equ) return undefined;
  const word = wordOf(head, head.image.toLowerCase());
  if (optionWords.has(word.text) && (inBrackets || !bracketed.has(word.text)) && rest.length > 0)
    return option(word, rest);
  return declarationWords.has(word.text) ? declaration(word, rest) : undefined;
}

function option(word: Word, rest: readonly IToken[]): Omit<LineTree, "start" | "end"> {
  const words = rest.map((t) => wordOf(t, t.image));
  const isSwitch = /^o(n|ff)$/i.test(words[0]!.text);
  const values = /^(sectalign|osabi)$/.test(word.text) && !isSwitch ? sizeOf(rest[0]!, rest) : undefined;
  return { ...nothing, statement: { kind: "option", word, words, values }, problems: values?.problems ?? [] };
}

const wordOf = (t: IToken, text: string) => ({ text, start: t.startOffset, end: endOf(t) });

function declaration(word: Word, rest: readonly IToken[]): Omit<LineTree, "start" | "end"> {
  const names: DeclaredName[] = [];
  const problems: LineProblem[] = [];
  for (const group of groupsOf(rest)) {
    const [name, ...more] = group;
    if (!name || !/^[A-Za-z_.?@$]/.test(name.image)) {
      const message = `“${word.text}” is followed by names with commas between them.`;
      problems.push({ code: "bad-directive", severity: "error", message, start: word.start, end: word.end });
      break;
    }
    const colon = more.findIndex((t) => t.tokenType === token.Colon);
    const size = colon < 0 ? more : more.slice(0, colon);
    const behind = colon < 0 ? [] : more.slice(colon + 1);
    const first = behind.findIndex((t) => !symbolWords.has(t.image.toLowerCase()));
    const [attributes, rest] =
      word.text === "common"
        ? [[], commonBoundary(behind)]
        : first < 0
          ? [behind, []]
          : [behind.slice(0, first), behind.slice(first)];
    names.push({
      ...wordOf(name, name.image.replace(/^\$/, "")),
      attributes: attributes.map((t) => wordOf(t, t.image.toLowerCase())),
      size: size.length > 0 ? sizeOf(name, size) : undefined,
      extent: rest.length > 0 ? sizeOf(name, rest) : undefined,
    });
    problems.push(...names.flatMap(({ extent }) => extent?.problems ?? []));
  }
  return { ...nothing, statement: { kind: "declaration", word, names }, problems };
}

/** After the boundary, nasm reads no further. */
function commonBoundary(tokens: readonly IToken[]): readonly IToken[] {
  const colon = tokens.findIndex((t) => t.tokenType === token.Colon);
  return colon < 0 ? tokens : tokens.slice(0, colon);
}

const labelOf = (t: IToken) => ({ text: symbolName(t), start: t.startOffset, end: endOf(t), colon: true });

/** Tokens between commas. */
function groupsOf(tokens: readonly IToken[]): IToken[][] {
  const groups: IToken[][] = [[]];
  for (const t of tokens) {
    if (t.tokenType === token.Comma) groups.push([]);
    else groups.at(-1)!.push(t);
  }
  return groups;
}

/** An expression by itself is read as the count of a `times`. */
function sizeOf(before: IToken, tokens: readonly IToken[]): LineTree {
  const [times] = tokenize("times");
  const at = { startOffset: before.startOffset, endOffset: endOf(before) - 1 };
  const span = { start: tokens[0]!.startOffset, end: endOf(tokens.at(-1)!) };
  return { ...parser.read([{ ...times!, ...at }, ...tokens]), ...span };
}

/** The name of a section is all that stands together after the word: `.note.GNU-stack`. */
function withSectionName(tokens: IToken[]): IToken[] {
  // The word is first, or behind a bracket or a label.
  const at = [0, 1, 2].find((n) => tokens[n]?.tokenType === token.WordDirective);
  const name = at === undefined ? undefined : tokens[at + 1];
  if (at === undefined || !name || !wordLike(name) || !/^se(ction|gment)$/i.test(tokens[at]!.image)) return tokens;
  return withName(tokens, at + 1, name);
}

function withName(tokens: IToken[], at: number, name: IToken): IToken[] {
  let end = at + 1;
  while (end < tokens.length && isAdjacent(tokens[end]!, tokens[end - 1]!)) end++;
  if (end === at + 1) return tokens;
  const parts = tokens.slice(at, end);
  const whole = { ...name, image: parts.map(({ image }) => image).join(""), endOffset: endOf(parts.at(-1)!) - 1 };
  retype(whole, token.Name);
  return [...tokens.slice(0, at), whole, ...tokens.slice(end)];
}

/** No blank between them, and no bracket, colon or comma. Tokens of macros know whether there is a blank before them. */
const isAdjacent = (t: IToken, before: IToken): boolean =>
  !/^[[\]:,]$/.test(t.image) && (typeof t.payload === "boolean" ? !t.payload : t.startOffset === endOf(before));

/** The tree of a line's tokens. Their types may be changed by it. */
export function parseTokens(written: IToken[]): LineTree {
  const tokens = withSectionName(written);
  const [first] = tokens;
  if (!first) return nothing;
  const span = { start: first.startOffset, end: endOf(tokens.at(-1)!) };
  const deep = tooDeep(tokens);
  if (deep) {
    const message = `The expression is nested deeper than ${limits.expressionDepth} levels; name parts of it with equ.`;
    const at = { start: deep.startOffset, end: endOf(deep) };
    return { ...nothing, ...span, problems: [{ code: "nested-too-deeply", severity: "error", message, ...at }] };
  }
  const problems: LineProblem[] = [];
  const isLabelled = tokens[1]?.tokenType === token.Colon && mayBeLabel(first);
  const free = freeStatement(isLabelled ? tokens.slice(2) : tokens);
  if (free) return { ...free, ...(isLabelled && { label: labelOf(first) }), ...span };
  const labelled = isLabel(tokens) && !(headWords.has(first.image.toLowerCase()) && isHeadAlone(tokens));
  if (labelled) {
    if (!mayBeLabel(first)) {
      const message = `“${first.image}” is a reserved word and cannot be a label; write $${first.image}.`;
      const at = { start: first.startOffset, end: endOf(first) };
      problems.push({ code: "reserved-word", severity: "error", message, ...at });
    }
    retype(first, token.Label);
  }
  retypeHead(tokens, labelled ? (tokens[1]?.tokenType === token.Colon ? 2 : 1) : 0);
  return { ...parser.read(tokens, problems), ...span };
}

/** A head word is no label unless something says so. */
const isHeadAlone = ([, second]: readonly IToken[]): boolean =>
  second?.tokenType !== token.Colon && second?.tokenType !== token.Equ;

/** A line of source with what can be known of it without its surroundings. */
export interface ParsedLine {
  readonly tree: LineTree;
  /** The words that a single-line macro could replace. */
  readonly words: readonly string[];
  readonly hasBuiltin: boolean;
  /** Places of the tokens that may call a multi-line macro: the first, or the first after a label. */
  readonly heads: readonly string[];
}

/** Indices of the tokens that may call a multi-line macro: the first, and the first after a label. */
export function headsOf(tokens: readonly IToken[]): number[] {
  const [first, second] = tokens;
  if (!first || !(wordLike(first) || first.tokenType === token.Label)) return [];
  const next = second?.tokenType === token.Colon ? 2 : 1;
  return tokens[next] && wordLike(tokens[next]) ? [0, next] : [0];
}

/** Most lines of a program recur, and after an edit all but one do: one parse per text. */
const cache = new Map<string, ParsedLine>();
/** Entries and characters kept; then the cache starts over. */
const capacity = { entries: 200_000, characters: 20_000_000 };
let characters = 0;

/** A copy of its own. A line cut out of a text would keep the whole text in memory, one for each version of a file. */
export const detached = (text: string): string => ` ${text}`.slice(1);

export function parseLine(line: string): ParsedLine {
  const known = cache.get(line);
  if (known) return known;
  const text = detached(line);
  const tokens = tokenize(text);
  const words: string[] = [];
  for (const t of tokens) if (wordLike(t)) words.push(t.image);
  const parsed = {
    tree: parseTokens(tokens),
    words,
    heads: headsOf(tokens).map((at) => tokens[at]!.image),
    hasBuiltin: words.some((word) => builtin(word) !== undefined),
  };
  characters += text.length;
  if (cache.size >= capacity.entries || characters > capacity.characters) {
    cache.clear();
    characters = text.length;
  }
  cache.set(text, parsed);
  return parsed;
}

const lexedOnly = new Set<unknown>([
  token.Digits,
  token.Comma,
  token.OpenBracket,
  token.CloseBracket,
  token.PlusMinus,
  token.Colon,
  token.Text,
  token.Infix,
  token.Open,
  token.Close,
  token.Here,
  token.SectionStart,
]);

/** Any word may be a macro's name, keywords included. */
export const wordLike = (t: IToken): boolean => !lexedOnly.has(t.tokenType) && /^[A-Za-z_?.@]/.test(t.image);
