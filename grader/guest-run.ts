import { compareLoaded } from "../debug-adapter/compare.ts";
import { LaunchError, type Loaded } from "../debug-adapter/launch.ts";
import { createMachine, type Ending } from "../emulator/index.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { Limit, Scenario } from "./assignment.ts";
import { watched } from "./audience.ts";
import type { Figures } from "./figures.ts";
import { loadScenario, type Refusal, refused, type Situation, starterAssembly, starterSymbols } from "./situation.ts";
import { baseless, type Moment, undecided, type Verdict } from "./verdict.ts";
import { isVerdict, type Subject, type Watcher } from "./watcher.ts";
import { type RunPredicate, watcherFor } from "./watchers/index.ts";
import { inVm } from "./watchers/vm.ts";

/** Where a run ends that the assignment does not limit. */
const defaultSteps = 20_000_000;

/** Where the run of a scenario ends. */
export const limitOf = ({ limit }: Scenario): Required<Limit> => ({
  steps: limit?.steps ?? defaultSteps,
  cycles: limit?.cycles ?? Number.POSITIVE_INFINITY,
});

export interface GuestRun {
  /** Undefined where the program did not run. */
  readonly ended: Ending | undefined;
  readonly problem?: Refusal;
  readonly figures: Figures | undefined;
  /** How a scheduler shared the time, where there is one. */
  readonly schedule: ReturnType<MachineInterface["schedule"]>;
  readonly verdicts: ReadonlyMap<RunPredicate, Verdict>;
}

const subjectOf = (loaded: Loaded, situation: Situation): Subject => ({
  scenario: situation.scenario,
  machine: loaded.machine,
  program: loaded.program,
  assembly: loaded.assembly,
  files: situation.assignment.files,
  given: situation.assignment.given ?? [],
  starter: () => starterAssembly(situation),
  starterHas: async (name) => (await starterSymbols(situation)).has(name),
  momentAfter: (instructions) => momentAfter(loaded, situation.scenario.name, instructions),
  compare: (instructions) =>
    compareLoaded(loaded, loaded.machine.configuration.technique, situation.read, instructions),
});

/** Runs a machine like the loaded one until so many instructions have retired, or it stops. */
function momentAfter({ machine, typeInto }: Loaded, scenario: string, instructions: number): Moment {
  const again = createMachine(machine.configuration);
  typeInto(again);
  while (again.instructions < instructions && !again.stopped) again.run({ steps: instructions - again.instructions });
  return { scenario, step: again.now, cycle: again.cycle };
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
    return { ended: undefined, problem, figures: undefined, schedule: undefined, verdicts: new Map(told) };
  }
  const subject = subjectOf(loaded, situation);
  const verdicts = new Map<RunPredicate, Verdict>();
  const watchers = new Map<RunPredicate, Watcher>();
  const limit = limitOf(situation.scenario);
  for (const predicate of predicates) {
    const made = await inVm(subject, loaded.programs, predicate, (of) => watcherFor(of, predicate, limit.steps));
    if (isVerdict(made)) verdicts.set(predicate, made);
    else watchers.set(predicate, made);
  }
  const { ended, exits } = watched(loaded.machine, [...watchers.values()], limit);
  for (const [predicate, watcher] of watchers) verdicts.set(predicate, await watcher.verdict(ended));
  const { cycle: cycles, now: steps, instructions, walkReferences: references } = loaded.machine;
  const figures = { cycles, steps, instructions, exits, references };
  return { ended, figures, schedule: loaded.machine.schedule(), verdicts };
}
