/** Memory that a client has read since the guest last moved, and so perhaps shows; of many pieces the latest. */
export class MemoryViews {
  /** First and last offset, from each memory reference. */
  readonly #read = new Map<string, { first: number; last: number }>();

  note(reference: string, offset: number, count: number): void {
    const known = this.#read.get(reference) ?? { first: offset, last: offset };
    this.#read.delete(reference);
    this.#read.set(reference, {
      first: Math.min(known.first, offset),
      last: Math.max(known.last, offset + count),
    });
    if (this.#read.size > mostReferences) this.#read.delete(this.#read.keys().next().value!);
  }

  /** The pieces, as the protocol's `memory` event names them, which may all be different now. */
  take(): readonly { memoryReference: string; offset: number; count: number }[] {
    const pieces = [...this.#read].map(([memoryReference, { first, last }]) => ({
      memoryReference,
      offset: first,
      count: last - first,
    }));
    this.#read.clear();
    return pieces;
  }
}

const mostReferences = 32;
