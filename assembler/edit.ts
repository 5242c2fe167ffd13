import type { Run } from "./assembly.ts";
import type { Item } from "./item.ts";
import type { KeptLine } from "./kept-lines.ts";
import type { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import type { SymbolEntry } from "./symbols.ts";

/** An edit in logical lines. */
export interface Edit {
  /** Index of the first kept line that goes. */
  readonly at: number;
  readonly old: readonly KeptLine[];
  readonly sources: readonly SourceLine[];
  /** Lines further down that the rest of the file, from line `from` on, is afterwards. */
  readonly by: number;
  readonly from: number;
}

/** What an edit has done so far. */
export class Work {
  /** Of the lines taken out. */
  readonly places = new Set<object | undefined>();
  readonly gone = new Set<Item>();
  /** Items that are new, or mean something else now. */
  readonly touched = new Set<Item>();
  /** Items with labels put in, in order. */
  readonly defined: Item[] = [];
  /** Symbols taken out or put in: what each was before, a label of a section, a constant or nothing. */
  readonly symbols = new Map<SymbolEntry, Section | "constant" | undefined>();
  /** Something may move. */
  moves = false;
  /** Uses of macros in the lines put in. */
  readonly news: Run["preprocessor"]["references"] = [];
}
