import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Files } from "../../grader/submission.ts";
import { UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";

/** Writes files into a folder that must not exist yet, or be empty. @throws UsageError */
export function writeFolder(io: Io, folder: string, files: Files): void {
  let there: readonly string[] = [];
  try {
    there = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw new UsageError(`${folder} is no folder.`);
  }
  if (there.length > 0) throw new UsageError(`${folder} is not empty: name a folder that does not exist yet.`);
  for (const [name, bytes] of files) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    io.writeBytes(path, bytes);
  }
}
