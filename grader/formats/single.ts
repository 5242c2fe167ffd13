/** Formats in which a course's platform takes the result of one submission; its students see them. */

import { utf8 } from "../../emulator/utf8.ts";
import { toBase64 } from "../../trace-file/index.ts";
import { forStudent, type Grades } from "../grades.ts";
import type { CheckResult, Result } from "../result.ts";
import { explanation, type Format } from "./format.ts";

const only = ({ results: [result] }: Grades): Result => forStudent(result!);

/** Platforms do not know checks that could not be decided: nobody is to lose points for one. */
const scoreOf = ({ status, points, of }: CheckResult): number => (status === "error" ? of : points);

const textOf = (check: CheckResult): string =>
  explanation(check) || (check.hidden && check.status !== "passed" ? "What this check looks at is not shown." : "");

function gradescopeText(grades: Grades): string {
  const { checks, problem } = only(grades);
  const tests = checks.map((check) => ({
    name: check.title,
    score: scoreOf(check),
    max_score: check.of,
    status: check.status === "failed" ? "failed" : "passed",
    output: textOf(check),
    visibility: "visible",
    extra_data: { id: check.id },
  }));
  const output = problem === undefined ? {} : { output: problem };
  return `${JSON.stringify({ ...output, visibility: "visible", stdout_visibility: "hidden", tests }, null, 2)}\n`;
}

/** https://gradescope-autograders.readthedocs.io/en/latest/specs/ */
export const gradescope: Format = {
  name: "gradescope",
  doc: "Gradescope's results.json",
  isSingle: true,
  write: gradescopeText,
};

const overall = (checks: readonly CheckResult[]): "pass" | "fail" =>
  checks.some(({ status }) => status === "failed") ? "fail" : "pass";

/** What github-education-resources/autograding-grading-reporter takes in the variable NAME_RESULTS, in base64. */
function classroomText(grades: Grades): string {
  const { checks } = only(grades);
  const tests = checks.map((check) => ({
    name: check.title,
    status: check.status === "failed" ? "fail" : "pass",
    score: scoreOf(check),
    message: textOf(check),
    test_code: check.id,
    filename: check.place?.file ?? "",
    line_no: check.place?.line ?? 0,
    execution_time: 0,
  }));
  const sum = checks.reduce((total, { of }) => total + of, 0);
  const result = { version: 1, status: overall(checks), max_score: sum, tests };
  return `${toBase64(Uint8Array.from(utf8(JSON.stringify(result))))}\n`;
}

export const classroom: Format = {
  name: "classroom",
  doc: "what GitHub Classroom's autograding reporter takes, in base64",
  isSingle: true,
  write: classroomText,
};
