/** Rows in columns: each column as wide as its widest cell, those at `numbers` to the right. */
export function columnsText(rows: readonly (readonly string[])[], numbers: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, n) => (numbers.includes(n) ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** As the manuals write numbers: "3F8h". */
export const manualHex = (value: bigint | number): string => `${value.toString(16).toUpperCase()}h`;
