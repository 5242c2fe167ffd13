import { limits } from "./limits.ts";
import { headsOf, parseLine, parseTokens } from "./line.ts";
import { fresh } from "./macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import type { SourceLine } from "./source.ts";
import { tokenize } from "./tokens.ts";
import type { LineTree } from "./tree.ts";

/** Hears what the lines of the main file are, in order. */
export interface Journal {
  begin(line: SourceLine, state: LineState): void;
  /** A plain line is one statement by itself: nothing but its macros comes from elsewhere, and nothing else goes by it. */
  end(isPlain: boolean): void;
}

/** A line is read, or left out by a conditional, or a part of something larger. */
export type LineState = "read" | "left out" | "inside";

/**
 * The tree of a line that an edit puts in, if it is plain, and means the same whatever stands further down. Macros are
 * those of the whole program, so they count only if each has one meaning throughout and comes before the line.
 */
export function plainTree(preprocessor: Preprocessor, source: SourceLine): LineTree | undefined {
  const { text } = source;
  if (text.length > limits.lineCharacters || text.includes("%")) return undefined;
  const parsed = parseLine(text);
  const { macros, multi, builtins } = preprocessor;
  const { history } = macros;
  if (parsed.hasBuiltin || parsed.heads.some((word) => multi.wasDefined(word))) return undefined;
  if (!parsed.words.some((word) => history.has(word))) return parsed.tree;
  const asked = new Set<string>();
  history.asked = asked;
  const tokens = preprocessor.expand(tokenize(text), source);
  history.asked = undefined;
  if (preprocessor.builtins > builtins) return undefined;
  if ([...asked].some((name) => !history.isFixedAt(name, source.place))) return undefined;
  const called = headsOf(tokens).some((at) => multi.wasDefined(tokens[at]!.image));
  return called ? undefined : parseTokens(fresh(tokens));
}
