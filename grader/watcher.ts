import type { Assembly } from "../assembler/index.ts";
import { addressOfLabel, type Program, toLinear } from "../debug-adapter/program.ts";
import type { Ending, EventKind, MachineEvent, MachineInterface } from "../emulator/index.ts";
import type { Scenario } from "./assignment.ts";
import { baseless, type Moment, undecided, type Verdict } from "./verdict.ts";

/** A program in a machine, about to run in a scenario. */
export interface Subject {
  readonly scenario: Scenario;
  readonly machine: MachineInterface;
  readonly program: Program;
  /** Of a source; undefined for kernels and disk images. */
  readonly assembly: Assembly | undefined;
  /** The names of the files that are to be handed in, and of the given ones: all others are the student's, too. */
  readonly files: readonly string[];
  readonly given: readonly string[];
  /** Whether the program of the starter has a label or constant of this name: then who takes it out loses points. */
  starterHas(name: string): Promise<boolean>;
  /** The program of the starter; undefined if that does not assemble. */
  starter(): Promise<Assembly | undefined>;
  /** Runs the guest again until so many instructions have retired. */
  momentAfter(instructions: number): Moment;
  /** Runs the guest again, under its technique and beside the bare machine. */
  compare(instructions: number): ReturnType<typeof import("../debug-adapter/compare.ts").compareLoaded>;
}

/** Sees a run. */
export interface Spectator {
  /** What events it is told. */
  readonly kinds?: readonly EventKind[];
  see?(event: MachineEvent): void;
  /** Linear addresses before which the run stops for `look`. It may take some out as the run goes on. */
  readonly stops?: ReadonlySet<bigint>;
  look?(address: bigint): void;
}

/** Sees a run for one check. */
export interface Watcher extends Spectator {
  /** At the end of the run. */
  verdict(end: Ending): Verdict | Promise<Verdict>;
}

/** The present. */
export function momentOf({ machine, scenario }: Subject): Moment {
  return { scenario: scenario.name, step: machine.now, cycle: machine.cycle };
}

export const momentOfEvent = ({ scenario }: Subject, { step, cycle, sequence }: MachineEvent): Moment => ({
  scenario: scenario.name,
  step,
  cycle,
  sequence,
});

/** A name that the program does not have: somebody's fault. */
export async function missing(subject: Subject, name: string, expected: string): Promise<Verdict> {
  return (await subject.starterHas(name))
    ? baseless(expected, `the program has no ${name}`)
    : undecided(expected, `there is no label ${name}, not in the starter either`);
}

/** The linear address of a label, or the verdict where there is none. */
export async function labelled(subject: Subject, name: string, expected: string): Promise<bigint | Verdict> {
  const address = addressOfLabel(subject.program, name);
  return address === undefined ? missing(subject, name, expected) : toLinear(subject.program, address);
}

/** The code between two labels, by linear address. */
export interface Extent {
  readonly from: bigint;
  readonly to: bigint;
}

export const isWithin = (address: bigint, { from, to }: Extent): boolean => address >= from && address < to;

/** The code that `within` means; undefined: all. */
export async function extentOf(
  subject: Subject,
  within: readonly string[] | undefined,
  expected: string,
): Promise<Extent | Verdict | undefined> {
  if (!within) return undefined;
  const from = await labelled(subject, within[0]!, expected);
  const to = await labelled(subject, within[1]!, expected);
  if (typeof from !== "bigint") return from;
  return typeof to === "bigint" ? { from, to } : to;
}

export const isVerdict = (made: object): made is Verdict => "status" in made;
