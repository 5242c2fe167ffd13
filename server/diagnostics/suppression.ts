import type { Problem } from "../../assembler/index.ts";

/** The text of a line (0-based) of a file; undefined if the file is not at hand or has no such line. */
export type LineOf = (file: string, line: number) => string | undefined;

/** `; ringside: ignore CODE, CODE`, behind an instruction or on a line of its own above it. */
const comment = /;\s*ringside:\s*ignore\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)/i;

const codesIn = (line: string | undefined): readonly string[] => comment.exec(line ?? "")?.[1]?.split(/\s*,\s*/) ?? [];

/** Whether a comment in the source says that the problem is to be left out. */
export function isIgnored({ code, range: { file, line } }: Problem, lineOf: LineOf): boolean {
  if (codesIn(lineOf(file, line)).includes(code)) return true;
  const above = line > 0 ? lineOf(file, line - 1) : undefined;
  return above?.trimStart().startsWith(";") === true && codesIn(above).includes(code);
}
