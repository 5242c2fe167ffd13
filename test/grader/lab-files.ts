import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Assignment } from "../../grader/assignment.ts";
import { evaluate } from "../../grader/evaluate.ts";
import { readAssignment } from "../../grader/read-assignment.ts";
import type { Result } from "../../grader/result.ts";
import type { Files } from "../../grader/submission.ts";

export const labFolder = join(import.meta.dirname, "../../examples/labs");
export const labNames: readonly string[] = readdirSync(labFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

export interface Lab {
  readonly assignment: Assignment;
  readonly given: Files;
  readonly starter: Files;
  readonly solution: Files;
}

const filesIn = (folder: string, names: readonly string[]): Files =>
  new Map(
    names.filter((name) => existsSync(join(folder, name))).map((name) => [name, readFileSync(join(folder, name))]),
  );

export function readLab(name: string): Lab {
  const folder = join(labFolder, name);
  const read = readAssignment(readFileSync(join(folder, "assignment.ringside.json"), "utf8"));
  if ("problems" in read)
    throw new Error(read.problems.map(({ line, message }) => `${name}:${line}: ${message}`).join("\n"));
  const { assignment } = read;
  const { files, given = [], starter = ".", solution = "." } = assignment;
  return {
    assignment,
    given: filesIn(folder, given),
    starter: filesIn(join(folder, starter), files),
    solution: filesIn(join(folder, solution), files),
  };
}

/** What a lab's checks make of files handed in. */
export const gradeLab = ({ assignment, given, starter }: Lab, files: Files, student = "ada"): Promise<Result> =>
  evaluate(assignment, { student, files }, { given, starter });
