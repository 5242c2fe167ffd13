/** The difference of two versions of a text, in whole lines. Line ends are LF, CRLF or CR. */
export interface TextChange {
  /** The lines from `first` on, `removed` many, are replaced by `lines`. */
  readonly first: number;
  readonly removed: number;
  readonly lines: readonly string[];
}

const lineEnd = /\r\n|\n|\r/;

/** Characters compared at a time. */
const step = 1 << 14;

/** A text with the places where its lines begin, kept up to date from version to version. */
export class Lines {
  text: string;
  /** Where each line begins, as far as `count`. */
  private starts: Int32Array;
  private count = 0;

  constructor(text: string) {
    this.text = text;
    this.starts = new Int32Array(1024);
    this.push(0);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) this.push(at + 1);
    }
  }

  private push(start: number): void {
    this.reserve(this.count + 1);
    this.starts[this.count++] = start;
  }

  private reserve(count: number): void {
    if (count <= this.starts.length) return;
    const larger = new Int32Array(2 * count);
    larger.set(this.starts);
    this.starts = larger;
  }

  /** Takes the next version of the text, and tells what is different; undefined if nothing is. */
  change(text: string): TextChange | undefined {
    const { text: old, starts } = this;
    const before = commonStart(old, text);
    if (before === old.length && before === text.length) return undefined;
    const after = commonEnd(old, text, Math.min(old.length, text.length) - before);
    // A line end of two characters may have been cut in two.
    const first = this.lineAt(old.charCodeAt(before - 1) === 13 ? before - 1 : before);
    const last = this.lineAt(old.length - after);
    const by = text.length - old.length;
    const isEnd = last + 1 === this.count;
    const end = isEnd ? text.length : starts[last + 1]! + by;
    const begin = starts[first]!;
    const lines = text.slice(begin, end).split(lineEnd);
    if (!isEnd) lines.pop();
    const was = old.slice(begin, isEnd ? old.length : starts[last + 1]!).split(lineEnd);
    if (!isEnd) was.pop();
    this.replace(first, was.length, lines.length, by);
    this.text = text;
    this.measure(first, lines.length, begin);
    return trimmed(first, was, lines);
  }

  private replace(first: number, removed: number, added: number, by: number): void {
    const count = this.count - removed + added;
    this.reserve(count);
    this.starts.copyWithin(first + added, first + removed, this.count);
    for (let n = first + added; n < count; n++) this.starts[n]! += by;
    this.count = count;
  }

  /** Finds where the new lines begin. */
  private measure(first: number, added: number, begin: number): void {
    const { text, starts } = this;
    let at = begin;
    for (let n = first; n < first + added; n++) {
      starts[n] = at;
      while (at < text.length && text.charCodeAt(at) !== 10 && text.charCodeAt(at) !== 13) at++;
      at += text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10 ? 2 : 1;
    }
  }

  /** The line in which a character is, its line end included. */
  private lineAt(at: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Lines at the beginning and the end that are the same are no difference. */
function trimmed(first: number, was: readonly string[], lines: readonly string[]): TextChange {
  let start = 0;
  const shorter = Math.min(was.length, lines.length);
  while (start < shorter && was[start] === lines[start]) start++;
  let end = 0;
  while (end < shorter - start && was.at(-1 - end) === lines.at(-1 - end)) end++;
  return { first: first + start, removed: was.length - start - end, lines: lines.slice(start, lines.length - end) };
}

function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at + step <= most && a.slice(at, at + step) === b.slice(at, at + step)) at += step;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at;
}

function commonEnd(a: string, b: string, most: number): number {
  let count = 0;
  const same = (n: number) => a.slice(a.length - n, a.length - n + step) === b.slice(b.length - n, b.length - n + step);
  while (count + step <= most && same(count + step)) count += step;
  while (count < most && a.charCodeAt(a.length - 1 - count) === b.charCodeAt(b.length - 1 - count)) count++;
  return count;
}
