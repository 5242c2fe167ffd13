import { AssemblyError, LaunchError, type Loaded, load } from "../debug-adapter/launch.ts";
import type { MachineEvent, MachineInterface, StopReason } from "../emulator/index.ts";
import type { Arguments } from "./command.ts";
import { type ExitCode, exitCode, UsageError } from "./exit-code.ts";
import { decode, type Io, requireBytes } from "./io.ts";
import { jsonText, problemJson } from "./problem-text.ts";
import { launchArguments } from "./source-options.ts";

/** How a run ended: as the machine says, or because the limit of steps was reached. */
export interface Ending {
  readonly reason: StopReason | "limit";
  readonly text: string;
}

/** Steps between two looks at the event stream, so that no event is dropped in between. */
const slice = 20_000;

/** Assembles and loads the program of a command line; undefined if it has errors, which are printed. */
export async function loadGuest(args: Arguments, io: Io): Promise<Loaded | undefined> {
  requireBytes(io, args.file);
  try {
    const given = launchArguments(args);
    const typed = given.serial === "-" ? { serial: decode(io.readInput()) } : {};
    return await load({ ...given, ...typed }, async (file) => io.readBytes(file));
  } catch (error) {
    if (error instanceof AssemblyError) {
      if (args.flag("json")) io.out(jsonText({ file: args.file, problems: error.problems.map(problemJson) }));
      else io.error(error.report);
      return undefined;
    }
    if (error instanceof LaunchError) throw new UsageError(error.message);
    throw error;
  }
}

export const limitText = (steps: number): string =>
  `The guest was still running after ${steps.toLocaleString("en")} steps.`;

/** Runs a machine to its end or for `steps` steps; every event is seen once, in order. */
export function runGuest(machine: MachineInterface, steps: number, see: (event: MachineEvent) => void): Ending {
  let seen = 0;
  const end = machine.now + steps;
  for (;;) {
    const stop = machine.run({ steps: Math.min(slice, end - machine.now) });
    const ended = stop.kind === "stopped" || machine.now >= end;
    // An exit gets its cost when the guest is resumed: until then it, and what follows it, waits for the next look.
    const ready = (!ended && machine.pendingExit?.sequence) || Number.POSITIVE_INFINITY;
    for (const event of machine.events(seen, Number.MAX_SAFE_INTEGER)) {
      if (event.sequence >= ready) break;
      see(event);
      seen = event.sequence;
    }
    if (stop.kind === "stopped") return { reason: stop.reason, text: stop.text };
    if (ended) return { reason: "limit", text: limitText(steps) };
  }
}

const goodEndings: ReadonlySet<Ending["reason"]> = new Set<Ending["reason"]>([
  "halted",
  "debug-exit",
  "shutdown",
  "reset",
]);

export const endingCode = ({ reason }: Ending): ExitCode =>
  reason === "limit" ? exitCode.limit : goodEndings.has(reason) ? exitCode.ok : exitCode.guest;
