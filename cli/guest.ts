import { AssemblyError, LaunchError, type Loaded, load, MachineFileError } from "../debug-adapter/launch.ts";
import type { LaunchArguments } from "../debug-adapter/protocol.ts";
import type { Ending } from "../emulator/index.ts";
import type { Arguments } from "./command.ts";
import { type ExitCode, exitCode, UsageError } from "./exit-code.ts";
import { decode, type Io, requireBytes } from "./io.ts";
import { jsonText, problemJson } from "./problem-text.ts";
import { launchArguments } from "./source-options.ts";

/** Prints all that is wrong with a source or a machine file. */
export function reportProblems(args: Arguments, io: Io, error: AssemblyError | MachineFileError): void {
  const problems = error instanceof AssemblyError ? error.problems.map(problemJson) : error.problems;
  if (args.flag("json")) io.out(jsonText({ file: args.file, problems }));
  else io.error(error.report);
}

/** Assembles and loads the program of a command line; undefined if it has errors, which are printed. */
export async function loadGuest(
  args: Arguments,
  io: Io,
  over: Partial<LaunchArguments> = {},
): Promise<Loaded | undefined> {
  requireBytes(io, args.file);
  try {
    const given = launchArguments(args);
    const typed = given.serial === "-" ? { serial: decode(io.readInput()) } : {};
    return await load({ ...given, ...typed, ...over }, async (file) => io.readBytes(file));
  } catch (error) {
    if (error instanceof AssemblyError || error instanceof MachineFileError) {
      reportProblems(args, io, error);
      return undefined;
    }
    if (error instanceof LaunchError) throw new UsageError(error.message);
    throw error;
  }
}

const goodEndings: ReadonlySet<Ending["reason"]> = new Set<Ending["reason"]>([
  "halted",
  "debug-exit",
  "shutdown",
  "time-limit",
  "reset",
]);

export const endingCode = ({ reason }: Ending): ExitCode =>
  reason === "limit" ? exitCode.limit : goodEndings.has(reason) ? exitCode.ok : exitCode.guest;
