import { endOf, tokenize } from "../assembler/tokens.ts";

/** Source text by words, without looking at what they mean. */

export const splitLines = (text: string): string[] => text.split(/\r\n|\n|\r/);

/** A word of a line. Columns are UTF-16 units, end exclusive. */
export interface WrittenWord {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const isWord = (text: string): boolean => /^[A-Za-z_.?@$\u0080-\uffff]/.test(text);

/** The words of a line outside of comments and strings. `%%name` and `%$name` are words of their own. */
export const wordsOf = (line: string): WrittenWord[] =>
  tokenize(line)
    .filter(({ image }) => isWord(image))
    .map((token) => ({ text: token.image, start: token.startOffset, end: endOf(token) }));

/** The preprocessor's directive on a line, in lower case, without the percent sign. */
export const directiveOf = (line: string): string | undefined => /^\s*%([A-Za-z]\w*)/.exec(line)?.[1]?.toLowerCase();
