/** The last of some events, in the order in which they happened, at or before a virtual time; undefined if all are later. */
export function lastAt<E extends { readonly cycle: number }>(events: readonly E[], cycle: number): E | undefined {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.cycle <= cycle) low = middle + 1;
    else high = middle;
  }
  return events[low - 1];
}
