import { compareLoaded } from "../debug-adapter/compare.ts";
import { AssemblyError, assembleFile, LaunchError, type Loaded, load, type ReadFile } from "../debug-adapter/launch.ts";
import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import type { Ending } from "../emulator/index.ts";
import { isTrace } from "../trace-file/index.ts";
import type { Assignment, Scenario } from "./assignment.ts";
import { watched } from "./audience.ts";
import type { Figures } from "./figures.ts";
import { plain } from "./shown.ts";
import { filesFor, type Material, readerOf, type Submission } from "./submission.ts";
import { baseless, undecided, type Verdict } from "./verdict.ts";
import { isVerdict, type Subject, type Watcher } from "./watcher.ts";
import { type RunPredicate, watcherFor } from "./watchers/index.ts";

/** Where a run ends that the assignment does not limit. */
const defaultSteps = 20_000_000;

/** MiB that a program may ask for where the assignment says nothing. */
const mostAsked = 128;

export interface GuestRun {
  /** Undefined where the program did not run. */
  readonly ended: Ending | undefined;
  /** Why it did not, and whether that is the assignment's fault. */
  readonly problem?: { readonly text: string; readonly isAssignments: boolean };
  readonly figures: Figures | undefined;
  readonly verdicts: ReadonlyMap<RunPredicate, Verdict>;
}

/** The launch arguments of a scenario. */
export function launchOf({ files: [first] }: Assignment, scenario: Scenario): LaunchArguments {
  const { name, title, program = first!, machine, seed, limit, ...run } = scenario;
  return { program, ...run };
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
  const read = readerOf(filesFor(assignment, material.given, student), files);
  return { assignment, scenario, read, material, student };
};

const subjectOf = (loaded: Loaded, { assignment, scenario, read, material, student }: Situation): Subject => ({
  scenario,
  machine: loaded.machine,
  program: loaded.program,
  assembly: loaded.assembly,
  files: assignment.files,
  starterHas: async (name) => (await starterSymbols(assignment, scenario, material, student)).has(name),
  compare: (instructions) => compareLoaded(loaded, loaded.machine.configuration.technique, read, instructions),
});

const starterReader = (assignment: Assignment, { given, starter }: Material, student: string): ReadFile =>
  readerOf(filesFor(assignment, given, student), filesFor(assignment, starter, student));

/** The labels and constants that the program of a scenario has as students get it. */
async function starterSymbols(
  assignment: Assignment,
  scenario: Scenario,
  material: Material,
  student: string,
): Promise<ReadonlySet<string>> {
  try {
    const { symbols } = await assembleFile(
      launchOf(assignment, scenario),
      starterReader(assignment, material, student),
    );
    return new Set(symbols.keys());
  } catch (error) {
    if (error instanceof LaunchError) return new Set();
    throw error;
  }
}

/** Why a program cannot be run, and whether the starter could not either: then no submission can be blamed. */
async function refused(error: LaunchError, situation: Situation): Promise<NonNullable<GuestRun["problem"]>> {
  const text = plain(error.message);
  if (error instanceof AssemblyError) return { text, isAssignments: false };
  const { assignment, scenario, material, student } = situation;
  try {
    await load(launchOf(assignment, scenario), starterReader(assignment, material, student));
    return { text, isAssignments: false };
  } catch (other) {
    if (!(other instanceof LaunchError)) throw other;
    return { text, isAssignments: !(other instanceof AssemblyError) && other.message === error.message };
  }
}

/** A program that may be run: loaded, and no larger than it may be. @throws LaunchError */
export async function loadScenario({ assignment, scenario, read }: Situation): Promise<Loaded> {
  const launch = launchOf(assignment, scenario);
  const bytes = await read(launch.program);
  // A trace brings a configuration of its own.
  if (bytes instanceof Uint8Array && isTrace(launch.program, bytes))
    throw new LaunchError(`${launch.program} is a trace, no program.`);
  const loaded = await load(launch, read);
  const memory = Math.max(...loaded.machine.configuration.vms.map((vm) => vm.memory));
  if (scenario.memory === undefined && memory > mostAsked)
    throw new LaunchError(`The program asks for ${memory} MiB of memory; ${mostAsked} are the most.`);
  return loaded;
}

/** Runs the program of a scenario once, for all checks that ask about it. */
export async function runGuest(situation: Situation, predicates: readonly RunPredicate[]): Promise<GuestRun> {
  let loaded: Loaded;
  try {
    loaded = await loadScenario(situation);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const problem = await refused(error, situation);
    const verdict = problem.isAssignments ? undecided : baseless;
    const told = predicates.map(
      (predicate) => [predicate, verdict("a program that can be run", problem.text)] as const,
    );
    return { ended: undefined, problem, figures: undefined, verdicts: new Map(told) };
  }
  const subject = subjectOf(loaded, situation);
  const verdicts = new Map<RunPredicate, Verdict>();
  const watchers = new Map<RunPredicate, Watcher>();
  const most = situation.scenario.limit?.steps ?? defaultSteps;
  for (const predicate of predicates) {
    const made = await watcherFor(subject, predicate, most);
    if (isVerdict(made)) verdicts.set(predicate, made);
    else watchers.set(predicate, made);
  }
  const { cycles: mostCycles = Number.POSITIVE_INFINITY } = situation.scenario.limit ?? {};
  const limit = { steps: most, cycles: mostCycles };
  const { ended, exits } = watched(loaded.machine, [...watchers.values()], limit);
  for (const [predicate, watcher] of watchers) verdicts.set(predicate, await watcher.verdict(ended));
  const { cycle: cycles, now: steps, instructions, walkReferences: references } = loaded.machine;
  return { ended, figures: { cycles, steps, instructions, exits, references }, verdicts };
}
