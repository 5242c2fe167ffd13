import { columnsText } from "../../debug-adapter/commands/table-text.ts";
import type { Grades } from "../grades.ts";
import type { CheckResult, Result } from "../result.ts";
import { plain } from "../shown.ts";
import { explanation, type Format } from "./format.ts";

const cell = ({ status, points, of }: CheckResult): string => {
  if (status === "error") return "?";
  if (status === "passed") return of === 0 ? "yes" : `${points}`;
  return points > 0 ? `${points}` : "–";
};

const row = ({ student, points, of, checks }: Result): readonly string[] => [
  plain(student),
  `${points}`,
  `${of}`,
  ...checks.map(cell),
];

const detail = (check: CheckResult): string => {
  const sign = { passed: "passed", failed: "failed", error: "error " }[check.status];
  const lines = explanation(check).split("\n").filter(Boolean);
  return `${sign}  ${check.points}/${check.of}  ${plain(check.title)}\n${lines.map((line) => `        ${line}\n`).join("")}`;
};

/** Of each submission its points, and of each check. Of a single one, what happened too. */
function text({ assignment: { title }, results }: Grades): string {
  const [first] = results;
  if (!first) return `${plain(title)}: no submissions\n`;
  const head = ["student", "points", "of", ...first.checks.map(({ id }) => id)];
  const numbers = head.map((_, n) => n).slice(1);
  const table = `${columnsText([head, ...results.map(row)], numbers)}\n`;
  const problems = results.flatMap(({ student, problem }) =>
    problem === undefined ? [] : [`${plain(student)}: ${problem}\n`],
  );
  const details = results.length === 1 ? `\n${first.checks.map(detail).join("")}` : "";
  return `${plain(title)}\n\n${table}${details}${problems.length > 0 ? `\n${problems.join("")}` : ""}`;
}

export const table: Format = { name: "table", doc: "a table for people; of a single submission, details", write: text };
