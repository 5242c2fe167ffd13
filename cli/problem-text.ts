import type { Problem } from "../assembler/index.ts";

/** A problem as compilers print it: 1-based line and column. */
export const problemText = ({ range, severity, code, message }: Problem): string =>
  `${range.file}:${range.line + 1}:${range.start + 1}: ${severity}: ${message} [${code}]\n`;

/** A problem in the JSON of every command: 1-based, end exclusive. */
export const problemJson = ({ range, severity, code, message, related }: Problem) => ({
  file: range.file,
  line: range.line + 1,
  column: range.start + 1,
  endColumn: range.end + 1,
  code,
  severity,
  message,
  ...(related && {
    related: related.map((place) => ({
      file: place.range.file,
      line: place.range.line + 1,
      column: place.range.start + 1,
      message: place.message,
    })),
  }),
});

/** “2 errors, 1 warning”. */
export function countText(problems: readonly Problem[]): string {
  const counts = (["error", "warning", "information"] as const).map((severity) => {
    const count = problems.filter((problem) => problem.severity === severity).length;
    const noun = severity === "information" || count === 1 ? severity : `${severity}s`;
    return count === 0 ? "" : `${count} ${noun}`;
  });
  return counts.filter(Boolean).join(", ") || "no problems";
}

export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
