import type { Assignment, Predicate } from "../../grader/assignment.ts";
import { evaluate } from "../../grader/evaluate.ts";
import { readAssignment } from "../../grader/read-assignment.ts";
import type { Result } from "../../grader/result.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const filesOf = (texts: Readonly<Record<string, string>>): Map<string, Uint8Array> =>
  new Map(Object.entries(texts).map(([name, text]) => [name, bytes(text)]));

/** An assignment that is right. */
export function assignmentOf(fields: object): Assignment {
  const read = readAssignment(JSON.stringify({ title: "Test", files: ["a.asm"], ...fields }));
  if ("problems" in read) throw new Error(read.problems.map(({ message }) => message).join("\n"));
  return read.assignment;
}

interface Given {
  readonly given?: Readonly<Record<string, string>>;
  readonly starter?: Readonly<Record<string, string>>;
  readonly student?: string;
}

/** Grades files handed in. */
export function grade(
  assignment: Assignment,
  handedIn: Readonly<Record<string, string>>,
  { given = {}, starter = handedIn, student = "ada" }: Given = {},
): Promise<Result> {
  return evaluate(
    assignment,
    { student, files: filesOf(handedIn) },
    { given: filesOf(given), starter: filesOf(starter) },
  );
}

export const checkOf = (expect: Predicate, more: object = {}) => ({
  id: "one",
  title: "One",
  points: 1,
  expect,
  ...more,
});
