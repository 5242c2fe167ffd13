import type { Assembly } from "../assembler/index.ts";
import { AssemblyError, assembleFile, LaunchError, type Loaded, load, type ReadFile } from "../debug-adapter/launch.ts";
import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import { type AnyConfiguration, computerOf } from "../emulator/configuration/machine-configuration.ts";
import { isTrace } from "../trace-file/index.ts";
import type { Assignment, Scenario } from "./assignment.ts";
import { plain } from "./shown.ts";
import { filesFor, type Material, readerOf, type Submission } from "./submission.ts";

/** MiB that programs may ask for together where the assignment says nothing. */
const mostAsked = 128;

/** The launch arguments of a scenario. */
function launchOf({ files: [first] }: Assignment, scenario: Scenario): LaunchArguments {
  const { name, title, program = first!, machine, limit, ...run } = scenario;
  return { program: machine ?? program, ...run };
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

const starterReader = (assignment: Assignment, { given, starter }: Material, student: string): ReadFile =>
  readerOf(filesFor(assignment, given, student), filesFor(assignment, starter, student));

/** The labels and constants that the program of a scenario has as students get it. */
export async function starterSymbols(situation: Situation): Promise<ReadonlySet<string>> {
  const { assignment, scenario, material, student } = situation;
  if (scenario.machine === undefined) return new Set((await starterAssembly(situation))?.symbols.keys());
  try {
    const { programs } = await load(launchOf(assignment, scenario), starterReader(assignment, material, student));
    return new Set([...programs.values()].flatMap(({ symbols }) => [...symbols.keys()]));
  } catch (error) {
    if (error instanceof LaunchError) return new Set();
    throw error;
  }
}

/** The program of a scenario as students get it; undefined if that does not assemble, or there is none. */
export async function starterAssembly({
  assignment,
  scenario,
  material,
  student,
}: Situation): Promise<Assembly | undefined> {
  if (scenario.machine !== undefined) return undefined;
  try {
    return await assembleFile(launchOf(assignment, scenario), starterReader(assignment, material, student));
  } catch (error) {
    if (error instanceof LaunchError) return undefined;
    throw error;
  }
}

/** Why a program does not run, and whether that is the assignment's fault. */
export interface Refusal {
  readonly text: string;
  readonly isAssignments: boolean;
}

/** Why a program cannot be run, and whether the starter could not either: then no submission can be blamed. */
export async function refused(error: LaunchError, situation: Situation): Promise<Refusal> {
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
  const isGiven = scenario.machine !== undefined && !assignment.files.includes(scenario.machine);
  return load(launch, read, (configuration) => {
    if (!isGiven && scenario.memory === undefined) refuseMuch(configuration);
  });
}

/** @throws LaunchError */
function refuseMuch(configuration: AnyConfiguration): void {
  const memory = computerOf(configuration).vms.reduce((sum, vm) => sum + vm.memory, 0);
  if (memory > mostAsked)
    throw new LaunchError(`The program asks for ${memory} MiB of memory; ${mostAsked} are the most.`);
}
