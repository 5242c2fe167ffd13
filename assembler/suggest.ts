/** Number of insertions, deletions, replacements and swaps of neighbours between two words; gives up above `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
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
    const cost = distance(wanted, candidate.toLowerCase(), limit) - commonStart(wanted, candidate.toLowerCase()) / 100;
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
