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

/** The whole state at a moment. */
export interface Snapshot {
  readonly step: number;
  /** What is not in the machine's memory: never changed. */
  readonly rest: unknown;
  /** Large parts of it: each the same object as in the snapshot before if it is the same. */
  readonly parts: readonly ArrayBufferView[];
  readonly groups: readonly Group[];
}

/** Tells which pages of the memory, by number, are as they were when it was last asked to start; until then, which are zeros. */
export interface Unwritten {
  has(page: number): boolean;
  /** Whether a page that it does not have was written for sure. By default each has to be looked at. */
  lacks?(page: number): boolean;
  /** How many pages it does not have; by default nobody knows quickly. */
  readonly others?: number;
  /** Whether it has all from `first` up to `end`; by default nobody knows quickly. */
  hasAll?(first: number, end: number): boolean;
  /** All pages count as unwritten from now on. */
  start(): void;
  /** A page was put back as it was in a snapshot. */
  replaced?(page: number): void;
}

const anyMayBeWritten: Unwritten = { has: () => false, start: () => {} };

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
  readonly #free: Int32Array[] = [];
  #copied = 0;
  #limit: number;

  readonly #unwritten: Unwritten;

  /**
   * @param memory of a multiple of 4096 bytes
   * @param limit bytes that stored pages may take; the first and the last snapshot are kept whatever they take
   * @param unwritten spares comparing pages that cannot have changed
   */
  constructor(memory: Int32Array, limit: number, unwritten = anyMayBeWritten) {
    this.#words = memory;
    this.#limit = limit;
    this.#unwritten = unwritten;
    const pages = memory.length / pageWords;
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
    return this.#unwritten.others ?? this.#copied;
  }

  /** Keeps the present state. Steps must not decrease from one snapshot to the next. */
  take(step: number, rest: unknown, parts: readonly ArrayBufferView[] = []): void {
    this.#copied = 0;
    const groups = this.#reference.map((known, n) => this.#group(n * groupPages, known));
    for (const group of groups) if (group.uses++ === 0) this.#use(group);
    this.#reference = groups;
    this.#unwritten.start();
    this.#partBytes += this.#ownBytes(this.#all.push({ step, rest, parts, groups }) - 1);
    while (this.bytes > this.#limit && this.#all.length > 2) this.#thin();
  }

  #use({ pages }: Group): void {
    for (let n = 0; n < pages.length; n++) if (pages[n]!.uses++ === 0) this.#stored++;
  }

  /** The pages from `first` on as they are now: those known if they are the same. */
  #group(first: number, known: Group): Group {
    if (this.#unwritten.hasAll?.(first, first + known.pages.length)) return known;
    let same = true;
    const pages = known.pages.map((before, at) => {
      const page = this.#unwritten.has(first + at) ? before : this.#present(first + at, before);
      same &&= page === before;
      return page;
    });
    return same ? known : { pages, uses: 0 };
  }

  /** Page `n` as it is now: the one known if it is the same. */
  #present(n: number, known: Page): Page {
    const start = n * pageWords;
    return !this.#unwritten.lacks?.(n) && this.#equals(known, start) ? known : this.#copy(start);
  }

  #equals({ words }: Page, start: number): boolean {
    const memory = this.#words;
    for (let n = 0; n < pageWords; n++) if (words[n] !== memory[start + n]) return false;
    return true;
  }

  #copy(start: number): Page {
    const words = this.#room();
    words.set(this.#words.subarray(start, start + pageWords));
    this.#copied++;
    return { words, uses: 0 };
  }

  /** Place for a page: used before, or of a new piece. Allocating each by itself takes several times as long as the copy. */
  #room(): Int32Array {
    const free = this.#free.pop();
    if (free) return free;
    const piece = new Int32Array(piecePages * pageWords);
    for (let n = 1; n < piecePages; n++) this.#free.push(piece.subarray(n * pageWords, (n + 1) * pageWords));
    return piece.subarray(0, pageWords);
  }

  #thin(): void {
    const last = this.#all.length - 1;
    const dropped = this.#all.filter((_, n) => n % 2 === 1 && n !== last);
    this.#all = this.#all.filter((_, n) => n % 2 === 0 || n === last);
    for (const snapshot of dropped) this.#release(snapshot);
    this.#partBytes = this.#all.reduce((sum, _, n) => sum + this.#ownBytes(n), 0);
  }

  #release(snapshot: Snapshot): void {
    for (const [n, group] of snapshot.groups.entries()) {
      if (--group.uses > 0) continue;
      const reference = this.#reference[n];
      for (const [at, page] of group.pages.entries()) {
        if (--page.uses > 0) continue;
        this.#stored--;
        // What the memory is compared with must stay as it is.
        if (page !== this.#zero && page !== reference?.pages[at]) this.#free.push(page.words);
      }
    }
  }

  /** The newest snapshot at or before a step. */
  nearest(step: number): Snapshot | undefined {
    return this.#all.findLast((snapshot) => snapshot.step <= step);
  }

  /** Puts the memory back as it was and forgets the snapshots that come later. */
  restore(snapshot: Snapshot): void {
    for (const [n, group] of snapshot.groups.entries()) this.#putBack(group, n);
    this.#reference = snapshot.groups;
    this.#unwritten.start();
    this.forgetAfter(snapshot.step);
  }

  /** Writes the pages of the group with this number that may be others now. */
  #putBack(group: Group, number: number): void {
    const first = number * groupPages;
    const known = this.#reference[number];
    if (group === known && this.#unwritten.hasAll?.(first, first + group.pages.length)) return;
    for (const [at, page] of group.pages.entries())
      if (page !== known?.pages[at] || !this.#unwritten.has(first + at)) {
        this.#words.set(page.words, (first + at) * pageWords);
        this.#unwritten.replaced?.(first + at);
      }
  }

  /** Forgets the snapshots after a step. */
  forgetAfter(step: number): void {
    while (this.lastStep > step) {
      this.#partBytes -= this.#ownBytes(this.#all.length - 1);
      this.#release(this.#all.pop()!);
    }
  }
}
