/** 256 bits in eight words: IRR, ISR and TMR. */
export class VectorSet {
  readonly words: Uint32Array;

  constructor(words: Iterable<number> = new Uint32Array(8)) {
    this.words = Uint32Array.from(words);
  }

  has(vector: number): boolean {
    return ((this.words[vector >> 5]! >>> (vector & 31)) & 1) === 1;
  }

  set(vector: number, on: boolean): void {
    const bit = 1 << (vector & 31);
    this.words[vector >> 5] = on ? this.words[vector >> 5]! | bit : this.words[vector >> 5]! & ~bit;
  }

  /** The highest vector in it; -1 if it is empty. */
  get highest(): number {
    for (let n = 7; n >= 0; n--) if (this.words[n] !== 0) return 32 * n + 31 - Math.clz32(this.words[n]!);
    return -1;
  }

  clear(): void {
    this.words.fill(0);
  }
}
