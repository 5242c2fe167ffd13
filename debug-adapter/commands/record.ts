/** Commands that show what has happened: `exits`, `trace`, `units`, `compare`. */
import type { EventKind, MachineEvent } from "../../emulator/trace/event.ts";
import { type TechniqueId, techniqueById, techniques } from "../../isa/technique.ts";
import { eventText, recordedKinds } from "../event-text.ts";
import { Refusal } from "../requests.ts";
import type { ExitEvent } from "../run.ts";
import { translationsText } from "../translations-text.ts";
import type { Command, Context } from "./command.ts";
import { columnsText, plural } from "./table-text.ts";

const defaultCount = 20;
const mostShown = 1000;
/** Events looked through at a time, from the newest back. */
const stretch = 10_000;

/** The newest events of a kind, or of all, that `accept` agrees to; oldest first. */
function newest(
  context: Context,
  count: number,
  kinds: readonly EventKind[] | undefined,
  accept: (event: MachineEvent) => boolean,
) {
  const { machine } = context;
  const found: MachineEvent[] = [];
  for (let end = machine.lastSequence; end > 0 && found.length < count; end -= stretch) {
    const events = machine.events(Math.max(0, end - stretch), stretch, kinds).filter(({ sequence }) => sequence <= end);
    found.unshift(...events.filter(accept).slice(-(count - found.length)));
  }
  return found;
}

const listText = (events: readonly MachineEvent[]): string => events.map(eventText).join("").trimEnd();

function exitTable({ machine }: Context): string {
  const tallies = new Map<string, { count: number; cost: number }>();
  for (let after = 0; after < machine.lastSequence; ) {
    const events = machine.events(after, stretch, ["exit"]) as readonly ExitEvent[];
    for (const { reason, cost } of events) {
      const tally = tallies.get(reason) ?? { count: 0, cost: 0 };
      tallies.set(reason, { count: tally.count + 1, cost: tally.cost + cost });
    }
    if (events.length < stretch) break;
    after = events.at(-1)!.sequence;
  }
  if (tallies.size === 0) return "There has been no VM exit up to now.";
  const sorted = [...tallies].sort(([, a], [, b]) => b.cost - a.cost || b.count - a.count);
  const total = sorted.reduce((sum, [, { count }]) => sum + count, 0);
  const rows = [
    ["reason", "exits", "cycles"],
    ...sorted.map(([reason, { count, cost }]) => [reason, count.toLocaleString("en"), cost.toLocaleString("en")]),
  ];
  return `${plural(total, "exit")} up to now\n${columnsText(rows, [1, 2])}`;
}

const plain = (name: string): string =>
  name
    .toUpperCase()
    .replaceAll(/[^A-Z\d]+/g, "_")
    .replace(/^_/, "");

function exits(context: Context, argument: string): string {
  if (argument === "") return exitTable(context);
  const wanted = plain(argument);
  const events = newest(
    context,
    defaultCount,
    ["exit"],
    (event) => event.kind === "exit" && plain(event.reason).includes(wanted),
  );
  if (events.length === 0) throw new Refusal(`There has been no VM exit "${argument}" up to now.`);
  return listText(events);
}

const exitReasons = ({ machine }: Pick<Context, "machine">): readonly string[] => [
  ...new Set(
    machine
      .events(Math.max(0, machine.lastSequence - stretch), stretch, ["exit"])
      .map((event) => (event as ExitEvent).reason),
  ),
];

function trace(context: Context, argument: string): string {
  const words = argument.split(/[\s,]+/).filter((word) => word !== "");
  const count = Math.min(mostShown, Number(words.find((word) => /^\d+$/.test(word)) ?? defaultCount));
  const kinds = words.filter((word) => !/^\d+$/.test(word)).map((word) => word.toLowerCase());
  const unknown = kinds.find((kind) => !recordedKinds.some((known) => known === kind));
  if (unknown !== undefined)
    throw new Refusal(`There are no events of the kind "${unknown}", only ${recordedKinds.join(", ")}.`);
  const events = newest(context, count, kinds.length > 0 ? (kinds as EventKind[]) : undefined, () => true);
  return events.length > 0 ? listText(events) : "There has been no such event up to now.";
}

function units({ machine, program }: Context, argument: string): string {
  const all = machine.translatedUnits();
  const wanted = argument === "" ? all : all.filter(({ id }) => `${id}` === argument);
  if (all.length > 0 && wanted.length === 0)
    throw new Refusal(`There is no unit ${argument}; the last is ${all.at(-1)!.id}.`);
  if (argument === "" && all.length > 0)
    return columnsText(
      [
        ["unit", "guest code", "instructions", "translation", "entered", ""],
        ...all.map(({ id, linear, guest, cache, hits, alive }) => [
          `${id}`,
          `${linear}h`,
          `${guest.length}`,
          `${cache}h`,
          `${hits}`,
          alive ? "" : "invalidated",
        ]),
      ],
      [0, 1, 2, 3, 4],
    );
  return translationsText(program, wanted).trimEnd();
}

async function compare(context: Context, argument: string): Promise<string> {
  const technique = techniqueById(argument || context.machine.configuration.technique);
  if (!technique)
    throw new Refusal(`There is no technique "${argument}", only ${techniques.map(({ id }) => id).join(", ")}.`);
  const run = await context.compare(technique.id as TechniqueId);
  if (run.refused !== undefined) return `${technique.id}: ${run.refused}`;
  const { totals, divergence, compared, place } = run;
  const exitCount = totals.exits.reduce((sum, { count }) => sum + count, 0);
  const head = `${technique.id}: ${plural(totals.instructions, "instruction")}, ${plural(exitCount, "exit")}, ${plural(totals.cycles, "cycle")}`;
  if (!divergence) return `${head}\nThe same as on the bare machine for ${plural(compared, "instruction")}.`;
  const where = place ? `${place.file}:${place.line + 1}: ${place.text}` : `${divergence.address}h`;
  const differences = divergence.registers.map(
    ({ name, bare, hosted }) => `  ${name} is ${bare}h on the bare machine, ${hosted}h here`,
  );
  return [
    head,
    `First differs from the bare machine after ${plural(divergence.instructions, "instruction")}, at ${where}`,
    ...differences,
  ].join("\n");
}

export const recordCommands: readonly Command[] = [
  {
    name: "exits",
    parameters: "[REASON]",
    what: "VM exits up to now by reason, with what they cost; or the last ones of a reason.",
    words: exitReasons,
    run: exits,
  },
  {
    name: "trace",
    parameters: "[COUNT] [KIND]…",
    what: "The last events, 20 if no other number is given, of all kinds or of some.",
    words: () => recordedKinds,
    run: trace,
  },
  {
    name: "units",
    parameters: "[UNIT]",
    what: "Binary translation: the units of the translation cache, or the code of one.",
    run: units,
  },
  {
    name: "compare",
    parameters: "[TECHNIQUE]",
    what: "Runs the guest again from its start under a technique and beside the bare machine, and says where it first differs.",
    words: () => techniques.map(({ id }) => id),
    run: compare,
  },
];
