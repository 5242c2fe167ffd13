import type { IToken } from "chevrotain";
import { spaced } from "./macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { type SourceLine, withoutComment } from "./source.ts";
import { tokenize } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** A preprocessor directive at its place. */
export interface Call {
  /** Lower case, without `%`. */
  readonly name: string;
  readonly span: Span;
  /** Column after the name. */
  readonly restStart: number;
  readonly source: SourceLine;
}

/** What is wrong with the directive itself, as a sentence; undefined if nothing is. */
export type Fault = string | undefined;

export interface Directive {
  /** Acts even where lines are left out. */
  readonly conditional?: true;
  readonly run: (preprocessor: Preprocessor, call: Call) => Fault;
}

/** The tokens after the directive's name, at their columns. */
export const restTokens = ({ source, restStart }: Call): IToken[] =>
  spaced(tokenize(source.text)).filter((t) => t.startOffset >= restStart);

export const restText = ({ source, restStart }: Call): string => withoutComment(source.text).slice(restStart).trim();

export const isWord = (t: IToken | undefined): t is IToken => t !== undefined && /^[A-Za-z_?.@]/.test(t.image);
