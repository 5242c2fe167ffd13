import { mergedGrades, readGrades } from "../../grader/grades.ts";
import type { Arguments } from "../command.ts";
import { type ExitCode, exitCode, UsageError } from "../exit-code.ts";
import { type Io, requireText } from "../io.ts";
import { checkOutputs, outputsOf, putOut } from "./outputs.ts";

/** Puts grades together that several runs have written as JSON. */
export function merge(args: Arguments, files: readonly string[], io: Io): ExitCode {
  if (files.length === 0) throw new UsageError("Name the files to put together: ringside grade merge FILE…");
  const outputs = outputsOf(args);
  const parts = files.map((file) => {
    const grades = readGrades(requireText(io, file));
    if (typeof grades === "string") throw new UsageError(`${file}: ${grades}.`);
    return grades;
  });
  const merged = mergedGrades(parts);
  if (typeof merged === "string") throw new UsageError(`These files cannot be put together: ${merged}.`);
  checkOutputs(outputs, merged.results.length);
  putOut(args, io, outputs, merged);
  return exitCode.ok;
}
