import type { TechniqueId } from "../../isa/technique.ts";
import { check, type FieldProblem } from "./check.ts";
import { combinationProblems } from "./combinations.ts";
import type { MachineFile } from "./machine-file.ts";
import { fieldPlaces, lineAndColumn } from "./places.ts";
import { machineFileSchema } from "./schema.ts";

/** A problem at its place in the text, counted from 1. */
export interface PlacedProblem extends FieldProblem {
  readonly line: number;
  readonly column: number;
}

/** The end of a machine file's name. */
export const machineFileEnding = ".ringside.json";
/** An assignment's file has a name of its own that ends alike. */
export const isMachineFile = (file: string): boolean => /(?<!(?:^|[\\/])assignment)\.ringside\.json$/i.test(file);

/** What is said beside the file, and overrules it. */
export interface Overrides {
  readonly scheduler?: string;
  readonly seed?: number;
  readonly technique?: TechniqueId;
}

/** Reads a machine file; every wrong field is named with its place. */
export function readMachineFile(
  text: string,
  { scheduler, seed, technique }: Overrides = {},
): { readonly file: MachineFile } | { readonly problems: readonly PlacedProblem[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [{ path: "", message: `This is not JSON: ${(error as Error).message}.`, line: 1, column: 1 }] };
  }
  const problems = check(value, machineFileSchema);
  const given = value as MachineFile;
  const file = {
    ...given,
    ...(scheduler !== undefined && { scheduler: { name: scheduler } }),
    ...(seed !== undefined && { seed }),
    ...(technique !== undefined && { technique }),
  };
  if (problems.length === 0) problems.push(...combinationProblems(file));
  if (problems.length === 0) return { file };
  const places = fieldPlaces(text);
  return {
    problems: problems.map((problem) => ({ ...problem, ...lineAndColumn(text, places.get(problem.path) ?? 0) })),
  };
}
