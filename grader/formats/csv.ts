import type { Grades } from "../grades.ts";
import { plain } from "../shown.ts";
import type { Format } from "./format.ts";

/** A cell: quoted where it must be (RFC 4180), and never a formula to a spreadsheet. */
function cell(value: string | number): string {
  const shown = plain(String(value));
  const text = typeof value === "string" && /^[=+\-@]/.test(shown) ? `'${shown}` : shown;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line a submission: name, points, points to be got, points of each check, whatever kept it from being graded. */
function text({ results }: Grades): string {
  const ids = [...new Set(results.flatMap(({ checks }) => checks.map(({ id }) => id)))];
  const rows = results.map(({ student, points, of, checks, problem = "" }) => {
    const pointsOf = new Map(checks.map((check) => [check.id, check.status === "error" ? "" : check.points]));
    return [student, points, of, ...ids.map((id) => pointsOf.get(id) ?? ""), problem];
  });
  return [["student", "points", "of", ...ids, "problem"], ...rows]
    .map((row) => `${row.map(cell).join(",")}\r\n`)
    .join("");
}

export const csv: Format = { name: "csv", doc: "comma-separated values for a spreadsheet", write: text };
