import { codePage437 } from "./code-page.ts";

/** What the screen shows. */
export interface Screen {
  readonly mode: "text" | "graphics";
  /** Characters; in graphics modes, 0. */
  readonly columns: number;
  readonly rows: number;
  /** A UTF-16 unit per character, row by row: code (of code page 437) in bits 7:0, attribute in bits 15:8. */
  readonly cells: string;
  /** Where the cursor is, if it can be seen. */
  readonly cursor: { readonly column: number; readonly row: number } | null;
  /** Graphics modes in words: "320 × 200, 256 colours". */
  readonly graphics: string;
}

/** The characters of a screen, a line each, without the blanks at their ends. */
export function screenLines({ columns, rows, cells }: Screen): string[] {
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    let line = "";
    for (let n = 0; n < columns; n++) line += codePage437[cells.charCodeAt(row * columns + n) & 0xff]!;
    lines.push(line.trimEnd());
  }
  return lines;
}

/** Lines with a margin that shows where they begin. */
export const withMargin = (lines: readonly string[]): string =>
  `screen:\n${lines.map((line) => `| ${line}`.trimEnd()).join("\n")}\n`;

/** The text of a screen without the empty lines at its end; of graphics, what they are. */
export function screenText(screen: Screen): string {
  if (screen.mode === "graphics") return `(graphics: ${screen.graphics})\n`;
  const text = screenLines(screen).join("\n").trimEnd();
  return text === "" ? "" : `${text}\n`;
}
