/** Lays tables one after the other from a physical address on, each at a multiple of 16, as software searches for them. */
export class TableWriter {
  readonly #base: number;
  readonly #bytes: number[] = [];

  constructor(base: number) {
    this.#base = base;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** Its physical address. */
  add(bytes: readonly number[]): number {
    while (this.#bytes.length % 16 !== 0) this.#bytes.push(0);
    const address = this.#base + this.#bytes.length;
    this.#bytes.push(...bytes);
    return address;
  }
}

/** Fields as bytes, little-endian: a text as its characters, else [value, bytes]. */
export type Field = string | readonly [value: number, bytes: number];

export const fields = (...list: readonly Field[]): number[] =>
  list.flatMap((field) =>
    typeof field === "string"
      ? Array.from(field, (character) => character.charCodeAt(0))
      : Array.from({ length: field[1] }, (_, n) => (n < 6 ? Math.floor(field[0] / 2 ** (8 * n)) & 0xff : 0)),
  );

/** Makes the bytes add up to 0 (mod 256) by the one at `at`, over the first `length`. */
export function withChecksum(bytes: readonly number[], at: number, length = bytes.length): number[] {
  const sum = bytes.slice(0, length).reduce((a, b) => a + b, 0);
  return bytes.with(at, (bytes[at]! - sum) & 0xff);
}
