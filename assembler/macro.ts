import type { IToken } from "chevrotain";
import type { Range } from "./interface.ts";
import { limits } from "./limits.ts";
import { wordLike } from "./line.ts";
import { MacroHistory } from "./macro-history.ts";
import { argumentsAt, joinedFrom, type Parameter, unbraced, type WrittenArgument } from "./macro-parameters.ts";
import { bytesOf, quoted } from "./quote.ts";
import * as token from "./tokens.ts";
import { endOf, retype, tokenize } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** A single-line macro: `%define NAME body`, `%define NAME(a, b) body`. */
export interface Macro {
  readonly name: string;
  /** Undefined: taken without parentheses. */
  readonly parameters: readonly Parameter[] | undefined;
  /** The last parameter takes what is left, commas included. */
  readonly greedy: boolean;
  readonly body: readonly IToken[];
  readonly anyCase: boolean;
  /** `%defalias`: definitions of this name are definitions of the name in the body. */
  readonly alias: boolean;
  readonly range: Range | undefined;
}

/** A macro that is taken without parentheses. */
export const plainMacro = (
  name: string,
  body: readonly IToken[],
  more: Partial<Pick<Macro, "anyCase" | "alias" | "range">> = {},
): Macro => ({
  name,
  body,
  parameters: undefined,
  greedy: false,
  anyCase: false,
  alias: false,
  range: undefined,
  ...more,
});

/** An expansion that went wrong. */
export interface ExpansionFault extends Span {
  readonly code: string;
  readonly message: string;
}

/** The single-line macros in force. */
export class MacroTable {
  readonly history = new MacroHistory();
  private readonly exact = new Map<string, Macro[]>();
  private readonly anyCase = new Map<string, Macro[]>();

  get size(): number {
    return this.exact.size + this.anyCase.size;
  }

  find(name: string): readonly Macro[] | undefined {
    this.history.ask(name);
    return this.exact.get(name) ?? (this.anyCase.size > 0 ? this.anyCase.get(name.toLowerCase()) : undefined);
  }

  /**
   * Replaces a macro of the same name and number of parameters; others of that name stay. False, and nothing happens, if
   * there is one with parentheses and this has none, or the reverse.
   */
  define(macro: Macro): boolean {
    const [map, key] = macro.anyCase ? [this.anyCase, macro.name.toLowerCase()] : [this.exact, macro.name];
    const known = map.get(key) ?? [];
    if (known.some((other) => (other.parameters === undefined) !== (macro.parameters === undefined))) return false;
    this.history.change(macro.name);
    const count = macro.parameters?.length ?? 0;
    map.set(key, [macro, ...known.filter((other) => other.parameters && !takes(other, count))]);
    return true;
  }

  undefine(name: string): void {
    this.history.change(name);
    this.exact.delete(name);
    this.anyCase.delete(name.toLowerCase());
  }

  clear(): void {
    for (const map of [this.exact, this.anyCase]) {
      for (const name of map.keys()) this.history.change(name);
      map.clear();
    }
  }

  *names(): Generator<string> {
    yield* this.exact.keys();
    for (const [macro] of this.anyCase.values()) yield macro!.name;
  }
}

/** The tokens as copies that know whether there was a blank before them (`payload`), wherever they go. */
export function spaced(tokens: readonly IToken[]): IToken[] {
  let end = 0;
  return tokens.map((t) => {
    const payload = t.startOffset > end;
    end = endOf(t);
    return { ...t, payload };
  });
}

/** Tokens as text again, with one blank where there were any. */
export const tokensText = (tokens: readonly IToken[]): string =>
  tokens.map((t, n) => (n > 0 && t.payload ? ` ${t.image}` : t.image)).join("");

/** A copy of a token that stands where another was written. */
const moved = (t: IToken, at: Span): IToken => ({ ...t, startOffset: at.start, endOffset: at.end - 1 });

const spanOf = (t: IToken): Span => ({ start: t.startOffset, end: endOf(t) });

/** A token of an argument of a macro: it is expanded as where the call stands, not as inside the macro. */
interface Argument extends IToken {
  readonly active?: readonly Macro[];
}

