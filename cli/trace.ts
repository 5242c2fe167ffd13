import { eventText, isObserved, recordedKinds } from "../debug-adapter/event-text.ts";
import { locate } from "../debug-adapter/events.ts";
import { programsIn } from "../debug-adapter/programs.ts";
import { type EventKind, follow, type MachineEvent } from "../emulator/index.ts";
import { observedKinds } from "../emulator/mmu/translation-events.ts";
import type { Arguments, Command } from "./command.ts";
import { type Decision, decisionText, runExplained } from "./decisions.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { loadGuest } from "./guest.ts";
import { runOptions } from "./source-options.ts";
import { conclusion, heading, saveOption, saveRun, stepsFor, titleOption } from "./traces.ts";

const kinds = [...recordedKinds, ...observedKinds];

/** Of the kinds wanted, those that are told only to who asks; undefined if none is. */
function observedOf(wanted: ReadonlySet<EventKind> | undefined, args: Arguments): ReadonlySet<EventKind> | undefined {
  const observed = [...(wanted ?? [])].filter(isObserved);
  if (observed.length === 0) return undefined;
  if (args.flag("why")) throw new UsageError(`Events of kind “${observed[0]}” cannot be shown together with --why.`);
  return new Set(observed);
}

function kindsOf(args: Arguments): ReadonlySet<EventKind> | undefined {
  const text = args.text("kinds");
  if (text === undefined) return undefined;
  const wanted = text.split(",").map((kind) => kind.trim());
  const wrong = wanted.find((kind) => !(kinds as string[]).includes(kind));
  if (wrong !== undefined)
    throw new UsageError(`There are no events of kind “${wrong}”. The kinds are ${kinds.join(", ")}.`);
  return new Set(wanted as EventKind[]);
}

export const trace: Command = {
  name: "trace",
  summary: "Runs a guest and prints its events, one a line: exits, entries, exceptions, output, …",
  details: `Text columns: sequence number, virtual time in cycles, address, kind, what happened. With --json each line is one
event as JSON, with the source line it belongs to. How it stopped is an event too, and the exit code is that of run.

FILE may also be a trace (.rstrace): its run is repeated up to its moment and compared with what was recorded. If it is another
run now, the first difference is printed, and the exit code is 3.`,
  options: {
    kinds: {
      value: "K,…",
      doc: `only these: ${recordedKinds.join(", ")}; and where asked for: ${observedKinds.join(", ")}`,
    },
    why: { doc: "print also, for each sensitive instruction executed, whether it leaves the guest and by which rule" },
    save: saveOption,
    title: titleOption,
    ...runOptions,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const wanted = kindsOf(args);
    const observed = observedOf(wanted, args);
    const loaded = await loadGuest(args, io);
    if (!loaded) return exitCode.problems;
    const steps = stepsFor(args, loaded);
    const { machine, programs, warnings } = loaded;
    io.error(`${warnings}${heading(loaded)}`);
    const line = args.flag("json")
      ? (event: MachineEvent) => `${JSON.stringify(locate(programsIn(machine, programs), event))}\n`
      : eventText;
    const see = (event: MachineEvent): void => {
      if (!wanted || wanted.has(event.kind)) io.out(line(event));
    };
    const tell = (decision: Decision): void =>
      io.out(args.flag("json") ? `${JSON.stringify(decision)}\n` : decisionText(decision));
    const end = args.flag("why") ? runExplained(machine, steps, see, tell) : follow(machine, steps, see, { observed });
    await saveRun(args.text("save"), args, io, loaded);
    const { ending, code, note } = await conclusion(args, loaded, end);
    if (ending.reason === "limit") io.error(`${ending.text}\n`);
    io.error(note);
    return code;
  },
};
