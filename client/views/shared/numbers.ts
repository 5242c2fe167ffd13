/** A list of numbers that grows, without an object for each. */
export class Numbers {
  #data = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const wider = new Float64Array(2 * this.length);
      wider.set(this.#data);
      this.#data = wider;
    }
    this.#data[this.length++] = value;
  }

  /** Takes the first ones away. */
  drop(count: number): void {
    this.#data.copyWithin(0, count, this.length);
    this.length -= count;
  }

  set(n: number, value: number): void {
    this.#data[n] = value;
  }

  at(n: number): number {
    return this.#data[n]!;
  }

  /** How many of them, which are in order, are at most `value`. */
  upTo(value: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#data[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
