const pageBytes = 4096;
const pageWords = pageBytes / 4;
/** Pages whose room is allocated at once. */
const piecePages = 256;
/** Pages that snapshots share or not together: most of them stay as they are. */
const groupPages = 64;

/** A page's content at some moments, shared by all snapshots in which it is the same. */
interface Page {
  readonly words: Int32Array;
  uses: number;
}

/** Neighbouring pages, shared by all snapshots in which they are all the same. */
interface Group {
  readonly pages: readonly Page[];
  uses: number;
}

const pageOf = (groups: readonly Group[], n: number): Page =>
  groups[Math.floor(n / groupPages)]!.pages[n % groupPages]!;

/** The whole state at a moment. */
export interface Snapshot {
  readonly step: number;
  /** What is not in the machine's memory: never changed. */
  readonly rest: unknown;
  /** Large parts of it: each the same object as in the snapshot before if it is the same. */
  readonly parts: readonly ArrayBufferView[];
  readonly groups: readonly Group[];
}

/** Tells which pages of the memory, by number, are no longer as they were when it was last asked to start; until then, which are not zeros. */
export interface Writes {
  /** Pages that were written for sure, each once. */
  readonly written: Iterable<number>;
  /** Others that may have been written: they have to be looked at. */
  readonly perhaps: Iterable<number>;
  /** How many these are together; by default nobody knows quickly. */
  readonly count?: number;
  /** All pages count as unwritten from now on. */
  start(): void;
  /** A page was put back as it was in a snapshot. */
  replaced?(page: number): void;
}

/**
 * Copies of a machine's memory at moments in time. A page is stored again only where it differs from the snapshot before,
 * so a snapshot costs what the guest has written since. Beyond `limit` bytes every second one is dropped.
 */
export class Snapshots {
  #words: Int32Array;
  #all: Snapshot[] = [];
  readonly #zero: Page = { words: new Int32Array(pageWords), uses: 0 };
  /** Pages that the memory equalled when last compared. */
  #reference: readonly Group[];
  #stored = 0;
  #partBytes = 0;
  readonly #free: Page[] = [];
  /** The memory's pages, as far as they have been looked at yet: to make such a view takes as long as a copy. */
  readonly #views: Int32Array[] = [];
  #copied = 0;
  #limit: number;

  readonly #writes: Writes;

