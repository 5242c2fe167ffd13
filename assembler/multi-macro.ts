import type { IToken } from "chevrotain";
import type { Range } from "./interface.ts";
import { tokensText } from "./macro.ts";
import type { SourceLine } from "./source.ts";
import * as token from "./tokens.ts";

/** How many parameters a multi-line macro takes. */
export interface Arity {
  readonly least: number;
  /** Infinity for `1-*`. */
  readonly most: number;
  /** The last parameter takes what is left, commas included: `1+`. */
  readonly greedy: boolean;
}

/** A multi-line macro: `%macro NAME 1-3+ default, default` to `%endmacro`. */
export interface MultiMacro extends Arity {
  readonly name: string;
  readonly anyCase: boolean;
  /** Of the parameters after the `least` first. */
  readonly defaults: readonly string[];
  readonly body: readonly SourceLine[];
  /** The body speaks of `%00`, so the label before a call is not defined by the call. */
  readonly takesLabel: boolean;
  /** May be expanded inside itself: `%rmacro`. */
  readonly recursive: boolean;
  /** Where its name is written; undefined for those of packages. */
  readonly range: Range | undefined;
}

/** One call of a macro while it is expanded. */
export interface Invocation {
  readonly macro: MultiMacro;
  /** As the call writes it: `%?`. */
  readonly called: string;
  readonly parameters: readonly string[];
  /** `%00`. */
  readonly label: string;
  /** Makes `%%` labels differ from those of any other call. */
  readonly unique: number;
  /** Places by which `%rotate` has moved the parameters. */
  rotation: number;
}

const isPlain = (t: IToken | undefined, image: string): boolean => t?.image === image;

/** Reads `2`, `1-3`, `0-*` or `1+` at the start of the tokens; undefined if there is none. `used` tokens make it up. */
export function arityOf(tokens: readonly IToken[]): (Arity & { readonly used: number }) | undefined {
  const [first, dash, last] = tokens;
  if (!first || !/^\d+$/.test(first.image)) return undefined;
  let used = 1;
  const least = Number(first.image);
  let most = least;
  if (isPlain(dash, "-")) {
    if (isPlain(last, "*")) most = Number.POSITIVE_INFINITY;
    else if (last && /^\d+$/.test(last.image)) most = Number(last.image);
    else return undefined;
    used = 3;
  }
  const greedy = isPlain(tokens[used], "+");
  if (greedy) used++;
  return least <= most && least <= 10_000 ? { least, most, greedy, used } : undefined;
}

/**
 * The texts between commas, without an empty one after the last comma; a part in braces may have commas of its own, and
 * blanks at its ends, and loses the braces.
 */
export function splitArguments(tokens: readonly IToken[]): string[] {
  const parts: string[] = [];
  for (let at = 0; at < tokens.length; ) {
    const end = endOfArgument(tokens, at);
    parts.push(argumentText(tokens.slice(at, end)));
    at = end + 1;
  }
  return parts;
}

/** What stands behind the braces of an argument, where braces must enclose all of it. */
export function behindBraces(tokens: readonly IToken[]): IToken | undefined {
  for (let at = 0; at < tokens.length; ) {
    const end = endOfArgument(tokens, at);
    const close = isPlain(tokens[at], "{") ? closingBrace(tokens, at) : -1;
    if (close >= 0 && close + 1 < end) return tokens[close + 1];
    at = end + 1;
  }
  return undefined;
}

function closingBrace(tokens: readonly IToken[], open: number): number {
  let depth = 0;
  return tokens.findIndex(({ image }, n) => {
    if (n >= open && image === "{") depth++;
    return n >= open && image === "}" && --depth === 0;
  });
}

/** Index of the comma after the argument that begins at `start`, or of the end. */
function endOfArgument(tokens: readonly IToken[], start: number): number {
  let depth = 0;
  let at = start;
  const braced = isPlain(tokens[start], "{");
  for (; at < tokens.length; at++) {
    const t = tokens[at]!;
    if (braced && t.image === "{") depth++;
    else if (depth > 0 && t.image === "}") depth--;
    else if (depth === 0 && t.tokenType === token.Comma) break;
  }
  return at;
}

function argumentText(tokens: readonly IToken[]): string {
  if (!isPlain(tokens[0], "{")) return tokensText(tokens);
  const close = tokens.findLastIndex((t) => t.image === "}");
  const inner = close < 0 ? tokens.slice(1) : tokens.slice(1, close);
  const before = inner[0]?.payload ? " " : "";
  const after = close > 0 && tokens[close]!.payload ? " " : "";
  return before + tokensText(inner) + after;
}

