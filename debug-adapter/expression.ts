/** The expressions a person types into hovers, watches, conditions and the debug console, as trees. */

export type Expression =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "name"; readonly name: string }
  /** `word [es:di+2]`; the place before the colon is a segment register or an address space (`gpa`, `hpa`). */
  | {
      readonly kind: "memory";
      readonly width: number | undefined;
      readonly place: string | undefined;
      readonly address: Expression;
    }
  /** `gpa(ds:si)`: what a linear address is translated to; the place before the colon is a segment register. */
  | {
      readonly kind: "translation";
      readonly to: Translated;
      readonly place: string | undefined;
      readonly address: Expression;
    }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    };

/** The functions of an expression. */
export const translatedTo = ["gpa", "hpa"] as const;
type Translated = (typeof translatedTo)[number];

type UnaryOperator = "-" | "~" | "!" | "+";
export type BinaryOperator = keyof typeof binaryOperators;

/** Binding strengths, in NASM's order: comparisons bind weaker than bit operations. */
const binaryOperators = {
  "||": 1,
  "&&": 2,
  "=": 3,
  "==": 3,
  "!=": 3,
  "<>": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "|": 4,
  "^": 5,
  "&": 6,
  "<<": 7,
  ">>": 7,
  "+": 8,
  "-": 8,
  "*": 9,
  "/": 9,
  "%": 9,
} as const;

const sizes: Readonly<Record<string, number>> = { byte: 8, word: 16, dword: 32, qword: 64 };

