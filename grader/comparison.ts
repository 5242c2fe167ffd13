/** Comparisons with a number as an assignment writes them: "<= 3". */

const operators = {
  "<=": (a: number, b: number) => a <= b,
  ">=": (a: number, b: number) => a >= b,
  "==": (a: number, b: number) => a === b,
  "!=": (a: number, b: number) => a !== b,
  "<": (a: number, b: number) => a < b,
  ">": (a: number, b: number) => a > b,
} as const;

const words: Readonly<Record<keyof typeof operators, string>> = {
  "<=": "at most ",
  ">=": "at least ",
  "==": "",
  "!=": "not ",
  "<": "less than ",
  ">": "more than ",
};

/** What an editor accepts: the number may be a parameter. */
export const comparisonPattern = String.raw`^(<=|>=|==|!=|<|>) *(-?[0-9]+(\.[0-9]+)?|\$\{[A-Za-z]\w*\})$`;

export interface Comparison {
  readonly operator: keyof typeof operators;
  readonly number: number;
}

/** The text must be of `comparisonPattern`, with its parameters filled in. */
export function comparison(text: string): Comparison {
  const [, operator, number] = /^([<>=!]+) *(.+)$/.exec(text)!;
  return { operator: operator as keyof typeof operators, number: Number(number) };
}

export const holds = (value: number, { operator, number }: Comparison): boolean => operators[operator](value, number);

/** "at most 3". */
export const comparisonText = ({ operator, number }: Comparison): string =>
  `${words[operator]}${number.toLocaleString("en", { maximumFractionDigits: 6 })}`;