const overlap = (a: Arity, b: Arity): boolean => (a.least <= b.most || b.greedy) && (b.least <= a.most || a.greedy);

const accepts = ({ least, most, greedy }: Arity, count: number): boolean => least <= count && (greedy || count <= most);

/** The multi-line macros in force; the latest of a name comes first. */
export class MultiMacroTable {
  private readonly ever = new Set<string>();
  private readonly exact = new Map<string, MultiMacro[]>();
  private readonly anyCase = new Map<string, MultiMacro[]>();

  get size(): number {
    return this.exact.size + this.anyCase.size;
  }

  find(name: string): readonly MultiMacro[] {
    const exact = this.exact.get(name) ?? [];
    const any = this.anyCase.size > 0 ? (this.anyCase.get(name.toLowerCase()) ?? []) : [];
    return any.length === 0 ? exact : [...exact, ...any];
  }

  /** The word is or was the name of a macro somewhere. */
  wasDefined(word: string): boolean {
    return this.ever.has(word.toLowerCase());
  }

  define(macro: MultiMacro): void {
    this.ever.add(macro.name.toLowerCase());
    const [map, key] = macro.anyCase ? [this.anyCase, macro.name.toLowerCase()] : [this.exact, macro.name];
    map.set(key, [macro, ...(map.get(key) ?? [])]);
  }

  /** Forgets the macros of exactly this arity; those for any letter case, or those for one only. */
  undefine(name: string, { least, most, greedy }: Arity, anyCase: boolean): void {
    const [map, key] = anyCase ? [this.anyCase, name.toLowerCase()] : [this.exact, name];
    const left = (map.get(key) ?? []).filter(
      (macro) => macro.least !== least || macro.most !== most || macro.greedy !== greedy,
    );
    if (left.length > 0) map.set(key, left);
    else map.delete(key);
  }

  clear(): void {
    this.exact.clear();
    this.anyCase.clear();
  }

  /** True if there is a macro that some call of the arity could mean; any arity if none is given. */
  has(name: string, arity: Arity | undefined): boolean {
    return this.find(name).some((macro) => macro.name === name && (!arity || overlap(macro, arity)));
  }
}

/** The macro among those of a name that takes the arguments, and its parameters; undefined if none does. */
export function chooseMacro(
  candidates: readonly MultiMacro[],
  tokens: readonly IToken[],
): { readonly macro: MultiMacro; readonly parameters: readonly string[] } | undefined {
  const parts = splitArguments(tokens);
  // An empty argument after a last comma counts in the choice, if that leads to one, and is then dropped.
  const counted = tokens.at(-1)?.tokenType === token.Comma ? parts.length + 1 : parts.length;
  const macro =
    candidates.find((candidate) => accepts(candidate, counted)) ??
    candidates.find((candidate) => accepts(candidate, parts.length));
  if (!macro) return undefined;
  const given = macro.greedy ? greedyTexts(tokens, parts, macro.most) : [...parts];
  const { least, defaults } = macro;
  while (given.length >= least && given.length < least + defaults.length) given.push(defaults[given.length - least]!);
  return { macro, parameters: given };
}

/** The arguments' texts, the last of `most` holding all that is left. */
export function greedyTexts(tokens: readonly IToken[], parts: readonly string[], most: number): string[] {
  const given = [...parts];
  if (parts.length <= most || most === 0) return given;
  const last = tokens.at(-1)?.tokenType === token.Comma ? tokens.length - 1 : tokens.length;
  const rest = tokens.slice(startOfArgument(tokens, most - 1), last);
  // In nasm 2.16, what begins with a brace ends with it, and the rest of the line is lost.
  given.splice(most - 1, given.length, isPlain(rest[0], "{") ? parts[most - 1]! : tokensText(rest));
  return given;
}

/** Index of the first token of the argument with that number, counted from 0. */
function startOfArgument(tokens: readonly IToken[], number: number): number {
  let at = 0;
  for (let n = 0; n < number; n++) at = endOfArgument(tokens, at) + 1;
  return at;
}

/** The parameter `%n` with what `%rotate` did; empty if there is none. */
export function parameter({ parameters, rotation }: Invocation, n: number): string {
  const count = parameters.length;
  if (count === 0 || n < 1 || n > count) return "";
  return parameters[(((n - 1 + rotation) % count) + count) % count]!;
}
