import type { IToken } from "chevrotain";
import { isPredefined } from "./builtin.ts";
import type { Call } from "./directive.ts";
import { fileName } from "./file-directives.ts";
import { wordLike } from "./line.ts";
import { parseText } from "./literals.ts";
import { tokensText } from "./macro.ts";
import { arityOf } from "./multi-macro.ts";
import { packages } from "./packages.ts";
import type { Preprocessor } from "./preprocess.ts";
import { charactersOf } from "./quote.ts";
import * as token from "./tokens.ts";

/** A test of `%if…` on the tokens after the directive. */
export type Test = (p: Preprocessor, call: Call, tokens: readonly IToken[]) => boolean;

function bad(p: Preprocessor, call: Call, message: string): void {
  p.problems.error("bad-directive", message, call.source, call.span);
}

/** The truth of an expression; false if it has no value, which was reported. */
const truth: Test = (p, call, tokens) => {
  if (tokens.length === 0 && !call.name.startsWith("elif")) bad(p, call, `“%${call.name}” needs an expression.`);
  return tokens.length > 0 && (p.expression(tokens, call.source, `The condition of %${call.name}`) ?? 0n) !== 0n;
};

/** True if any of the names is a single-line macro. */
const isDefined: Test = (p, call, names) => {
  if (!names.every(wordLike)) bad(p, call, `“%${call.name}” needs the name of a macro.`);
  for (const name of names) {
    p.refersTo(p.macros.find(name.image)?.[0], name, call.source);
  }
  return names.some(({ image }) => {
    const name = p.aliased(image);
    return p.macros.find(name) !== undefined || isPredefined(name, p.used);
  });
};

/** True if any of the names is an alias of `%defalias`. */
const isAlias: Test = (p, call, names) => {
  if (names.length === 0 || !names.every(wordLike)) bad(p, call, `“%${call.name}” needs the name of a macro.`);
  return names.some((name) => p.macros.find(name.image)?.some((macro) => macro.alias));
};

/** About packages of `%use`. */
const packageTest =
  (test: (p: Preprocessor, name: string) => boolean): Test =>
  (p, call, tokens) => {
    const name = fileName(p.expand(tokens, call.source));
    if (name === undefined) bad(p, call, `“%${call.name}” needs the name of a package.`);
    return name !== undefined && test(p, name.toLowerCase());
  };

const isMacro: Test = (p, call, [name, ...rest]) => {
  if (!name || !wordLike(name)) {
    bad(p, call, `“%${call.name}” needs the name of a macro.`);
    return false;
  }
  const arity = arityOf(rest);
  if (rest.length > 0 && arity?.used !== rest.length)
    bad(p, call, `After the name “%${call.name}” takes a number of parameters, such as 2, 1-3, 0-* or 1+.`);
  return p.multi.has(name.image, arity);
};

const isContext: Test = (p, _, names) => {
  const name = p.contexts.top?.name;
  return name !== undefined && names.some((t) => t.image === name);
};

/** `%ifidn a, b`: the same tokens; other blanks do not count, nor do the kinds of quotes. */
const isIdentical =
  (anyCase: boolean): Test =>
  (p, call, tokens) => {
    const expanded = p.expand(tokens, call.source);
    const comma = expanded.findIndex((t) => t.tokenType === token.Comma);
    if (comma < 0) {
      bad(p, call, `“%${call.name}” compares two texts with a comma between them.`);
      return false;
    }
    // In nasm 2.16 a blank before the comma makes the texts differ.
    if (expanded[comma]!.payload) return false;
    const [a, b] = [expanded.slice(0, comma), expanded.slice(comma + 1)];
    const text = (t: IToken) => {
      const image = t.tokenType === token.Text ? `"${charactersOf(parseText(t.image))}` : t.image;
      return anyCase ? image.toLowerCase() : image;
    };
    // Braces do not protect commas here; nasm looks for more of them as far as the texts agree.
    const differs = b.findIndex((t, n) => !a[n] || t.tokenType === token.Comma || text(t) !== text(a[n]));
    if (b[differs]?.tokenType === token.Comma && differs < a.length) {
      bad(p, call, `“%${call.name}” has one comma: between the texts it compares.`);
      return false;
    }
    return differs < 0 && a.length === b.length;
  };

/** The same source gives the same program everywhere, so there are no environment variables. */
const isEnvironment: Test = (p, call) => {
  const message = "Ringside does not read environment variables; define a macro on the command line.";
  p.problems.error("unsupported-directive", message, call.source, call.span);
  return false;
};

const signs = new Set(["+", "-"]);
const isIdentifier = (t: IToken | undefined): boolean =>
  t !== undefined && (wordLike(t) || t.tokenType === token.EscapedName);

/** About the first token after expansion. */
const expandedTest =
  (test: (tokens: readonly IToken[]) => boolean): Test =>
  (p, call, tokens) =>
    test(p.expand(tokens, call.source));

const isNumber = (tokens: readonly IToken[]): boolean =>
  tokens.find((t) => !signs.has(t.image))?.tokenType === token.Digits;

/** By the word after `%if` and `%elif`; each also exists with an n before it. */
const tests: Readonly<Record<string, Test>> = {
  "": truth,
  def: isDefined,
  defalias: isAlias,
  using: packageTest((p, name) => p.used.has(name)),
  usable: packageTest((_, name) => packages.has(name)),
  macro: isMacro,
  ctx: isContext,
  idn: isIdentical(false),
  idni: isIdentical(true),
  id: expandedTest(([first]) => isIdentifier(first)),
  num: expandedTest(isNumber),
  str: expandedTest(([first]) => first?.tokenType === token.Text),
  token: expandedTest((tokens) => tokens.length === 1),
  empty: expandedTest((tokens) => tokensText(tokens) === ""),
  env: isEnvironment,
};

/** The test of `%ifndef` or `%elifidn`; undefined if there is no such directive. */
export function conditionOf(name: string): { readonly isElse: boolean; readonly test: Test } | undefined {
  const [, opening, not, what] = /^(if|elif)(n?)(.*)$/.exec(name) ?? [];
  if (opening === undefined) return undefined;
  const whole = tests[not! + what!];
  const isElse = opening === "elif";
  if (whole) return { isElse, test: whole };
  const test = tests[what!];
  return test && { isElse, test: (p, call, tokens) => !test(p, call, tokens) };
}

/** Names of all conditionals, for suggestions. */
export const conditionNames: readonly string[] = Object.keys(tests).flatMap((test) =>
  ["if", "ifn", "elif", "elifn"].map((opening) => opening + test),
);
