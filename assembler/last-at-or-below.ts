/** Index of the last of so many sorted things that starts at or below a place; -1 if there is none. */
export function lastAtOrBelow<N extends number | bigint>(
  count: number,
  startOf: (index: number) => N,
  place: N,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(middle) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
