import { signedNumber } from "../cpu/state.ts";
import { pageBytes } from "./page.ts";

/** Linear addresses to stop before, by page, so that pages without any cost nothing. */
export class Breakpoints {
  readonly #pages = new Map<number, Uint8Array>();

  /** @param addresses unsigned */
  constructor(addresses: Iterable<bigint>) {
    for (const address of addresses) {
      const linear = signedNumber(address);
      const page = Math.floor(linear / pageBytes);
      const marks = this.#pages.get(page) ?? new Uint8Array(pageBytes);
      marks[linear - page * pageBytes] = 1;
      this.#pages.set(page, marks);
    }
  }

  /** Marks of the page of a linear address, 1 where a breakpoint is; undefined if it has none. */
  inPage(linear: number): Uint8Array | undefined {
    return this.#pages.get(Math.floor(linear / pageBytes));
  }
}
