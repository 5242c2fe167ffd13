import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The source of an example. */
export const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, "..", "..", "examples", name), "utf8");

/** 1-based number of the first line of an example that matches. */
export function lineIn(file: string, pattern: RegExp): number {
  const lines = example(file).split("\n");
  const index = lines.findIndex((line) => pattern.test(line));
  if (index < 0) throw new Error(`no line of ${file} matches ${pattern}`);
  return index + 1;
}
