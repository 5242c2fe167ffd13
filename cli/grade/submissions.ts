import { readdirSync } from "node:fs";
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

/** The name of a submission: that of its folder, or of its file without the extension; or the part of it that a pattern says. */
function nameOf(path: string, pattern: RegExp | undefined): string {
  const name = basename(resolve(path)).replace(/(?<=.)\.[A-Za-z]+$/, "");
  return pattern?.exec(name)?.[1] ?? name;
}

/** The submissions that a command line names, by the names of their students. @throws UsageError */
export function submissionsOf(
  paths: readonly string[],
  { each, students }: { readonly each: boolean; readonly students: RegExp | undefined },
): readonly Job[] {
  const jobs = (each ? paths.flatMap(within) : paths).map((path) => ({ student: nameOf(path, students), path }));
  jobs.sort((a, b) => byName(a.student, b.student) || byName(a.path, b.path));
  for (const [n, { student, path }] of jobs.entries())
    if (n > 0 && jobs[n - 1]!.student === student)
      throw new UsageError(`Two submissions are named ${student}: ${jobs[n - 1]!.path} and ${path}.`);
  return jobs;
}
