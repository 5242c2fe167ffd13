/** Runs as files, on the command line. */
import type { Loaded } from "../debug-adapter/launch.ts";
import { recordingOf, replay } from "../debug-adapter/recording.ts";
import type { Ending } from "../emulator/index.ts";
import { TraceTooLarge, writeTrace } from "../trace-file/index.ts";
import { type Arguments, type Option, wholeNumber } from "./command.ts";
import { type ExitCode, exitCode, UsageError } from "./exit-code.ts";
import { endingCode } from "./guest.ts";
import type { Io } from "./io.ts";
import { defaultSteps } from "./source-options.ts";

export const saveOption: Option = {
  value: "FILE",
  doc: "write the run as a trace to FILE (.rstrace), which opens at its end: here, in the editor, on another computer",
};
export const titleOption: Option = { value: "TEXT", doc: "title of the trace" };

/** How many steps a guest is to run: as it is said; a trace to its moment, a machine file to the end it sets. */
export function stepsFor(args: Arguments, { trace, machine }: Loaded): number {
  const recorded = trace && trace.moment.step + (trace.moment.ended ? 1 : 0);
  const ends = machine.configuration.host?.until !== undefined;
  return wholeNumber(args, "max-steps", 1) ?? recorded ?? (ends ? Number.MAX_SAFE_INTEGER : defaultSteps);
}

/** Saves the run up to now, if that is asked for. @throws UsageError if it cannot be written */
export async function saveRun(file: string | undefined, args: Arguments, io: Io, loaded: Loaded): Promise<void> {
  if (file === undefined) return;
  const { machine } = loaded;
  const where = machine.stopped ? machine.stopped.reason : `step ${machine.now.toLocaleString("en")}`;
  const title = args.text("title") ?? `${args.file} under ${machine.configuration.technique}: ${where}`;
  try {
    const trace = await recordingOf(loaded, async (name) => io.readBytes(name), { title });
    io.writeBytes(file, await writeTrace(trace));
  } catch (error) {
    if (error instanceof TraceTooLarge) throw new UsageError(error.message);
    throw error;
  }
}

/** What a run ended with; of one that was replayed from a trace, where that led and whether it was the same. */
export async function conclusion(
  args: Arguments,
  { machine, trace }: Loaded,
  ending: Ending,
): Promise<{ readonly ending: Ending; readonly code: ExitCode; readonly note: string }> {
  const plain = { ending, code: endingCode(ending), note: "" };
  if (!trace || args.text("max-steps") !== undefined) return plain;
  const difference = await replay(
    { machine, run: (steps) => machine.run({ steps }), breathe: async () => true },
    trace,
  );
  if (difference !== "") return { ...plain, code: exitCode.guest, note: `${difference}\n` };
  if (ending.reason !== "limit") return { ...plain, code: exitCode.ok };
  const { step, place } = trace.moment;
  const text = `The moment of the trace “${trace.title}”: step ${step.toLocaleString("en")}, ${place}.`;
  return { ending: { reason: "limit", text }, code: exitCode.ok, note: "" };
}

/** What a person wrote into a trace, and how to read it. */
export const heading = ({ trace }: Loaded): string =>
  trace
    ? `— trace “${trace.title}” of Ringside ${trace.product}, up to step ${trace.moment.step.toLocaleString("en")}, ${trace.moment.place}\n${trace.note ? `${trace.note}\n` : ""}`
    : "";
