import { Numbers } from "../shared/numbers.ts";
import type { DecisionRow, Trace } from "./trace.ts";

/** What a filter looks through. */
const textOf = ({ sequence, what, pcpu, subject, from, movedFrom, reason }: DecisionRow): string =>
  `#${sequence} ${what} ${movedFrom === undefined ? "" : `migrated from pcpu ${movedFrom}`} ${pcpu === undefined ? "" : `pcpu ${pcpu}`} ${subject?.id ?? ""} ${from?.id ?? ""} ${reason}`.toLowerCase();

/** The events that have every word of a filter: those that come later are looked at as they come. */
export class Matches {
  readonly #words: readonly string[];
  readonly #found = new Numbers();
  /** Events looked at so far. */
  #seen = 0;

  constructor(filter: string) {
    this.#words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  }

  get #all(): boolean {
    return this.#words.length === 0;
  }

  extend(trace: Trace): void {
    if (this.#all) this.#seen = trace.length;
    for (; this.#seen < trace.length; this.#seen++) {
      const text = textOf(trace.row(this.#seen));
      if (this.#words.every((word) => text.includes(word))) this.#found.push(this.#seen);
    }
  }

  rewind(length: number): void {
    this.#seen = Math.min(this.#seen, length);
    this.#found.length = this.#found.upTo(length - 1);
  }

  get length(): number {
    return this.#all ? this.#seen : this.#found.length;
  }

  /** The event in a row. */
  at(row: number): number | undefined {
    if (row < 0 || row >= this.length) return undefined;
    return this.#all ? row : this.#found.at(row);
  }

  /** The row of an event, or that of the last one before it that matches. */
  rowOf(event: number): number {
    return this.#all ? event : this.#found.upTo(event) - 1;
  }
}
