import type { IToken } from "chevrotain";
import type { Range } from "./interface.ts";
import { wordLike } from "./line.ts";
import { MacroHistory } from "./macro-history.ts";
import * as token from "./tokens.ts";
import { endOf, retype, tokenize } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** A single-line macro: `%define NAME body`, `%define NAME(a, b) body`. */
export interface Macro {
  readonly name: string;
  /** Undefined: taken without parentheses. */
  readonly parameters: readonly string[] | undefined;
  readonly body: readonly IToken[];
  readonly anyCase: boolean;
  readonly range: Range | undefined;
}

/** An expansion that went wrong. */
export interface ExpansionFault extends Span {
  readonly code: string;
  readonly message: string;
}

/** The tokens one line may grow to. */
const mostTokens = 20_000;
const deepest = 200;

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
    map.set(key, [...known.filter((other) => other.parameters?.length !== macro.parameters?.length), macro]);
    return true;
  }

  undefine(name: string): void {
    this.history.change(name);
    this.exact.delete(name);
    this.anyCase.delete(name.toLowerCase());
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

/** One expansion of a line. Tokens that come from a macro stand where its name was written. */
export class Expansion {
  readonly uses: { readonly name: string; readonly span: Span; readonly macro: Macro }[] = [];
  fault: ExpansionFault | undefined;
  private readonly table: MacroTable;
  private count = 0;
  private depth = 0;

  constructor(table: MacroTable) {
    this.table = table;
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
        out.push(t);
        this.counted(t);
        continue;
      }
      n = call.last;
      this.counted(t);
      const at = { start: t.startOffset, end: endOf(tokens[n]!) };
      if (active.length === 0) this.uses.push({ name: t.image, span: spanOf(t), macro: call.macro });
      if (this.depth > deepest) this.fail(t, "macro-too-deep", `Macros are nested deeper than ${deepest} levels here.`);
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

  private counted(t: IToken): void {
    if (++this.count > mostTokens)
      this.fail(t, "macro-too-long", `This line expands to more than ${mostTokens} tokens.`);
  }

  private fail(t: IToken, code: string, message: string): void {
    this.fault ??= { code, message, ...spanOf(t) };
  }

  private callAt(tokens: readonly IToken[], n: number, active: readonly Macro[]): Call | undefined {
    const found = this.table.find(tokens[n]!.image)?.filter((macro) => !active.includes(macro));
    if (!found || found.length === 0) return undefined;
    const plain = found.find((macro) => macro.parameters === undefined);
    if (plain) return { macro: plain, values: [], last: n };
    const list = tokens[n + 1]?.tokenType === token.Open ? argumentsAt(tokens, n + 1) : undefined;
    if (!list) return undefined;
    const macro = found.find((candidate) => fits(candidate, list.values));
    if (macro) return { macro, values: list.values, last: list.last };
    const counts = found.map((candidate) => candidate.parameters!.length).join(" or ");
    this.fail(
      tokens[n]!,
      "macro-arguments",
      `The macro “${tokens[n]!.image}” takes ${counts} arguments, not ${list.values.length}.`,
    );
    return undefined;
  }

  private substitute({ macro, values }: Call, at: Span, called: string, active: readonly Macro[]): Argument[] {
    return macro.body.flatMap((t) => {
      const index = macro.parameters?.indexOf(t.image) ?? -1;
      if (index >= 0) {
        const value: readonly Argument[] = values[index] ?? [];
        return value.map((v, k) => ({ ...v, active: v.active ?? active, payload: k === 0 ? t.payload : v.payload }));
      }
      if (t.tokenType !== token.MacroToken || !/^%\*?\?/.test(t.image)) return [moved(t, at)];
      const [name] = tokenize(t.image.includes("??") ? macro.name : called);
      return [{ ...moved(name!, at), payload: t.payload }];
    });
  }
}

const isPaste = (t: IToken): boolean => t.tokenType === token.MacroToken && t.image === "%+";

interface Call {
  readonly macro: Macro;
  readonly values: readonly (readonly IToken[])[];
  /** Index of the last token of the call. */
  readonly last: number;
}

const fits = ({ parameters }: Macro, values: readonly (readonly IToken[])[]): boolean =>
  parameters!.length === values.length || (parameters!.length === 0 && values.length === 1 && values[0]!.length === 0);

/** The arguments in the parentheses at `open`; undefined if they are not closed. */
function argumentsAt(tokens: readonly IToken[], open: number): Omit<Call, "macro"> | undefined {
  const values: IToken[][] = [[]];
  let depth = 0;
  for (let n = open + 1; n < tokens.length; n++) {
    const t = tokens[n]!;
    const type = t.tokenType;
    if (type === token.Close && depth === 0) return { values, last: n };
    if (type === token.Comma && depth === 0) {
      values.push([]);
      continue;
    }
    if (type === token.Open || type === token.OpenBracket) depth++;
    else if (type === token.Close || type === token.CloseBracket) depth--;
    values.at(-1)!.push(t);
  }
  return undefined;
}

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
