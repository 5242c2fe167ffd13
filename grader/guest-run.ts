import type { Assembly } from "../assembler/index.ts";
import { compareLoaded } from "../debug-adapter/compare.ts";
import { assembleFile, LaunchError, type Loaded, load, type ReadFile } from "../debug-adapter/launch.ts";
import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import type { Ending, EventKind, MachineEvent, MachineInterface } from "../emulator/index.ts";
import { drain, limitText } from "../emulator/trace/follow.ts";
import type { Assignment, Scenario } from "./assignment.ts";
import { plain } from "./shown.ts";
import { type Files, filesFor, type Material, readerOf, type Submission } from "./submission.ts";
import { baseless, undecided, type Verdict } from "./verdict.ts";
import { isVerdict, type Subject, type Watcher } from "./watcher.ts";
import { type RunPredicate, watcherFor } from "./watchers/index.ts";

/** Where a run ends that the assignment does not limit. */
const defaultSteps = 20_000_000;

/** MiB that a program may ask for where the assignment says nothing. */
const mostAsked = 128;

/** Steps between two looks at events and limits: always at the same moments, whatever is watched. */
const slice = 20_000;

/** What a run took. */
export interface Figures {
  readonly cycles: number;
  readonly steps: number;
  readonly instructions: number;
  readonly exits: number;
  readonly references: number;
}

export interface GuestRun {
  /** Undefined where the program did not run. */
  readonly ended: Ending | undefined;
  /** Why it did not. */
  readonly problem?: string;
  readonly figures: Figures | undefined;
  readonly verdicts: ReadonlyMap<RunPredicate, Verdict>;
}

/** The launch arguments of a scenario. */
export function launchOf({ files: [first] }: Assignment, scenario: Scenario): LaunchArguments {
  const { name, title, program = first!, machine, seed, limit, ...run } = scenario;
  return { program, ...run };
}

const subjectOf = (
  loaded: Loaded,
  { assignment, scenario, read, material, student }: Situation,
  assembly: Assembly | undefined,
): Subject => ({
  scenario,
  machine: loaded.machine,
  program: loaded.program,
  assembly,
  files: assignment.files,
  starterHas: async (name) => (await starterSymbols(assignment, scenario, material, student)).has(name),
  compare: (instructions) => compareLoaded(loaded, loaded.machine.configuration.technique, read, instructions),
});

/** The labels and constants that the program of a scenario has as students get it. */
async function starterSymbols(
  assignment: Assignment,
  scenario: Scenario,
  material: Material,
  student: string,
): Promise<ReadonlySet<string>> {
  const read = readerOf(filesFor(assignment, material.given, student), filesFor(assignment, material.starter, student));
  try {
    const { symbols } = await assembleFile(launchOf(assignment, scenario), read);
    return new Set(symbols.keys());
  } catch (error) {
    if (error instanceof LaunchError) return new Set();
    throw error;
  }
}

/** A scenario with a submission. */
export interface Situation {
  readonly assignment: Assignment;
  readonly scenario: Scenario;
  readonly read: ReadFile;
  readonly material: Material;
  readonly student: string;
}

export const situationOf = (
  assignment: Assignment,
  scenario: Scenario,
  { student, files }: Submission,
  material: Material,
): Situation => {
  const given: Files = filesFor(assignment, material.given, student);
  return { assignment, scenario, read: readerOf(given, files), material, student };
};
