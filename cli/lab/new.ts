import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type ExitCode, exitCode, UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { writeFolder } from "./folder.ts";
import { labFolder, labNames } from "./shipped.ts";

/** Copies a lab with all that belongs to it. */
export function newLab(lab: string, folder: string, io: Io): ExitCode {
  const source = labFolder(lab);
  if (source === lab) throw new UsageError(`There is no lab “${lab}”; there are ${labNames().join(", ")}.`);
  const paths = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const name = (path: string): string => relative(source, path).split(sep).join("/");
  writeFolder(io, folder, new Map(paths.map((path) => [name(path), readFileSync(path)])));
  io.out(`${paths.length} files in ${folder}. Try it on its own starter and solution: ringside grade ${folder}\n`);
  return exitCode.ok;
}
