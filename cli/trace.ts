import { eventKinds, eventText } from "../debug-adapter/event-text.ts";
import { locate } from "../debug-adapter/events.ts";
import { type EventKind, follow, type MachineEvent } from "../emulator/index.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { type Decision, decisionText, runExplained } from "./decisions.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { endingCode, loadGuest } from "./guest.ts";
import { defaultSteps, runOptions } from "./source-options.ts";

function kindsOf(args: Arguments): ReadonlySet<EventKind> | undefined {
  const text = args.text("kinds");
  if (text === undefined) return undefined;
  const wanted = text.split(",").map((kind) => kind.trim());
  const wrong = wanted.find((kind) => !(eventKinds as string[]).includes(kind));
  if (wrong !== undefined)
    throw new UsageError(`There are no events of kind “${wrong}”. The kinds are ${eventKinds.join(", ")}.`);
  return new Set(wanted as EventKind[]);
}

export const trace: Command = {
  name: "trace",
  summary: "Runs a guest and prints its events, one a line: exits, entries, exceptions, page walks, output, …",
  details: `Text columns: sequence number, virtual time in cycles, address, kind, what happened. With --json each line is one
event as JSON, with the source line it belongs to. How it stopped is an event too, and the exit code is that of run.`,
  options: {
    kinds: { value: "K,…", doc: `only these: ${eventKinds.join(", ")}` },
    why: { doc: "print also, for each sensitive instruction executed, whether it leaves the guest and by which rule" },
    ...runOptions,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const steps = wholeNumber(args, "max-steps", 1) ?? defaultSteps;
    const kinds = kindsOf(args);
    const loaded = await loadGuest(args, io);
    if (!loaded) return exitCode.problems;
    const { machine, program, warnings } = loaded;
    io.error(warnings);
    const line = args.flag("json") ? (event: MachineEvent) => `${JSON.stringify(locate(program, event))}\n` : eventText;
    const see = (event: MachineEvent): void => {
      if (!kinds || kinds.has(event.kind)) io.out(line(event));
    };
    const tell = (decision: Decision): void =>
      io.out(args.flag("json") ? `${JSON.stringify(decision)}\n` : decisionText(decision));
    const ending = args.flag("why") ? runExplained(machine, steps, see, tell) : follow(machine, steps, see);
    if (ending.reason === "limit") io.error(`${ending.text}\n`);
    return endingCode(ending);
  },
};
