import { type PlacedProblem, readMachineFile } from "../emulator/machine-file/machine-file.ts";
import { runMachineFile } from "../emulator/machine-file/run.ts";
import type { ScheduleEvent } from "../emulator/schedule/schedule-event.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { type Io, requireText } from "./io.ts";
import { jsonText } from "./problem-text.ts";
import { chartText, eventText, fairnessText } from "./schedule-text.ts";

const problemsText = (file: string, problems: readonly PlacedProblem[]): string =>
  problems.map(({ line, column, message }) => `${file}:${line}:${column}: error: ${message}\n`).join("");

function report(args: Arguments, io: Io, problems: readonly PlacedProblem[]) {
  if (args.flag("json")) io.out(jsonText({ file: args.file, problems }));
  else io.error(problemsText(args.file, problems));
  return exitCode.problems;
}

/** The part of the run that the chart shows, in microseconds. */
function spanOf(args: Arguments, duration: number) {
  const from = wholeNumber(args, "from", 0) ?? 0;
  const to = wholeNumber(args, "to", 1) ?? duration;
  if (from >= to || to > duration)
    throw new UsageError(`--from ${from} and --to ${to} must lie in this order within the ${duration} µs of the run.`);
  return { from, to, width: wholeNumber(args, "width", 10) ?? 90 };
}

export const schedule: Command = {
  name: "schedule",
  summary: "Runs model workloads on virtual CPUs under a scheduler; prints who ran when, and how fair it was.",
  details: `FILE is a machine file, *.ringside.json: physical CPUs, a scheduler, VMs with what their vCPUs do. No guest program is run:
what vCPUs do are models (cpu, periodic, thief, lock, shootdown, threads). Exits with 1 if the file has errors.`,
  options: {
    scheduler: { value: "S", doc: "use this scheduler, with its default options, instead of the file's" },
    events: { doc: "print every decision with its reason, and what led to it" },
    from: { value: "US", doc: "the chart begins at this microsecond; default 0" },
    to: { value: "US", doc: "the chart ends at this microsecond; default: at the end" },
    width: { value: "N", doc: "columns of the chart; default 90" },
    json: { doc: "print fairness figures, with --events also events, as JSON" },
    help: { doc: "print this" },
  },
  run(args, io) {
    const scheduler = args.text("scheduler");
    if (scheduler !== undefined && !schedulers.some(({ name }) => name === scheduler))
      throw new UsageError(
        `--scheduler needs one of ${schedulers.map(({ name }) => name).join(", ")}, not “${scheduler}”.`,
      );
    const read = readMachineFile(requireText(io, args.file), scheduler);
    if ("problems" in read) return report(args, io, read.problems);
    const { file } = read;
    const span = spanOf(args, file.duration);
    const events: ScheduleEvent[] = [];
    const { figures, workloads } = runMachineFile(file, (event) => void events.push(event));
    if (args.flag("json")) {
      const { name } = file.scheduler;
      const told = args.flag("events") ? { events } : {};
      io.out(jsonText({ file: args.file, scheduler: name, ...figures, workloads, ...told }));
      return exitCode.ok;
    }
    if (args.flag("events")) for (const event of events) io.out(eventText(event));
    io.out(chartText(file, { events, figures, span }));
    io.out(fairnessText(figures, workloads));
    return exitCode.ok;
  },
};
