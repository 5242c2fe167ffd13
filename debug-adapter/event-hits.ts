/** Hits that are kept one by one; the oldest are only counted. */
const most = 2 ** 20;

/** How often something has happened by the numbers of its events, so that going back in time takes hits back. */
export class EventHits {
  #hits: number[] = [];
  /** Hits that are not kept, and the event up to which they were. */
  #counted = 0;
  #upTo = 0;

  /** An event that has not been counted, later than all that have. */
  add(sequence: number): void {
    if (sequence <= (this.#hits.at(-1) ?? this.#upTo)) return;
    this.#hits.push(sequence);
    if (this.#hits.length < most) return;
    const gone = most / 2;
    this.#upTo = this.#hits[gone - 1]!;
    this.#counted += gone;
    this.#hits = this.#hits.slice(gone);
  }

  /** Hits after this event have not happened. */
  forgetAfter(sequence: number): void {
    // How many of those that are not kept are left nobody knows any more: the count begins anew.
    if (sequence < this.#upTo) {
      this.#hits = [];
      this.#counted = 0;
      this.#upTo = sequence;
    } else while ((this.#hits.at(-1) ?? 0) > sequence) this.#hits.pop();
  }

  /** Hits up to an event; undefined if it lies before those that are kept. */
  upTo(sequence: number): number | undefined {
    if (sequence < this.#upTo) return undefined;
    let [low, high] = [0, this.#hits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#hits[middle]! <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.#counted + low;
  }
}
