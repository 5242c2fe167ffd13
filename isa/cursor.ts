/** Where code bytes come from: an array, or a function that gives a byte, -1 where there is none, or throws (page fault). */
export type ByteSource = Uint8Array | ((offset: number) => number);

/** Longest instruction the processor accepts (SDM Vol. 2, 2.3.11). */
export const longestInstruction = 15;

/**
 * Reads an instruction byte by byte, never further than needed. Past the end of the bytes or of the longest
 * instruction it gives zeros and remembers why, so that a reader asks once, at its end.
 */
export class Cursor {
  failure: "truncated" | "too-long" | undefined;
  position: number;
  readonly start: number;
  readonly source: ByteSource;

  constructor(source: ByteSource, start: number) {
    this.source = source;
    this.start = start;
    this.position = start;
    this.failure = undefined;
  }

  get length(): number {
    return this.position - this.start;
  }

  next(): number {
    const byte = this.peek();
    this.position++;
    return byte;
  }

  /** The next byte, which stays the next. */
  peek(): number {
    if (this.failure !== undefined) return 0;
    if (this.position - this.start >= longestInstruction) {
      this.failure = "too-long";
      return 0;
    }
    const { source } = this;
    const byte = typeof source === "function" ? source(this.position) : source[this.position];
    if (byte !== undefined && byte >= 0) return byte;
    this.failure = "truncated";
    return 0;
  }

  /** Little-endian, sign-extended. */
  signed8(): number {
    return (this.next() << 24) >> 24;
  }

  signed16(): number {
    return ((this.next() | (this.next() << 8)) << 16) >> 16;
  }

  signed32(): number {
    return this.next() | (this.next() << 8) | (this.next() << 16) | (this.next() << 24);
  }

  signed64(): bigint {
    const low = this.signed32() >>> 0;
    return (BigInt(this.signed32()) << 32n) | BigInt(low);
  }
}
