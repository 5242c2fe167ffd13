import type { IToken } from "chevrotain";
import * as token from "./tokens.ts";

/** A parameter of a single-line macro. */
export interface Parameter {
  /** Empty: the argument is not used. */
  readonly name: string;
  /** `=x`: the argument is replaced by its value. */
  readonly value: boolean;
  /** `&x`: by a string of its text; `&&x`: unless it is a string already. */
  readonly text: "no" | "always" | "unless-string";
  /** `x!`: with the blanks and braces around it. */
  readonly whole: boolean;
}

export interface ParameterList {
  readonly parameters: readonly Parameter[];
  /** `x+`: the last takes what is left, commas included. */
  readonly greedy: boolean;
}

/** Reads the tokens between the parentheses of a definition; a string says what is wrong. */
export function parametersOf(tokens: readonly IToken[]): ParameterList | string {
  const parameters: Parameter[] = [];
  let greedy = false;
  for (const part of splitAtCommas(tokens)) {
    if (greedy) return "Only the last parameter of a macro can be greedy (+).";
    const read = parameterOf(part);
    if (!read) return "The parameters of a macro are names with commas between them, in parentheses.";
    greedy = read.greedy;
    parameters.push(read.parameter);
  }
  return { parameters, greedy };
}

function splitAtCommas(tokens: readonly IToken[]): IToken[][] {
  const parts: IToken[][] = [[]];
  for (const t of tokens) {
    if (t.tokenType === token.Comma) parts.push([]);
    else parts.at(-1)!.push(t);
  }
  return parts;
}

function parameterOf(
  tokens: readonly IToken[],
): { readonly parameter: Parameter; readonly greedy: boolean } | undefined {
  let name = "";
  const signs: string[] = [];
  for (const { image } of tokens) {
    if (/^[=&!+]+$/.test(image)) signs.push(...(image.match(/&&|./g) ?? []));
    else if (name === "" && /^[A-Za-z_?.@]/.test(image)) name = image;
    else return undefined;
  }
  const text = signs.includes("&&") ? "unless-string" : signs.includes("&") ? "always" : "no";
  const parameter: Parameter = { name, value: signs.includes("="), text, whole: signs.includes("!") };
  return { parameter, greedy: signs.includes("+") };
}

/** An argument as written, and whether a blank stands behind it. */
export interface WrittenArgument {
  readonly tokens: readonly IToken[];
  readonly blankAfter: boolean;
}

/**
 * The arguments in the parentheses at `open`, and the index of the closing one; undefined if they are not closed.
 * Parentheses and braces keep commas together, brackets do not.
 */
export function argumentsAt(
  tokens: readonly IToken[],
  open: number,
): { readonly values: readonly WrittenArgument[]; readonly last: number } | undefined {
  const values: WrittenArgument[] = [];
  let parentheses = 0;
  let braces = 0;
  let start = open + 1;
  for (let n = start; n < tokens.length; n++) {
    const { image } = tokens[n]!;
    if (image === "{") braces++;
    else if (image === "}") braces = Math.max(0, braces - 1);
    else if (braces > 0) continue;
    else if (image === "(") parentheses++;
    else if (image === ")" && parentheses > 0) parentheses--;
    else if (image === ")" || (image === "," && parentheses === 0)) {
      values.push({ tokens: tokens.slice(start, n), blankAfter: tokens[n]!.payload === true });
      if (image === ")") return { values, last: n };
      start = n + 1;
    }
  }
  return undefined;
}

/** Those arguments that a greedy parameter takes, as one. */
export function joinedFrom(
  values: readonly WrittenArgument[],
  index: number,
  tokens: readonly IToken[],
  last: number,
): readonly WrittenArgument[] {
  if (values.length <= index + 1) return values;
  const before = values.slice(0, index);
  // Each earlier argument ends in a comma.
  const rest = values.slice(index);
  const length = rest.reduce((sum, value) => sum + value.tokens.length + 1, -1);
  return [...before, { tokens: tokens.slice(last - length, last), blankAfter: values.at(-1)!.blankAfter }];
}

/** The argument without the braces around it. */
export function unbraced(tokens: readonly IToken[]): readonly IToken[] {
  if (tokens[0]?.image !== "{") return tokens;
  const inner = tokens.slice(1);
  return inner.at(-1)?.image === "}" ? inner.slice(0, -1) : inner;
}