/** What an expansion asks of the preprocessor. */
export interface ExpansionHost {
  /** What nasm's own macro of that name stands for; undefined if there is none. */
  predefined(word: string): string | undefined;
  /** The value of an expression without macros; undefined if it has none, which was reported. */
  evaluate(tokens: readonly IToken[]): bigint | undefined;
}

/** Characters that take as long to read as a token takes to make. */
const tokenCost = 16;

/** One expansion of a line. Tokens that come from a macro stand where its name was written. */
export class Expansion {
  readonly uses: { readonly name: string; readonly span: Span; readonly macro: Macro }[] = [];
  fault: ExpansionFault | undefined;
  /** Names that were not replaced because no macro takes so many arguments. */
  readonly unfit: ExpansionFault[] = [];
  private readonly table: MacroTable;
  private readonly host: ExpansionHost;
  private count = 0;
  /** What came out of macros, in characters; a token counts as some more. */
  made = 0;
  private depth = 0;

  constructor(table: MacroTable, host: ExpansionHost) {
    this.table = table;
    this.host = host;
  }

  /** The tokens after expansion and, as often as there is a `%+`, pasting. */
  run(tokens: readonly IToken[]): IToken[] {
    let out = this.expand(tokens);
    while (!this.fault && out.some(isPaste)) out = this.expand(this.paste(out));
    return out;
  }

  /** `a %+ b` is `ab`. Every pasting makes the line shorter. */
  private paste(tokens: readonly IToken[]): IToken[] {
    const out: IToken[] = [];
    for (let n = 0; n < tokens.length; n++) {
      const t = tokens[n]!;
      if (!isPaste(t)) {
        out.push(t);
        continue;
      }
      const before = out.pop();
      const after = tokens[n + 1] && !isPaste(tokens[n + 1]!) ? tokens[++n] : undefined;
      const at = { start: (before ?? t).startOffset, end: endOf(after ?? t) };
      const joined = tokenize((before?.image ?? "") + (after?.image ?? ""));
      out.push(...joined.map((made, k) => ({ ...moved(made, at), payload: k === 0 && (before ?? t).payload })));
    }
    return out;
  }

  /** Macros being expanded are not expanded inside themselves. */
  private expand(tokens: readonly Argument[], around: readonly Macro[] = []): IToken[] {
    const out: IToken[] = [];
    this.depth++;
    for (let n = 0; n < tokens.length && !this.fault; n++) {
      const t = tokens[n]!;
      const active = t.active ?? around;
      const call = wordLike(t) ? this.callAt(tokens, n, active) : undefined;
      if (!call) {
        out.push(...(wordLike(t) ? this.predefined(t) : [t]));
        this.counted(t, active.length > 0);
        continue;
      }
      n = call.last;
      this.counted(t, active.length > 0);
      const at = { start: t.startOffset, end: endOf(tokens[n]!) };
      if (active.length === 0) this.uses.push({ name: t.image, span: spanOf(t), macro: call.macro });
      if (this.depth > limits.macroDepth)
        this.fail(t, "macro-too-deep", `Macros are nested deeper than ${limits.macroDepth} levels here.`);
      else
        for (const [k, made] of this.expand(this.substitute(call, at, t.image, active), [
          ...active,
          call.macro,
        ]).entries())
          out.push(k === 0 ? { ...moved(made, at), payload: t.payload } : moved(made, at));
    }
    this.depth--;
    return out;
  }

  private counted(t: IToken, isMade: boolean): void {
    if (isMade) this.made += tokenCost + t.image.length;
    if (++this.count > limits.lineTokens) this.tooLong(t);
  }

  private tooLong(t: IToken): void {
    this.fail(t, "macro-too-long", `This line expands to more than ${limits.lineTokens} tokens.`);
  }

  private fail(t: IToken, code: string, message: string): void {
    this.fault ??= { code, message, ...spanOf(t) };
  }

  private predefined(t: IToken): readonly IToken[] {
    const text = this.host.predefined(t.image);
    if (text === undefined) return [t];
    const at = spanOf(t);
    return spaced(tokenize(text)).map((made, n) =>
      n === 0 ? { ...moved(made, at), payload: t.payload } : moved(made, at),
    );
  }

