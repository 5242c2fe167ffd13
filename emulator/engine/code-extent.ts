import { pageBytes } from "./page.ts";

/** Code is told from data in pieces of this many bytes between the first and the last instruction of a page. */
export const lineBytes = 64;

/**
 * Where a page has decoded code, for the translated code of that page: it may store to the rest of the page without asking.
 * Small programs have their variables beside their code, and every other way to find out costs too much. Data before the first and
 * behind the last instruction is told apart by the byte, data in between by the line. Held in WebAssembly globals, which are
 * no part of the machine's memory.
 */
export class CodeExtent {
  readonly start = new WebAssembly.Global({ value: "i32", mutable: true }, pageBytes);
  readonly end = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  /** A bit for each line with code. */
  readonly lines = new WebAssembly.Global({ value: "i64", mutable: true }, 0n);
  #start = pageBytes;
  #end = 0;
  #lines = 0n;
  #closed = false;

  add(start: number, end: number): void {
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
    for (let line = Math.floor(start / lineBytes); line * lineBytes < end; line++) this.#lines |= 1n << BigInt(line);
    this.#publish();
  }

  /** Closed, everything counts as code: somebody watches the page. */
  setClosed(closed: boolean): void {
    if (closed === this.#closed) return;
    this.#closed = closed;
    this.#publish();
  }

  #publish(): void {
    this.start.value = this.#closed ? 0 : this.#start;
    this.end.value = this.#closed ? pageBytes : this.#end;
    this.lines.value = BigInt.asIntN(64, this.#closed ? -1n : this.#lines);
  }
}
