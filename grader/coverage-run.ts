import { LaunchError, type Loaded } from "../debug-adapter/launch.ts";
import type { Assignment, Scenario } from "./assignment.ts";
import { watched } from "./audience.ts";
import { limitOf } from "./guest-run.ts";
import { assignmentFor } from "./read-assignment.ts";
import { scenariosOf } from "./scenarios.ts";
import { loadScenario, situationOf } from "./situation.ts";
import type { Material, Submission } from "./submission.ts";
import { linesOf, Reached } from "./watchers/coverage.ts";

/** The lines of a file that have instructions. */
export interface FileLines {
  readonly file: string;
  /** From 0, each with whether it ran. */
  readonly lines: readonly { readonly line: number; readonly ran: boolean }[];
}

export interface ScenarioLines {
  readonly scenario: string;
  readonly files: readonly FileLines[];
}

/** Runs a loaded program to its end or limit, and gives what ran of its files. */
function linesThatRan(
  { machine, programs }: Loaded,
  scenario: Scenario,
  files: readonly string[],
): readonly FileLines[] {
  const all = [...programs.values()].flatMap((program) =>
    files.map((file) => ({ file, lines: linesOf(program, file) })).filter(({ lines }) => lines.size > 0),
  );
  const reached = new Reached(all.flatMap(({ lines }) => [...lines.values()].flat()));
  watched(machine, [{ stops: reached.stops, look: (address) => reached.look(address) }], limitOf(scenario));
  return all.map(({ file, lines }) => ({
    file,
    lines: [...lines].map(([line, addresses]) => ({ line, ran: addresses.some((one) => !reached.stops.has(one)) })),
  }));
}

/**
 * What of the files handed in ran in each scenario; of scenarios that cannot be run, nothing. For editors: checks of coverage
 * are decided with the others, by `evaluate`.
 */
export async function coverageOf(
  template: Assignment,
  submission: Submission,
  material: Material,
): Promise<readonly ScenarioLines[]> {
  const assignment = assignmentFor(template, submission.student);
  const found: ScenarioLines[] = [];
  for (const scenario of scenariosOf(assignment)) {
    try {
      const loaded = await loadScenario(situationOf(assignment, scenario, submission, material));
      found.push({ scenario: scenario.name, files: linesThatRan(loaded, scenario, assignment.files) });
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
    }
  }
  return found;
}
