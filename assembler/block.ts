import type { SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";

/** The lines of a `%macro` or `%rep`, while they are read. */
export interface Block {
  readonly opening: readonly string[];
  readonly closing: readonly string[];
  readonly source: SourceLine;
  readonly span: Span;
  readonly lines: SourceLine[];
  /** Blocks of the same kind that are open inside. */
  depth: number;
  readonly finish: (lines: readonly SourceLine[]) => void;
}
