import { lstatSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { byName } from "../../grader/grades.ts";
import { UsageError } from "../exit-code.ts";
import type { Job } from "./protocol.ts";

/** Every file and folder in a folder that is not hidden. @throws UsageError */
function within(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .map((name) => join(folder, name));
  } catch {
    throw new UsageError(`--each: ${folder} is no folder that can be read.`);
  }
}

/** Whether a folder lacks what is asked for, and folders in it have it. */
function holdsSubmissions(folder: string, files: readonly string[]): boolean {
  if (!lstatSync(folder).isDirectory() || files.some((name) => isThere(join(folder, name)))) return false;
  return within(folder).some((inner) => files.some((name) => isThere(join(inner, name))));
}

/** The name of a submission: that of its folder, or of its file without the extension; or the part of it that a pattern says. */
function nameOf(path: string, pattern: RegExp | undefined): string {
  const name = basename(resolve(path)).replace(/(?<=.)\.[A-Za-z]+$/, "");
  return pattern?.exec(name)?.[1] ?? name;
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** How submissions are named on a command line. */
export interface Naming {
  readonly each: boolean;
  readonly students: RegExp | undefined;
  /** The files that are asked for. */
  readonly files: readonly string[];
}

/** The submissions that a command line names, by the names of their students. @throws UsageError */
export function submissionsOf(paths: readonly string[], { each, students, files }: Naming): readonly Job[] {
  const absent = paths.find((path) => !isThere(path));
  if (absent !== undefined) throw new UsageError(`There is no file or folder ${absent}.`);
  const [only] = paths;
  if (!each && only !== undefined && paths.length === 1 && holdsSubmissions(only, files))
    throw new UsageError(`${only} has none of ${files.join(", ")}, but folders that do: say --each.`);
  const jobs = (each ? paths.flatMap(within) : paths).map((path) => ({ student: nameOf(path, students), path }));
  jobs.sort((a, b) => byName(a.student, b.student) || byName(a.path, b.path));
  for (const [n, { student, path }] of jobs.entries())
    if (n > 0 && jobs[n - 1]!.student === student)
      throw new UsageError(`Two submissions are named ${student}: ${jobs[n - 1]!.path} and ${path}.`);
  return jobs;
}
