/** A trace as a program to be debugged. */
import { computerOf } from "../emulator/configuration/machine-configuration.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type ProgramFiles, readTrace, sameValue, type Trace } from "../trace-file/index.ts";
import { imageProgram } from "./boot.ts";
import { LaunchError, type Loaded, machineOf, type ReadFile, shortName } from "./place.ts";
import type { Program } from "./program.ts";
import type { LaunchArguments } from "./protocol.ts";
import { programBeside, programInTrace } from "./trace-files.ts";

/** A trace, and the machine that will go its way. @throws LaunchError if it cannot be opened */
export async function openTrace(
  { program: file, snapshotMemory }: LaunchArguments,
  bytes: Uint8Array,
  readFile: ReadFile,
): Promise<Loaded> {
  const read = await readTrace(bytes);
  if ("problems" in read) throw new LaunchError(`${shortName(file)}: ${read.problems.join(" ")}`);
  const { trace } = read;
  const machine = replaying(trace, file, snapshotMemory);
  const typeInto = (other: MachineInterface): void => {
    for (const { step, what } of trace.actions) {
      if (step === 0 && what.kind === "input") other.input(what.text);
      else if (step === 0 && what.kind === "press") other.press(what.text);
    }
  };
  const { programs, warnings } = await programsOf(trace, { file, readFile, machine });
  const program = programs.get(machine.vm)!;
  const origin: ProgramFiles = trace.program ?? { arguments: { program: file }, files: { [file]: bytes } };
  return { machine, program, programs, warnings, typeInto, origin, trace };
}

/** @throws LaunchError if this version cannot make such a machine */
function replaying(
  { configuration, actions, product }: Trace,
  file: string,
  snapshotMemory: number | undefined,
): MachineInterface {
  try {
    return machineOf(configuration, { actions, snapshotMemory });
  } catch (error) {
    if (error instanceof LaunchError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LaunchError(
      `${shortName(file)}: its "configuration", of Ringside ${product}, is none that this version can make a machine of: ${why}.`,
    );
  }
}

interface Place {
  readonly file: string;
  readonly readFile: ReadFile;
  readonly machine: MachineInterface;
}

/** What is known of the programs' sources. */
async function programsOf(
  trace: Trace,
  { file, readFile, machine }: Place,
): Promise<{ readonly programs: ReadonlyMap<string, Program>; readonly warnings: string }> {
  const vms = computerOf(trace.configuration).vms.map(({ name }) => name);
  const unknown = new Map(vms.map((vm) => [vm, imageProgram(file)]));
  const kept = trace.program;
  if (!kept)
    return { programs: unknown, warnings: `${shortName(file)} holds no sources; the guest is shown as mere code.\n` };
  try {
    const found = (await programBeside(kept, file, readFile, machine)) ?? (await programInTrace(kept, machine));
    const same = sameValue(computerOf(found.configuration), computerOf(trace.configuration));
    const warnings = same
      ? ""
      : "Its sources give another machine with this version than the one that was recorded; the recorded one runs, and source lines may be wrong.\n";
    return { programs: found.programs, warnings };
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    return { programs: unknown, warnings: `The sources in the trace are of no use: ${error.message}\n` };
  }
}
