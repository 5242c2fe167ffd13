import { type Assignment, ofPrograms, type RunFields, type Scenario } from "./assignment.ts";

/** The one run of an assignment that names no scenarios. */
export const onlyScenario = "run";

const runFields = [
  ...(["program", "machine", "scheduler", "technique", "seed", "limit"] as const),
  ...ofPrograms,
] as const satisfies readonly (keyof RunFields)[];

/** What the assignment says for all its runs. */
const common = (assignment: Assignment): RunFields =>
  Object.fromEntries(runFields.flatMap((field) => (field in assignment ? [[field, assignment[field]]] : [])));

/** The runs of an assignment, each with all that is said of it. */
export function scenariosOf(assignment: Assignment): readonly Scenario[] {
  const shared = common(assignment);
  const { scenarios = [{ name: onlyScenario }] } = assignment;
  return scenarios.map((scenario) => {
    // A scenario that names what it runs does not run what the others do.
    const { program, machine, ...rest } = shared;
    const runs = scenario.program === undefined && scenario.machine === undefined ? { program, machine } : {};
    const set = Object.fromEntries(Object.entries(runs).filter(([, value]) => value !== undefined));
    return { ...rest, ...set, ...scenario };
  });
}
