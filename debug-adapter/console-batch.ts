/** Slices of a run for which text may wait: a person sees it at once all the same. */
const mostSlices = 32;
/** Characters that do not wait. A client keeps a row for each output event, and some ten thousand rows. */
const enough = 16_384;

/**
 * Console text on its way to the client, gathered while the guest goes on printing: clients take some hundred output events a second,
 * and each for itself.
 */
export class ConsoleBatch {
  #text = "";
  #slices = 0;

  /** Adds what a slice of a run has printed, and gives what is to be shown now; in order, nothing is ever left out. */
  add(text: string): string {
    this.#text += text;
    if (this.#text === "") return "";
    if (this.#text.length >= enough) return this.#take(this.#text.lastIndexOf("\n") + 1 || this.#text.length);
    return text === "" || ++this.#slices >= mostSlices ? this.flush() : "";
  }

  /** All that waits. */
  flush(): string {
    return this.#take(this.#text.length);
  }

  #take(length: number): string {
    const text = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    this.#slices = 0;
    return text;
  }
}
