/** A repeatable source of random choices; another one of the same seed with another `stream`. */
export class Choices {
  #state: number;
  constructor(seed: number, stream = 12345) {
    this.#state = (seed * 2654435761 + stream) >>> 0;
  }
  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
