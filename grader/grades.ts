/** What grading a set of submissions came to: written by one process, read and merged by others. */
import type { CheckResult, Result } from "./result.ts";

const format = "ringside-grades";
const version = 1;

export interface Grades {
  readonly assignment: {
    readonly title: string;
    /** Equal for equal assignments, given files and starters: only such grades can be put together. */
    readonly fingerprint: string;
  };
  /** By the name of the student. */
  readonly results: readonly Result[];
}

/** Names in an order that does not depend on where the program runs. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const gradesOf = (assignment: Grades["assignment"], results: readonly Result[]): Grades => ({
  assignment,
  results: [...results].sort((a, b) => byName(a.student, b.student)),
});

export const gradesText = (grades: Grades): string => `${JSON.stringify({ format, version, ...grades }, null, 2)}\n`;

/** Reads what `gradesText` has written, or says in a sentence why it cannot. */
export function readGrades(text: string): Grades | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `this is not JSON: ${(error as Error).message}`;
  }
  const given = value as Partial<Grades & { format: string; version: number }> | null;
  if (typeof given !== "object" || given?.format !== format)
    return "these are no grades of ringside grade --format json";
  if (given.version !== version) return `these grades have version ${given.version}; this program reads ${version}`;
  const { assignment, results } = given;
  if (typeof assignment?.fingerprint !== "string" || !Array.isArray(results)) return "these grades are not complete";
  return { assignment, results };
}

/** Puts the grades of several runs together, or says in a sentence why that cannot be. */
export function mergedGrades(parts: readonly Grades[]): Grades | string {
  const [first] = parts;
  if (!first) return "there are no grades to put together";
  const other = parts.find(({ assignment }) => assignment.fingerprint !== first.assignment.fingerprint);
  if (other)
    return `the grades are of different assignments or versions of one: “${first.assignment.title}” and “${other.assignment.title}”`;
  const results = parts.flatMap((part) => part.results);
  const names = new Set<string>();
  for (const { student } of results) {
    if (names.has(student)) return `there are two results of ${student}`;
    names.add(student);
  }
  return gradesOf(first.assignment, results);
}

function checkForStudent(check: CheckResult): CheckResult {
  if (!check.hidden) return check;
  const { id, title, status, points, of, hidden } = check;
  return { id, title, status, points, of, hidden, expected: "", happened: "" };
}

/** A result as its student may see it: of hidden checks only whether they were passed. */
export const forStudent = (result: Result): Result => ({ ...result, checks: result.checks.map(checkForStudent) });
