/** Number of insertions, deletions, replacements and swaps of neighbours between two words. */
function distance(first: string, second: string): number {
  // What they begin and end with alike costs nothing, and is most of it.
  const start = commonStart(first, second);
  const end = commonEnd(first, second, Math.min(first.length, second.length) - start);
  const a = first.slice(start, first.length - end);
  const b = second.slice(start, second.length - end);
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

function commonEnd(a: string, b: string, most: number): number {
  let length = 0;
  while (length < most && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}

/** The known word nearest to a mistyped one, if any is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const limit = word.length <= 2 ? 0 : word.length <= 4 ? 1 : 2;
  if (limit === 0) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestCost = limit + 0.01;
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    // Of two that are as near, the one that begins alike.
    const lower = candidate.toLowerCase();
    const cost = distance(wanted, lower) - commonStart(wanted, lower) / 100;
    if (cost < bestCost) {
      best = candidate;
      bestCost = cost;
    }
  }
  return best;
}

/** “ Did you mean ‘mov’?”, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = nearest(word, known);
  return found === undefined ? "" : ` Did you mean “${found}”?`;
}
