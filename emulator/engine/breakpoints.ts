import { signedNumber } from "../cpu/state.ts";
import { pageBytes } from "./page.ts";

/** The breakpoints of one page. */
export interface PageBreakpoints {
  /** 1 at each offset that has one. */
  readonly marks: Uint8Array;
  /** Tells which offsets they are. */
  readonly key: string;
}

/** Linear addresses to stop before, by page, so that pages without any cost nothing. */
export class Breakpoints {
  readonly #pages = new Map<number, PageBreakpoints>();

  /** @param addresses unsigned */
  constructor(addresses: Iterable<bigint>) {
    const offsets = new Map<number, number[]>();
    for (const address of addresses) {
      const linear = signedNumber(address);
      const page = Math.floor(linear / pageBytes);
      const known = offsets.get(page) ?? [];
      known.push(linear - page * pageBytes);
      offsets.set(page, known);
    }
    for (const [page, some] of offsets) {
      const marks = new Uint8Array(pageBytes);
      for (const offset of some) marks[offset] = 1;
      this.#pages.set(page, { marks, key: some.sort((a, b) => a - b).join() });
    }
  }

  /** Those of the page of a linear address; undefined if it has none. */
  inPage(linear: number): PageBreakpoints | undefined {
    return this.#pages.get(Math.floor(linear / pageBytes));
  }
}
