import { rowHeight } from "./rows.ts";

/** The place of rows of a table that are not in sight and so not made. */
export function Gap({ rows }: { rows: number }) {
  return rows > 0 ? <tr style={{ height: `${rows * rowHeight}px` }} /> : null;
}
