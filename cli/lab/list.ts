import { type ExitCode, exitCode } from "../exit-code.ts";
import { readCourse } from "../grade/material.ts";
import type { Io } from "../io.ts";
import { labNames, shippedLab } from "./shipped.ts";

/** Prints the labs that come with Ringside. */
export function listLabs(io: Io): ExitCode {
  const names = labNames();
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const course = readCourse(io, shippedLab(name));
    if (!course) return exitCode.problems;
    const points = course.assignment.checks.reduce((sum, check) => sum + check.points, 0);
    io.out(`${name.padEnd(width)}  ${String(points).padStart(3)} points  ${course.assignment.title}\n`);
  }
  return exitCode.ok;
}
