import { Numbers } from "../shared/numbers.ts";

/** Characters of one stream that are kept: a guest may print for hours. */
const mostCharacters = 2_000_000;

/** What one device of a VM printed, piece by piece, up to the present. It changes as text comes and goes. */
export class ConsoleLog {
  #text = "";
  /** Of each piece that is kept: its event, and where in the text it ends. */
  #sequence = new Numbers();
  #end = new Numbers();
  /** Of each, up to which event all is in pieces before it. */
  #from = new Numbers();
  /** Pieces given up at the beginning. */
  #dropped = 0;
  /** Counts how often text was taken back: then what shows it begins anew. */
  generation = 0;

  /** @param from the number of the last event before the piece's first, or any between */
  add(sequence: number, text: string, from: number): void {
    this.#text += text;
    this.#sequence.push(sequence);
    this.#from.push(from);
    this.#end.push(this.#text.length);
    // Half of it at once, for each time costs a copy of the rest.
    if (this.#text.length > 2 * mostCharacters) this.#drop();
  }

  #drop(): void {
    const count = this.#end.upTo(this.#text.length - mostCharacters);
    const from = count === 0 ? 0 : this.#end.at(count - 1);
    const [sequence, end, begin] = [this.#sequence, this.#end, this.#from];
    this.#sequence = new Numbers();
    this.#end = new Numbers();
    this.#from = new Numbers();
    for (let n = count; n < sequence.length; n++) {
      this.#sequence.push(sequence.at(n));
      this.#end.push(end.at(n) - from);
      this.#from.push(begin.at(n));
    }
    this.#text = this.#text.slice(from);
    this.#dropped += count;
  }

  /** Takes back what was printed after a sequence number, and gives the one up to which it has all: a piece may go that was only partly after it. */
  rewind(sequence: number): number {
    const kept = this.#sequence.upTo(sequence);
    if (kept === this.#sequence.length) return sequence;
    const known = this.#from.at(kept);
    this.#sequence.length = kept;
    this.#end.length = kept;
    this.#from.length = kept;
    this.#text = this.#text.slice(0, this.#endOf(kept));
    this.generation++;
    return Math.min(sequence, known);
  }

  /** Where the first pieces end, those that are kept. */
  #endOf(pieces: number): number {
    return pieces <= 0 ? 0 : this.#end.at(pieces - 1);
  }

  /** Pieces so far, those given up included. */
  get count(): number {
    return this.#dropped + this.#sequence.length;
  }

  /** The text after so many pieces. */
  after(count: number): string {
    return this.#text.slice(this.#endOf(count - this.#dropped));
  }
}
