import type { Context, Item } from "./item.ts";
import type { Journal, LineState } from "./plain-line.ts";
import type { Program } from "./program.ts";
import type { SourceLine } from "./source.ts";

/** A logical line of the main file: what it was when it was read, and what came of it. */
export interface KeptLine {
  readonly source: SourceLine;
  readonly state: LineState;
  /** One statement or none; all that goes by it are its own item and label. */
  isPlain: boolean;
  /** Before the line: the state that directives change, and the last global label. */
  readonly context: Context;
  scope: string;
  /** Of a line that is not plain: with those of its expansions and includes. */
  items: readonly Item[];
}

const noItems: readonly Item[] = [];

/** Keeps the lines of a program as they are read. */
export class KeptLines implements Journal {
  readonly list: KeptLine[] = [];
  private readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  begin(source: SourceLine, state: LineState): void {
    const { context, symbols } = this.program;
    this.program.isPlain = true;
    this.list.push({ source, state, isPlain: false, context, scope: symbols.scope, items: noItems });
    this.first = this.program.items.length;
  }
  private first = 0;

  end(isPlain: boolean): void {
    const line = this.list.at(-1)!;
    const { items } = this.program;
    line.isPlain = isPlain && this.program.isPlain;
    if (items.length > this.first) line.items = items.slice(this.first);
  }
}
