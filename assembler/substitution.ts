import { type Invocation, parameter } from "./multi-macro.ts";
import { closingQuote, type Piece, type SourceLine } from "./source.ts";

/** What stands for the `%` words of a line. */
export interface Surroundings {
  readonly invocation: Invocation | undefined;
  /** The text of `%[…]`, its macros replaced. */
  expanded(text: string): string;
  /** The text of the single-line macro of that name; undefined if there is none. */
  valueOf(name: string): string | undefined;
  /** `..@7.name` for `%$name`; `level` counts the dollars after the first. Undefined if there is no such context. */
  contextual(name: string, level: number): string | undefined;
  fault(code: string, message: string, start: number, end: number): void;
}

const wordCharacter = /[\w$#@~.?\u0080-\uffff]/;
const word = "[\\w$#@~.?\\u0080-\\uffff]";
/** Alternatives: condition or parameter; the whole of a braced word; local label; context symbol; name of the macro. */
const percent = new RegExp(`%(?:([+-]?\\d+)|\\{([^{}]*)\\}|%(${word}+)|\\$(\\$*)(${word}+)|(\\*?\\?\\??))`, "y");

/** Parameters and their negations; the pairs are condition codes and their opposites. */
const opposites: ReadonlyMap<string, string> = new Map(
  "a na ae nae b nb be nbe c nc e ne g ng ge nge l nl le nle o no p np pe po s ns z nz"
    .split(" ")
    .flatMap((code, n, all) => {
      const other = all[n ^ 1]!;
      return [[code, other] as const];
    }),
);

/** The line with parameters, `%%` labels, `%$` names and `%[…]` replaced; the line itself if it has none. */
export function substituted(source: SourceLine, surroundings: Surroundings): SourceLine {
  const { text } = source;
  if (!text.includes("%")) return source;
  let out = "";
  let copied = 0;
  const pieces: Piece[] = [];
  const put = (start: number, end: number, made: string) => {
    out += text.slice(copied, start);
    pieces.push({ at: out.length, length: made.length, from: start, fromLength: end - start });
    out += made;
    copied = end;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === ";") break;
    if (character === "'" || character === '"' || character === "`") {
      const end = closingQuote(text, at);
      if (end > 0) at = end;
    } else if (character === "%") {
      const found = text[at + 1] === "[" ? indirect(text, at, surroundings) : single(text, at, surroundings);
      if (!found) continue;
      if (found.made !== undefined) put(at, found.end, found.made);
      at = found.end - 1;
    }
  }
  if (pieces.length === 0) return source;
  return { ...source, text: out + text.slice(copied), pieces };
}

interface Found {
  readonly end: number;
  /** Undefined: stays as it is. */
  readonly made: string | undefined;
}

/** `%[…]`: what is inside counts as if it were written here after its own expansion. */
function indirect(text: string, start: number, surroundings: Surroundings): Found | undefined {
  let depth = 0;
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === "[") depth++;
    else if (character === "]" && --depth === 0) {
      const inner: SourceLine = { file: "", place: { line: 0 }, text: text.slice(start + 2, at), joints: undefined };
      const here: Surroundings = {
        ...surroundings,
        invocation: surroundings.invocation,
        expanded: (part) => surroundings.expanded(part),
        valueOf: (name) => surroundings.valueOf(name),
        contextual: (name, level) => surroundings.contextual(name, level),
        fault: (code, message) => surroundings.fault(code, message, start, at + 1),
      };
      return { end: at + 1, made: surroundings.expanded(substituted(inner, here).text) };
    } else if (character === "'" || character === '"' || character === "`") {
      const end = closingQuote(text, at);
      if (end > 0) at = end;
    }
  }
  return undefined;
}

/** A word after the percent sign. A name of a context that has words joined to it is replaced first, if it is a macro's: `%{$name}_size`. */
function single(text: string, at: number, surroundings: Surroundings): Found | undefined {
  percent.lastIndex = at;
  const found = percent.exec(text);
  if (!found) return undefined;
  const end = at + found[0].length;
  const [, number, braced] = found;
  if (number !== undefined) return { end, made: numbered(number, surroundings, at, end) };
  const isJoined = wordCharacter.test(text[at - 1] ?? "") || wordCharacter.test(text[end] ?? "");
  const name = (word: RegExpExecArray): string | undefined => {
    const made = named(word, surroundings, at, end);
    const isContextual = word[5] !== undefined;
    return isContextual && isJoined && made !== undefined ? (surroundings.valueOf(made) ?? made) : made;
  };
  if (braced === undefined) return { end, made: name(found) };
  const range = /^\s*(-?\d+)\s*:\s*(-?\d+)\s*$/.exec(braced);
  if (range) return { end, made: span(Number(range[1]), Number(range[2]), surroundings, at, end) };
  percent.lastIndex = 0;
  const inner = `%${braced}`;
  const word = percent.exec(inner);
  if (!word || word[0].length !== inner.length || word[2] !== undefined) return undefined;
  return { end, made: word[1] === undefined ? name(word) : numbered(word[1], surroundings, at, end) };
}

/** `%%name`, `%$name`, `%?`. */
function named(found: RegExpExecArray, surroundings: Surroundings, start: number, end: number): string | undefined {
  const { invocation } = surroundings;
  const [, , , local, dollars, name, self] = found;
  if (local !== undefined) return invocation ? `..@${invocation.unique}.${local}` : undefined;
  if (self !== undefined) return invocation && (self.includes("??") ? invocation.macro.name : invocation.called);
  const full = surroundings.contextual(name!, dollars!.length);
  if (full === undefined)
    surroundings.fault("no-context", `There is no context for “${found[0]}”: %push opens one.`, start, end);
  return full ?? "0";
}

/** `%0`, `%00`, `%1`, `%+1`, `%-1`; outside a macro it stays, and the parser refuses it. */
function numbered(word: string, surroundings: Surroundings, start: number, end: number): string | undefined {
  const { invocation } = surroundings;
  if (!invocation) return undefined;
  if (word === "0") return String(invocation.parameters.length);
  if (word === "00") return invocation.label;
  const value = parameter(invocation, Math.abs(Number(word)));
  if (!/^[+-]/.test(word)) return value;
  const code = value.trim().toLowerCase();
  const opposite = opposites.get(code);
  // Counters can be asked for zero only.
  if (word[0] === "+" && (opposite !== undefined || /^[er]?cxz$/.test(code))) return code;
  if (opposite !== undefined) return opposite;
  surroundings.fault("bad-condition", `“${value}” is not a condition code that %${word} could use.`, start, end);
  return "z";
}

/** `%{2:4}`: several parameters with commas; negative numbers count from the end. */
function span(
  first: number,
  last: number,
  { invocation, fault }: Surroundings,
  start: number,
  end: number,
): string | undefined {
  if (!invocation) return undefined;
  const count = invocation.parameters.length;
  const [a, b] = [first, last].map((n) => (n < 0 ? n + count + 1 : n)) as [number, number];
  if (a < 1 || b < 1 || a > count || b > count) {
    fault("bad-directive", `The macro has ${count} parameters, so this range of them does not exist.`, start, end);
    return "";
  }
  const numbers = Array.from({ length: Math.abs(b - a) + 1 }, (_, n) => (b >= a ? a + n : a - n));
  return numbers.map((n) => parameter(invocation, n)).join(",");
}
