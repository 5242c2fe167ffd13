import type { Problem } from "../../assembler/index.ts";

/** A case of a marked source: text, and under its lines what is expected there. */
export interface MarkedCase {
  readonly title: string;
  /** The source without its marks. */
  readonly text: string;
  /** The source with its marks. */
  readonly marked: string;
}

/** `;    ^^^^ error code: message`: the carets are under what the problem is about. Column 0 cannot be marked. */
const mark = /^; *\^+ (error|warning|information) /;

/** Cases begin with a line `;; title`. */
export function casesOf(source: string): MarkedCase[] {
  return source
    .split(/^;; /m)
    .slice(1)
    .map((part) => {
      const [title = "", ...lines] = part.trimEnd().split("\n");
      const text = lines.filter((line) => !mark.test(line)).join("\n");
      return { title, text, marked: lines.join("\n") };
    });
}

function markOf({ range, severity, code, message }: Problem): string {
  const carets = "^".repeat(Math.max(1, range.end - range.start));
  return `;${" ".repeat(Math.max(0, range.start - 1))}${carets} ${severity} ${code}: ${message}`;
}

/** The source with the problems of its own file as marks, and those of other files at its end. */
export function withMarks(file: string, text: string, problems: readonly Problem[]): string {
  const own = text
    .split("\n")
    .flatMap((line, n) => [
      line,
      ...problems.filter(({ range }) => range.file === file && range.line === n).map(markOf),
    ]);
  const others = problems
    .filter(({ range }) => range.file !== file)
    .map(
      ({ range, severity, code, message }) => `; ^ ${severity} ${code}: ${range.file}:${range.line + 1}: ${message}`,
    );
  return [...own, ...others].join("\n");
}
