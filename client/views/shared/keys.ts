/** The row a key moves the selection to, from the row at `index` (-1: none); undefined for other keys. */
export const rowByKey = (key: string, index: number, count: number): number | undefined =>
  ({ ArrowDown: index + 1, ArrowUp: index < 0 ? count - 1 : index - 1, Home: 0, End: count - 1 })[key];
