/** Limits of Xen's shadow code: pages out of sync per virtual CPU, and writable mappings that are remembered for each. */
export const mostOutOfSync = 3;
export const mostFixups = 2;

/** A guest page table that the guest may write while its shadow is not kept up to date. Plain JSON. */
export interface UnsyncPage {
  /** Host page number of the guest's table. */
  readonly frame: number;
  /** Host-physical addresses of the shadow entries through which it is writable: what must be protected again. */
  readonly fixups: readonly number[];
}

/** Which page tables are out of sync, oldest first. */
export class OutOfSync {
  #pages: readonly UnsyncPage[] = [];

  get pages(): readonly UnsyncPage[] {
    return this.#pages;
  }
  set pages(pages: readonly UnsyncPage[]) {
    this.#pages = pages;
  }

  has(frame: number): boolean {
    return this.#pages.some((page) => page.frame === frame);
  }

  /** The page that must be synchronized before another can go out of sync. */
  get due(): number | undefined {
    return this.#pages.length < mostOutOfSync ? undefined : this.#pages[0]!.frame;
  }

  add(frame: number): void {
    this.#pages = [...this.#pages, { frame, fixups: [] }];
  }

  /** Notes that an entry makes the page writable; gives the entry that may not any more. */
  fix(frame: number, address: number): number | undefined {
    const page = this.#pages.find((candidate) => candidate.frame === frame);
    if (!page || page.fixups.includes(address)) return undefined;
    const full = page.fixups.length >= mostFixups;
    const fixups = [...(full ? page.fixups.slice(1) : page.fixups), address];
    this.#pages = this.#pages.map((candidate) => (candidate === page ? { frame, fixups } : candidate));
    return full ? page.fixups[0] : undefined;
  }

  remove(frame: number): void {
    this.#pages = this.#pages.filter((page) => page.frame !== frame);
  }
}
