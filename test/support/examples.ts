import { readFileSync } from "node:fs";
import { join } from "node:path";

/** 1-based number of the first line of an example that matches. */
export function lineIn(file: string, pattern: RegExp): number {
  const lines = readFileSync(join(import.meta.dirname, "..", "..", "examples", file), "utf8").split("\n");
  const index = lines.findIndex((line) => pattern.test(line));
  if (index < 0) throw new Error(`no line of ${file} matches ${pattern}`);
  return index + 1;
}
