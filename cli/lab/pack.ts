import { join } from "node:path";
import { assignmentFileName, studentBundle } from "../../grader/bundle.ts";
import { type ExitCode, exitCode, UsageError } from "../exit-code.ts";
import { readCourse } from "../grade/material.ts";
import { type Io, requireBytes } from "../io.ts";
import { writeFolder } from "./folder.ts";
import { labFolder } from "./shipped.ts";

/** Puts into a folder what students get of an assignment. */
export function packLab(lab: string, folder: string, student: string | undefined, io: Io): ExitCode {
  const source = labFolder(lab);
  if (!(io.readBytes(join(source, assignmentFileName)) instanceof Uint8Array))
    throw new UsageError(`There is no lab “${lab}”, and no ${join(source, assignmentFileName)}.`);
  const course = readCourse(io, source);
  if (!course) return exitCode.problems;
  const { assignment, material } = course;
  if (assignment.checks.every(({ hidden }) => hidden))
    throw new UsageError("All checks are hidden: students need one.");
  const { text } = assignment;
  const texts = new Map(text === undefined ? [] : [[text, requireBytes(io, join(source, text))]]);
  const { files, leftOut } = studentBundle(assignment, material, texts, student);
  writeFolder(io, folder, files);
  const hidden = assignment.checks.filter((check) => check.hidden).reduce((sum, { points }) => sum + points, 0);
  io.out(`${files.size} files in ${folder}.\n`);
  io.out(
    `Left out: ${[...(assignment.solution === undefined ? [] : ["the solution"]), ...leftOut.given].join(", ") || "nothing"}.\n`,
  );
  if (leftOut.checks.length > 0) io.out(`Hidden checks: ${leftOut.checks.join(", ")} (${hidden} points).\n`);
  return exitCode.ok;
}
