import type { IToken } from "chevrotain";
import type { Call } from "./directive.ts";
import { limits } from "./limits.ts";
import { parseText } from "./literals.ts";
import { numberTokens, tokensText } from "./macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { bytesOf, quoted, textOf } from "./quote.ts";
import * as token from "./tokens.ts";
import { tokenize } from "./tokens.ts";

/** What a directive makes of the tokens after the macro's name: the macro's body, or what is wrong. */
type Making = (p: Preprocessor, call: Call, tokens: readonly IToken[]) => readonly IToken[] | string;

function define(text: Making): Making {
  return (p, call, tokens) => text(p, call, p.expand(tokens, call.source));
}

// nasm looks no further than the first string.
const length: Making = (_, call, [first]) =>
  first?.tokenType === token.Text
    ? numberTokens(BigInt(parseText(first.image).length))
    : `“%${call.name}” needs a string after the name.`;

const concatenation: Making = (_, call, tokens) => {
  const parts = tokens.filter((t) => t.tokenType !== token.Comma);
  if (!parts.every((t) => t.tokenType === token.Text)) return `“%${call.name}” joins strings.`;
  const bytes = parts.flatMap((t) => [...parseText(t.image)]);
  if (bytes.length > limits.stringBytes) return `The string would be longer than ${limits.stringBytes} bytes.`;
  return tokenize(quoted(bytes));
};

/** `%substr name "text" start, count`: a negative count leaves that many less one out at the end. */
const part: Making = (p, call, [string, ...rest]) => {
  if (string?.tokenType !== token.Text) return `“%${call.name}” needs a string after the name.`;
  const numbers = rest[0]?.tokenType === token.Comma ? rest.slice(1) : rest;
  if (numbers.length === 0) return `“%${call.name}” needs the place of the first byte, counted from 1.`;
  const comma = numbers.findIndex((t) => t.tokenType === token.Comma);
  const ask = (tokens: readonly IToken[]) => p.expression(tokens, call.source, "A number of %substr");
  const first = ask(comma < 0 ? numbers : numbers.slice(0, comma));
  const second = comma < 0 ? 1n : ask(numbers.slice(comma + 1));
  if (first === undefined || second === undefined) return [];
  const bytes = [...parseText(string.image)];
  const from = Math.max(0, Number(first) - 1);
  const count = second < 0n ? Number(second) + bytes.length + 1 - from : Number(second);
  return tokenize(quoted(count <= 0 ? [] : bytes.slice(from, from + count)));
};

/** The line ends in a blank that an argument of a macro had in its braces; those written at the end do not count. */
function endsInBlank({ source: { text, pieces } }: Call): boolean {
  const last = pieces?.at(-1);
  return last !== undefined && last.length > 0 && last.at + last.length === text.length && text.endsWith(" ");
}

const quotation: Making = (_, call, tokens) =>
  tokenize(quoted(bytesOf(tokensText(tokens) + (endsInBlank(call) ? " " : ""))));

const unquoted: Making = (_, call, [first]) => {
  if (first?.tokenType !== token.Text) return `“%${call.name}” needs a string after the name.`;
  const bytes = parseText(first.image);
  if (bytes.some((byte) => byte < 32)) return `“%${call.name}” makes words of a string: no line ends or tabs.`;
  return tokenize(textOf(bytes));
};

/** Directives that define a single-line macro from text, without their i for any letter case. */
export const textDirectives: Readonly<Record<string, Making>> = {
  strlen: define(length),
  strcat: define(concatenation),
  substr: define(part),
  defstr: define(quotation),
  deftok: define(unquoted),
};