  /**
   * @param memory of a multiple of 4096 bytes
   * @param limit bytes that stored pages may take; the first and the last snapshot are kept whatever they take
   * @param writes spares looking at pages that cannot have changed; by default all are looked at
   */
  constructor(memory: Int32Array, limit: number, writes?: Writes) {
    this.#words = memory;
    this.#limit = limit;
    const pages = memory.length / pageWords;
    this.#writes = writes ?? { written: [], perhaps: Array.from({ length: pages }, (_, n) => n), start: () => {} };
    this.#reference = Array.from({ length: Math.ceil(pages / groupPages) }, (_, n) => ({
      pages: new Array<Page>(Math.min(groupPages, pages - n * groupPages)).fill(this.#zero),
      uses: 0,
    }));
  }

  get count(): number {
    return this.#all.length;
  }

  /** Bytes that stored pages and large parts take. */
  get bytes(): number {
    return this.#stored * pageBytes + this.#partBytes;
  }

  /** Bytes of the large parts that the snapshot with a number does not share with the one before. */
  #ownBytes(number: number): number {
    const before = this.#all[number - 1];
    let bytes = 0;
    for (const part of this.#all[number]!.parts) if (!before?.parts.includes(part)) bytes += part.byteLength;
    return bytes;
  }

  /** The step of the newest snapshot; -1 if there is none. */
  get lastStep(): number {
    return this.#all.at(-1)?.step ?? -1;
  }

  /** Pages that have to be looked at or copied for the next snapshot; if nobody knows, as many as were copied for the newest. */
  get written(): number {
    return this.#writes.count ?? this.#copied;
  }

  /** Keeps the present state. Steps must not decrease from one snapshot to the next. */
  take(step: number, rest: unknown, parts: readonly ArrayBufferView[] = []): void {
    const groups = this.#groups();
    for (let n = 0; n < groups.length; n++) if (groups[n]!.uses++ === 0) this.#use(groups[n]!);
    this.#reference = groups;
    this.#writes.start();
    this.#partBytes += this.#ownBytes(this.#all.push({ step, rest, parts, groups }) - 1);
    while (this.bytes > this.#limit && this.#all.length > 2) this.#thin();
  }

  #use({ pages }: Group): void {
    for (let n = 0; n < pages.length; n++) if (pages[n]!.uses++ === 0) this.#stored++;
  }

  /** The memory as it is now: groups and pages known already where they are the same. */
  #groups(): readonly Group[] {
    const changed = new Map<number, Page[]>();
    this.#copied = 0;
    for (const n of this.#writes.written) this.#copy(n, changed);
    for (const n of this.#writes.perhaps) if (!this.#equals(this.#known(n), n)) this.#copy(n, changed);
    if (changed.size === 0) return this.#reference;
    const groups = [...this.#reference];
    for (const [number, pages] of changed) groups[number] = { pages, uses: 0 };
    return groups;
  }

  /** Page `n` as the memory equalled it when last compared. */
  #known(n: number): Page {
    return pageOf(this.#reference, n);
  }

  #equals({ words }: Page, n: number): boolean {
    const memory = this.#view(n);
    for (let at = 0; at < pageWords; at++) if (words[at] !== memory[at]) return false;
    return true;
  }

  #view(n: number): Int32Array {
    this.#views[n] ??= this.#words.subarray(n * pageWords, (n + 1) * pageWords);
    return this.#views[n];
  }

  /** Page `n` as it is now, in its group among those that are changed. */
  #copy(n: number, changed: Map<number, Page[]>): void {
    const number = Math.floor(n / groupPages);
    const pages = changed.get(number) ?? [...this.#reference[number]!.pages];
    changed.set(number, pages);
    const page = this.#room();
    page.words.set(this.#view(n));
    pages[n % groupPages] = page;
    this.#copied++;
  }

  /** Place for a page: used before, or of a new piece. Allocating each by itself takes several times as long as the copy. */
  #room(): Page {
    if (this.#free.length === 0) {
      const piece = new Int32Array(piecePages * pageWords);
      for (let n = piecePages; n > 0; n--)
        this.#free.push({ words: piece.subarray((n - 1) * pageWords, n * pageWords), uses: 0 });
    }
    return this.#free.pop()!;
  }

  #thin(): void {
    const last = this.#all.length - 1;
    const dropped = this.#all.filter((_, n) => n % 2 === 1 && n !== last);
    this.#all = this.#all.filter((_, n) => n % 2 === 0 || n === last);
    for (const snapshot of dropped) this.#release(snapshot);
    this.#partBytes = this.#all.reduce((sum, _, n) => sum + this.#ownBytes(n), 0);
  }

  #release({ groups }: Snapshot): void {
    for (let n = 0; n < groups.length; n++) if (--groups[n]!.uses === 0) this.#releasePages(groups[n]!, n);
  }

  #releasePages({ pages }: Group, number: number): void {
    const reference = this.#reference[number]!;
    for (let at = 0; at < pages.length; at++) {
      const page = pages[at]!;
      if (--page.uses > 0) continue;
      this.#stored--;
      // What the memory is compared with must stay as it is.
      if (page !== this.#zero && page !== reference.pages[at]) this.#free.push(page);
    }
  }

  /** The newest snapshot at or before a step. */
  nearest(step: number): Snapshot | undefined {
    return this.#all.findLast((snapshot) => snapshot.step <= step);
  }

  /** Puts the memory back as it was and forgets the snapshots that come later. */
  restore(snapshot: Snapshot): void {
    const known = this.#reference;
    this.#reference = snapshot.groups;
    for (let number = 0; number < known.length; number++) {
      const group = snapshot.groups[number]!;
      if (group !== known[number]) this.#putBackOthers(number, group, known[number]!);
    }
    const { written, perhaps } = this.#writes;
    for (const pages of [written, perhaps])
      for (const n of pages) if (this.#known(n) === pageOf(known, n)) this.#putBack(n);
    this.#writes.start();
    this.forgetAfter(snapshot.step);
  }

  /** Writes the pages of a group that are not those known. */
  #putBackOthers(number: number, { pages }: Group, known: Group): void {
    for (let at = 0; at < pages.length; at++)
      if (pages[at] !== known.pages[at]) this.#putBack(number * groupPages + at);
  }

  #putBack(n: number): void {
    this.#words.set(this.#known(n).words, n * pageWords);
    this.#writes.replaced?.(n);
  }

  /** Forgets the snapshots after a step. */
  forgetAfter(step: number): void {
    while (this.lastStep > step) {
      this.#partBytes -= this.#ownBytes(this.#all.length - 1);
      this.#release(this.#all.pop()!);
    }
  }
}
