import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { Assignment } from "../../grader/assignment.ts";
import { assignmentFileName } from "../../grader/bundle.ts";
import { readAssignment } from "../../grader/read-assignment.ts";
import type { Files, Material } from "../../grader/submission.ts";
import { UsageError } from "../exit-code.ts";
import { decode, type Io, requireText } from "../io.ts";

/** An assignment with all of the instructor's that grading needs. */
export interface Course {
  readonly assignment: Assignment;
  readonly material: Material;
  /** Of the files as they should be; undefined where the assignment names no folder. */
  readonly solution: Files | undefined;
  readonly fingerprint: string;
}

function filesOf(io: Io, folder: string, names: readonly string[], isNeeded: boolean): Files {
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = io.readBytes(join(folder, name));
    if (bytes instanceof Uint8Array) files.set(name, bytes);
    else if (isNeeded) throw new UsageError(`The assignment's file ${join(folder, name)} cannot be read.`);
  }
  return files;
}

/** Of everything on which results depend but the submissions. */
function fingerprintOf(text: string, { given, starter }: Material): string {
  const hash = createHash("sha256").update(text);
  for (const files of [given, starter])
    for (const [name, bytes] of files) hash.update(`\0${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex");
}

/** The folder or file of an assignment, as its file. */
function assignmentFile(io: Io, path: string): string {
  const within = join(path, assignmentFileName);
  return io.readBytes(within) instanceof Uint8Array ? within : path;
}

/**
 * Reads an assignment, and what it is given with. Undefined: it has errors, which are printed.
 *
 * @throws UsageError if a file is missing
 */
export function readCourse(io: Io, path: string): Course | undefined {
  const file = assignmentFile(io, path);
  const text = requireText(io, file);
  const read = readAssignment(text);
  if ("problems" in read) {
    for (const { line, column, message } of read.problems) io.error(`${file}:${line}:${column}: error: ${message}\n`);
    return undefined;
  }
  const { assignment } = read;
  const folder = dirname(file);
  const starter = filesOf(io, join(folder, assignment.starter ?? "."), assignment.files, false);
  const material = { given: filesOf(io, folder, assignment.given ?? [], true), starter };
  const solution =
    assignment.solution === undefined
      ? undefined
      : filesOf(io, join(folder, assignment.solution), assignment.files, false);
  return {
    assignment,
    material,
    solution,
    fingerprint: fingerprintOf(decode(new TextEncoder().encode(text)), material),
  };
}
