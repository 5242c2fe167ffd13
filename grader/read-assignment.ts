import { check, type FieldProblem, join } from "../emulator/machine-file/check.ts";
import { fieldPlaces, lineAndColumn } from "../emulator/machine-file/places.ts";
import type { PlacedProblem } from "../emulator/machine-file/read.ts";
import type { Assignment, Parameter } from "./assignment.ts";
import { combinationProblems } from "./combinations.ts";
import { allFilledIn, namesOfParameters, parameterProblems, parameterValues } from "./parameters.ts";
import { assignmentSchema } from "./schema.ts";

/** Students whose parameters an assignment is checked with: whether it is right must not depend on who hands in. */
const samples: readonly string[] = ["", "a", "b", "c"];

/** Texts that name parameters which there are not. */
function unknownParameters(value: unknown, known: readonly string[], path = ""): FieldProblem[] {
  if (typeof value === "string") {
    const name = namesOfParameters(value).find((one) => !known.includes(one));
    return name === undefined ? [] : [{ path, message: `${path}: there is no parameter ${name}.` }];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    unknownParameters(item, known, join(path, Array.isArray(value) ? Number(key) : key)),
  );
}

/** What must be right before parameters can be filled in. */
function problemsOfParameters(value: unknown): FieldProblem[] {
  const given = (value as { readonly parameters?: unknown } | null)?.parameters ?? [];
  const problems = check(given, assignmentSchema.properties!["parameters"]!, "parameters");
  if (problems.length > 0) return problems;
  const parameters = given as readonly Parameter[];
  const names = parameters.map(({ name }) => name);
  return [...parameterProblems(parameters), ...unknownParameters(value, names)];
}

/** What is wrong with an assignment as it is for a student. */
function problemsFor(value: unknown, student: string): FieldProblem[] {
  const filled = assignmentFor(value as Assignment, student);
  const problems = check(filled, assignmentSchema);
  return problems.length > 0 ? problems : combinationProblems(filled);
}

function problemsOf(value: unknown): FieldProblem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return check(value, assignmentSchema);
  const problems = problemsOfParameters(value);
  if (problems.length > 0) return problems;
  return samples.map((student) => problemsFor(value, student)).find((found) => found.length > 0) ?? [];
}

/** Where a field is; of one that is missing, what lacks it. */
function placeOf(places: ReadonlyMap<string, number>, path: string): number {
  const around = path.replace(/(?:\.[^.[\]]+|\[\d+\]|^[^.[\]]+)$/, "");
  return places.get(path) ?? (around === path ? 0 : placeOf(places, around));
}

/** Reads an assignment file; every wrong field is named with its place. The parameters are still to be filled in. */
export function readAssignment(
  text: string,
): { readonly assignment: Assignment } | { readonly problems: readonly PlacedProblem[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [{ path: "", message: `This is not JSON: ${(error as Error).message}.`, line: 1, column: 1 }] };
  }
  const problems = problemsOf(value);
  if (problems.length === 0) return { assignment: value as Assignment };
  const places = fieldPlaces(text);
  return {
    problems: problems.map((problem) => ({ ...problem, ...lineAndColumn(text, placeOf(places, problem.path)) })),
  };
}

/** The assignment as a student has it: with the values of the parameters. */
export function assignmentFor(assignment: Assignment, student: string): Assignment {
  const { parameters, ...rest } = assignment;
  const values = parameterValues(assignment, student);
  return { ...(allFilledIn(rest, values) as Assignment), ...(parameters && { parameters }) };
}
