/** In the column of kinds: the kind, and that the head has a label. */
export const [jump, measured, varied, kindBits, label] = [1, 2, 3, 3, 4];

/** What a pass needs of one stretch; bytes and indices. */
export interface Row {
  kind: number;
  section: number;
  /** All bits if the head has a label. */
  mask: number;
  /** The stretch that the head jumps to, or its own if it is no jump; -1 if that is gone. */
  target: number;
  /** Of the head; of a jump, that of the short form. */
  length: number;
  /** What the long form of a jump has more. */
  extra: number;
  /** Length of the head in the first pass. */
  first: number;
  /** Length of all that is behind the head. */
  after: number;
  /** Offset of the head in its section, in this pass. */
  start: number;
}

/** Rows as columns. */
export class Rows implements Readonly<Record<keyof Row, Int32Array>> {
  kind = new Int32Array(1024);
  section = new Int32Array(1024);
  mask = new Int32Array(1024);
  target = new Int32Array(1024);
  length = new Int32Array(1024);
  extra = new Int32Array(1024);
  first = new Int32Array(1024);
  after = new Int32Array(1024);
  start = new Int32Array(1024);
  private count = 0;

  /** Replaces rows; true if the new ones say the same to a pass as the old ones did, but for targets. */
  splice(at: number, removed: number, rows: readonly Row[]): boolean {
    const isSame = rows.length === removed && rows.every((row, n) => this.isSame(at + n, row));
    const count = this.count - removed + rows.length;
    for (const name of columns) {
      while (this[name].length < count) this[name] = grown(this[name]);
      const column = this[name];
      column.copyWithin(at + rows.length, at + removed, this.count);
      // The old targets are still wanted, to compare; and if all is the same, so are the places.
      const stays = (name === "target" || name === "start") && rows.length === removed;
      if (!stays) for (let n = 0; n < rows.length; n++) column[at + n] = rows[n]![name];
    }
    this.count = count;
    return isSame;
  }

  private isSame(n: number, row: Row): boolean {
    if (row.kind !== this.kind[n] || (row.kind & kindBits) === measured) return false;
    return (["section", "length", "extra", "first", "after"] as const).every((name) => this[name][n] === row[name]);
  }
}
const columns = ["kind", "section", "mask", "target", "length", "extra", "first", "after", "start"] as const;

const grown = (numbers: Int32Array): Int32Array<ArrayBuffer> => {
  const twice = new Int32Array(2 * numbers.length);
  twice.set(numbers);
  return twice;
};