const tokenPattern =
  /\s*(?:(?<text>'[^']*'|"[^"]*"|`[^`]*`)|(?<word>[\w.$?@#~][\w.$?@#~]*)|(?<sign>\|\||&&|<<|>>|<=|>=|<>|==|!=|[-+*/%&|^~!<>=()[\]:,]))/y;

/** Thrown and caught within this file only. */
class Malformed extends Error {}

interface Token {
  readonly kind: "text" | "word" | "sign" | "end";
  readonly text: string;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  const end = source.trimEnd().length;
  while (tokenPattern.lastIndex < end) {
    const at = tokenPattern.lastIndex;
    const groups = tokenPattern.exec(source)?.groups;
    if (!groups) throw new Malformed(`"${source.slice(at).trim()}" is not part of an expression`);
    // "~" starts a complement unless it stands inside a name, which only some macro names have.
    const word = groups["word"];
    if (word?.startsWith("~")) {
      tokens.push({ kind: "sign", text: "~" });
      tokenPattern.lastIndex = source.indexOf("~", at) + 1;
    } else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (groups["text"] !== undefined) tokens.push({ kind: "text", text: groups["text"] });
    else tokens.push({ kind: "sign", text: groups["sign"] ?? "" });
  }
  return [...tokens, { kind: "end", text: "the end" }];
}

const radixForms: readonly (readonly [RegExp, string])[] = [
  [/^0[xh]([\da-f_]+)$/i, "0x"],
  [/^\$([\da-f][\da-f_]*)$/i, "0x"],
  [/^(\d[\da-f_]*)[hx]$/i, "0x"],
  [/^0[by]([01_]+)$/i, "0b"],
  [/^([01][01_]*)[by]$/i, "0b"],
  [/^0[oq]([0-7_]+)$/i, "0o"],
  [/^([0-7][0-7_]*)[oq]$/i, "0o"],
  [/^(?:0[dt])?(\d[\d_]*)[dt]?$/i, ""],
];

/** A number in any of NASM's notations; undefined if it is none. */
export function parseNumber(text: string): bigint | undefined {
  for (const [pattern, prefix] of radixForms) {
    const digits = pattern.exec(text)?.[1]?.replaceAll("_", "");
    if (digits) return BigInt(prefix + digits);
  }
  return undefined;
}

/** A character constant as NASM stores it: the first character in the low byte. */
function characters(quoted: string): bigint {
  const bytes = [...quoted.slice(1, -1)].map((c) => c.codePointAt(0) ?? 0);
  if (bytes.length === 0 || bytes.length > 8 || bytes.some((b) => b > 0x7f))
    throw new Malformed(`${quoted} must hold 1 to 8 ASCII characters`);
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #accept(text: string): boolean {
    if (this.#next.kind === "end" || this.#next.text.toLowerCase() !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw new Malformed(`"${text}" is missing before ${this.#describe()}`);
  }

  #describe(): string {
    return this.#next.kind === "end" ? "the end" : `"${this.#next.text}"`;
  }

  whole(): Expression {
    const expression = this.#binary(1);
    if (this.#next.kind !== "end") throw new Malformed(`an operator is missing before ${this.#describe()}`);
    return expression;
  }

  #binary(minimum: number): Expression {
    let left = this.#unary();
    for (;;) {
      const operator = this.#next.text as BinaryOperator;
      const strength = this.#next.kind === "sign" ? binaryOperators[operator] : undefined;
      if (strength === undefined || strength < minimum) return left;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#binary(strength + 1) };
    }
  }

  #unary(): Expression {
    for (const operator of ["-", "~", "!", "+"] as const)
      if (this.#next.kind === "sign" && this.#accept(operator))
        return { kind: "unary", operator, operand: this.#unary() };
    return this.#primary();
  }

  #primary(): Expression {
    if (this.#accept("(")) {
      const inner = this.#binary(1);
      this.#expect(")");
      return inner;
    }
    if (this.#next.text === "[") return this.#memory(undefined);
    const token = this.#next;
    if (token.kind === "text") {
      this.#at++;
      return { kind: "number", value: characters(token.text) };
    }
    if (token.kind !== "word") throw new Malformed(`a value is missing before ${this.#describe()}`);
    this.#at++;
    const width = sizes[token.text.toLowerCase()];
    if (width !== undefined) return this.#memory(width);
    const value = parseNumber(token.text);
    if (value !== undefined) return { kind: "number", value };
    const to = translatedTo.find((name) => name === token.text.toLowerCase());
    if (to && this.#next.text === "(") return this.#translation(to);
    if (/^\d/.test(token.text)) throw new Malformed(`"${token.text}" is not a number`);
    return { kind: "name", name: token.text };
  }

  #memory(width: number | undefined): Expression {
    this.#accept("ptr");
    return { kind: "memory", width, ...this.#located("[", "]") };
  }

  #translation(to: Translated): Expression {
    return { kind: "translation", to, ...this.#located("(", ")") };
  }

  /** An address between brackets, and the place before its colon. */
  #located(open: string, close: string): { readonly place: string | undefined; readonly address: Expression } {
    this.#expect(open);
    let place: string | undefined;
    const colon = this.#tokens[this.#at + 1];
    if (this.#next.kind === "word" && colon?.kind === "sign" && colon.text === ":") {
      place = this.#next.text.toLowerCase();
      this.#at += 2;
    }
    const address = this.#binary(1);
    this.#expect(close);
    return { place, address };
  }
}

export type Parsed =
  | { readonly expression: Expression; readonly problem?: never }
  | { readonly problem: string; readonly expression?: never };

/** More than anyone types; bounds the depth of nesting. */
const longestExpression = 1000;

/** Reads an expression, or says in one sentence what is wrong with it. */
export function parseExpression(source: string): Parsed {
  if (source.length > longestExpression)
    return { problem: `an expression may have at most ${longestExpression} characters` };
  try {
    return { expression: new Parser(source).whole() };
  } catch (error) {
    if (error instanceof Malformed) return { problem: error.message };
    throw error;
  }
}

/** All names an expression mentions. */
export function namesIn(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "number":
      return [];
    case "name":
      return [expression.name];
    case "memory":
    case "translation":
      return namesIn(expression.address);
    case "unary":
      return namesIn(expression.operand);
    case "binary":
      return [...namesIn(expression.left), ...namesIn(expression.right)];
  }
}
