import type { Looks } from "./event-log.ts";

/** A place on a time line: one event, or several that lie too close to be told apart. */
export interface Mark<E> {
  /** 0 to `marksWidth`. */
  readonly x: number;
  readonly first: E;
  readonly count: number;
  /** One of them is to be told apart. */
  readonly special: boolean;
}

/** Units of a picture from its left to its right, in which marks begin. */
export const marksWidth = 1000;

type Bin<E> = { first: E; count: number; special: boolean } | undefined;

/** Parts of the time line that are counted apart: half of them at least are in use, more than pixels. */
const mostBins = 4096;

const none = <E>(): Bin<E>[] => Array.from({ length: mostBins }, () => undefined);

/** Events over time in bins, which become wider as time goes on: what is drawn of a million costs as much as of some thousand. */
export class TimeMarks<E extends { readonly cycle: number }> {
  readonly #looks: Looks<E>;
  readonly #groups = new Map<string, Bin<E>[]>();
  /** Cycles that a bin is wide. */
  #width = 1;

  constructor(looks: Looks<E>) {
    this.#looks = looks;
  }

  /** Events come in the order of their time, or nearly. */
  add(event: E): void {
    while (event.cycle >= mostBins * this.#width) this.#widen();
    const group = this.#looks.group(event);
    const bins = this.#groups.get(group) ?? none<E>();
    this.#groups.set(group, bins);
    const n = Math.floor(event.cycle / this.#width);
    const special = this.#looks.isSpecial?.(event) ?? false;
    const bin = bins[n];
    if (!bin) bins[n] = { first: event, count: 1, special };
    else {
      bin.count++;
      bin.special ||= special;
    }
  }

  #widen(): void {
    this.#width *= 2;
    for (const bins of this.#groups.values()) {
      for (let n = 0; n < mostBins; n++) {
        const bin = bins[n];
        bins[n] = undefined;
        bins[n >> 1] = joined(bins[n >> 1], bin);
      }
    }
  }

  drawn(end: number): ReadonlyMap<string, readonly Mark<E>[]> {
    return new Map([...this.#groups].map(([group, bins]) => [group, marksOf(bins, marksWidth / Math.max(1, end))]));
  }
}

function joined<E>(one: Bin<E>, other: Bin<E>): Bin<E> {
  if (!one || !other) return one ?? other;
  return { first: one.first, count: one.count + other.count, special: one.special || other.special };
}

function marksOf<E extends { readonly cycle: number }>(bins: readonly Bin<E>[], scale: number): readonly Mark<E>[] {
  const marks: { x: number; first: E; count: number; special: boolean }[] = [];
  for (const bin of bins) {
    if (!bin) continue;
    const x = Math.round(bin.first.cycle * scale);
    const last = marks.at(-1);
    if (last?.x === x) {
      last.count += bin.count;
      last.special ||= bin.special;
    } else marks.push({ ...bin, x });
  }
  return marks;
}
