/** Characters of one stream that are kept: a guest may print for hours. */
const mostCharacters = 2_000_000;

/** What one device of a VM printed, piece by piece, up to the present. It changes as text comes and goes. */
export class ConsoleLog {
  readonly #pieces: { readonly sequence: number; readonly text: string }[] = [];
  #characters = 0;
  /** Pieces given up at the beginning. */
  #dropped = 0;
  /** Counts how often text was taken back: then what shows it begins anew. */
  generation = 0;

  add(sequence: number, text: string): void {
    this.#pieces.push({ sequence, text });
    this.#characters += text.length;
    if (this.#characters < 2 * mostCharacters) return;
    // Half of it at once, for each time costs a move of all the rest.
    let count = 0;
    for (; this.#characters > mostCharacters && count < this.#pieces.length - 1; count++)
      this.#characters -= this.#pieces[count]!.text.length;
    this.#pieces.splice(0, count);
    this.#dropped += count;
  }

  /** Takes back what was printed after a sequence number. */
  rewind(sequence: number): void {
    let back = false;
    while (this.#pieces.length > 0 && this.#pieces.at(-1)!.sequence > sequence) {
      this.#characters -= this.#pieces.pop()!.text.length;
      back = true;
    }
    if (back) this.generation++;
  }

  /** Pieces so far, those given up included. */
  get count(): number {
    return this.#dropped + this.#pieces.length;
  }

  /** The text after so many pieces. */
  after(count: number): string {
    return this.#pieces
      .slice(Math.max(0, count - this.#dropped))
      .map(({ text }) => text)
      .join("");
  }
}
