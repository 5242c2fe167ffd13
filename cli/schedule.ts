import { MachineFileError } from "../debug-adapter/launch.ts";
import { follow } from "../emulator/index.ts";
import { runsPrograms } from "../emulator/machine-file/machine-file.ts";
import { readMachineFile } from "../emulator/machine-file/read.ts";
import { runMachineFile } from "../emulator/machine-file/run.ts";
import { type ScheduleEvent, scheduleEventOf } from "../emulator/schedule/schedule-event.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { loadGuest, reportProblems } from "./guest.ts";
import { type Io, requireText } from "./io.ts";
import { jsonText } from "./problem-text.ts";
import { chartText, eventText, fairnessText } from "./schedule-text.ts";
import {
  includeOption,
  overridesOf,
  schedulerOption,
  seedOption,
  stepsOption,
  techniqueOption,
} from "./source-options.ts";
import { stepsFor } from "./traces.ts";

/** The part of the run that the chart shows, in microseconds. */
function spanOf(args: Arguments, duration: number) {
  const from = wholeNumber(args, "from", 0) ?? 0;
  const to = wholeNumber(args, "to", 1) ?? duration;
  if (from >= to || to > duration)
    throw new UsageError(`--from ${from} and --to ${to} must lie in this order within the ${duration} µs of the run.`);
  return { from, to, width: wholeNumber(args, "width", 10) ?? 90 };
}

/** Runs the programs of a machine file; undefined if they have errors, which are printed. */
async function runPrograms(args: Arguments, io: Io, record: (event: ScheduleEvent) => void) {
  const loaded = await loadGuest(args, io);
  if (!loaded) return undefined;
  const { machine, warnings } = loaded;
  io.error(warnings);
  const ending = follow(machine, stepsFor(args, loaded), (event) => {
    if (event.kind === "schedule") record(scheduleEventOf(event));
  });
  if (ending.reason === "limit") io.error(`${ending.text}\n`);
  return { figures: machine.schedule()!, workloads: {} };
}

export const schedule: Command = {
  name: "schedule",
  summary: "Runs virtual CPUs under a scheduler; prints who ran when, and how fair it was.",
  details: `FILE is a machine file, *.ringside.json: physical CPUs, a scheduler, VMs with their programs, or with models of what their
vCPUs do (cpu, periodic, thief, lock, shootdown, threads). Exits with 1 if the file or a program has errors.`,
  options: {
    scheduler: schedulerOption,
    seed: seedOption,
    technique: techniqueOption,
    include: includeOption,
    "max-steps": stepsOption,
    events: { doc: "print every decision with its reason, and what led to it" },
    from: { value: "US", doc: "the chart begins at this microsecond; default 0" },
    to: { value: "US", doc: "the chart ends at this microsecond; default: at the end" },
    width: { value: "N", doc: "columns of the chart; default 90" },
    json: { doc: "print fairness figures, with --events also events, as JSON" },
    help: { doc: "print this" },
  },
  async run(args, io) {
    const read = readMachineFile(requireText(io, args.file), overridesOf(args));
    if ("problems" in read) {
      reportProblems(args, io, new MachineFileError(args.file, read.problems));
      return exitCode.problems;
    }
    const { file } = read;
    const events: ScheduleEvent[] = [];
    const record = (event: ScheduleEvent): void => void events.push(event);
    const run = runsPrograms(file) ? await runPrograms(args, io, record) : runMachineFile(file, record);
    if (!run) return exitCode.problems;
    const { figures, workloads } = run;
    const span = spanOf(args, figures.time);
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
