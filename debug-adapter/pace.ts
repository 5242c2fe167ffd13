/** Slices in steps: at first, and the bounds. Translated code takes a hundred million steps a second, exits a hundred thousand. */
const first = 50_000;
const least = 2_000;
const most = 1_000_000;
/** Events, and looks at breakpoints, that a slice may hold: some ten milliseconds' worth. */
const busy = 1_000;
/** Events after which a slice is over at once: a quiet guest may begin to print. */
const mostEvents = 8_000;

/**
 * Divides a run into slices, between which a request to pause can come in. There is no clock here: a slice that brought
 * many events or stops is followed by a shorter one, a quiet slice by a longer one.
 */
export class Pace {
  #size = first;
  #events = 0;
  /** Steps left in this slice. */
  left = first;

  /** Events, at most, of the next part of this slice. */
  readonly events = mostEvents;

  /** Counts a part of the slice. True if the slice is over and the next one begins. */
  spend(steps: number, events: number): boolean {
    this.left -= steps;
    this.#events += events + 1;
    if (this.left > 0 && this.#events < busy) return false;
    if (this.#events >= busy) this.#size = Math.max(least, this.#size / 4);
    else if (this.#events < busy / 4) this.#size = Math.min(most, this.#size * 2);
    this.left = this.#size;
    this.#events = 0;
    return true;
  }
}
