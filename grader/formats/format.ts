import type { Grades } from "../grades.ts";
import type { CheckResult } from "../result.ts";

/** A way to write grades down. */
export interface Format {
  readonly name: string;
  readonly doc: string;
  /** It is of one submission. */
  readonly isSingle?: true;
  write(grades: Grades): string;
}

/** What a person is told of a check that did not pass. */
export function explanation({ status, expected, happened, place, moment, feedback, hint }: CheckResult): string {
  if (status === "passed") return "";
  const lines = [
    ...(status === "error" ? ["This check could not be decided, which is a fault of the assignment."] : []),
    ...(expected ? [`Expected: ${expected}`] : []),
    ...(happened ? [`Happened: ${happened}`] : []),
    ...(place ? [`At: ${place.file}:${place.line}`] : []),
    ...(moment ? [`When: step ${moment.step}, cycle ${moment.cycle} of the run “${moment.scenario}”`] : []),
    ...(feedback ? [feedback] : []),
    ...(hint ? [`Hint: ${hint}`] : []),
  ];
  return lines.join("\n");
}