  private callAt(tokens: readonly IToken[], n: number, active: readonly Macro[]): Call | undefined {
    const found = this.table.find(tokens[n]!.image)?.filter((macro) => !active.includes(macro));
    if (!found || found.length === 0) return undefined;
    const plain = found.find((macro) => macro.parameters === undefined);
    if (plain) return { macro: plain, values: [], last: n };
    const list = tokens[n + 1]?.tokenType === token.Open ? argumentsAt(tokens, n + 1) : undefined;
    if (!list) return undefined;
    const count = list.values.length;
    const macro = found.find((candidate) => takes(candidate, count));
    if (macro) {
      const given = macro.greedy
        ? joinedFrom(list.values, macro.parameters!.length - 1, tokens, list.last)
        : list.values;
      return { macro, values: given, last: list.last };
    }
    const counts = found.map((candidate) => candidate.parameters!.length).join(" or ");
    const message = `The macro “${tokens[n]!.image}” takes ${counts} arguments, not ${count}, so it is not replaced here.`;
    this.unfit.push({ code: "macro-arguments", message, ...spanOf(tokens[n]!) });
    return undefined;
  }

  private substitute({ macro, values }: Call, at: Span, called: string, active: readonly Macro[]): Argument[] {
    const prepared = macro.parameters?.map((parameter, n) =>
      parameter.name === "" ? [] : this.prepare(parameter, values[n] ?? nothing, active),
    );
    const out: Argument[] = [];
    for (const t of macro.body) {
      for (const made of this.standing(t, macro, prepared, at, called, active)) out.push(made);
      if (out.length <= limits.lineTokens) continue;
      this.tooLong(t);
      break;
    }
    return out;
  }

  /** What a token of a macro's body stands for. */
  private standing(
    t: IToken,
    macro: Macro,
    prepared: readonly (readonly Argument[])[] | undefined,
    at: Span,
    called: string,
    active: readonly Macro[],
  ): readonly Argument[] {
    const index = macro.parameters?.findLastIndex(({ name }) => name === t.image && name !== "") ?? -1;
    if (index >= 0) {
      const value: readonly Argument[] = prepared?.[index] ?? [];
      return value.map((v, k) => ({ ...v, active: v.active ?? active, payload: k === 0 ? t.payload : v.payload }));
    }
    if (t.tokenType !== token.MacroToken || !/^%\*?\?/.test(t.image)) return [moved(t, at)];
    const [name] = tokenize(t.image.includes("??") ? macro.name : called);
    return [{ ...moved(name!, at), payload: t.payload }];
  }

  /** An argument as its parameter wants it. */
  private prepare(parameter: Parameter, { tokens, blankAfter }: WrittenArgument, active: readonly Macro[]): Argument[] {
    const inner = parameter.whole ? tokens : unbraced(tokens);
    if (!parameter.value && parameter.text === "no") return [...inner];
    let made = this.expand(inner, active);
    if (parameter.value) {
      const value = this.host.evaluate(made);
      made = value === undefined ? [] : numberTokens(value);
    }
    if (
      parameter.text === "no" ||
      (parameter.text === "unless-string" && made.length === 1 && made[0]!.tokenType === token.Text)
    )
      return made;
    const text = tokensText(made);
    const [before, after] = parameter.whole ? [made[0]?.payload ? " " : "", blankAfter ? " " : ""] : ["", ""];
    return tokenize(quoted(bytesOf(before + text + after)));
  }
}

/** What a greedy parameter takes if nothing is left. */
const nothing: WrittenArgument = { tokens: [], blankAfter: false };

const isPaste = (t: IToken): boolean => t.tokenType === token.MacroToken && t.image === "%+";

interface Call {
  readonly macro: Macro;
  readonly values: readonly WrittenArgument[];
  /** Index of the last token of the call. */
  readonly last: number;
}

/** Whether a call with so many arguments means the macro; the greedy one may be missing. */
const takes = ({ parameters, greedy }: Macro, count: number): boolean =>
  parameters !== undefined && (parameters.length === count || (greedy && count >= parameters.length - 1));

/** Tokens of a number as `%assign` leaves it. */
export function numberTokens(value: bigint): IToken[] {
  return tokenize(value.toString());
}

/** The tokens as fresh objects that a parser may retype. */
export const fresh = (tokens: readonly IToken[]): IToken[] =>
  tokens.map((t) => {
    const copy = { ...t };
    if (copy.tokenType === token.Label) retype(copy, token.Name);
    return copy;
  });
