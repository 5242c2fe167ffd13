/** A run so far as a trace, and the way back to its moment. */
import { fileKey } from "../assembler/location.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import {
  type ProgramFiles,
  product,
  type Trace,
  type TracedEvent,
  type TraceMoment,
  type TraceState,
  type TraceSummary,
} from "../trace-file/index.ts";
import { describeEvent } from "./event-text.ts";
import { returnTo } from "./history.ts";
import { Pace } from "./pace.ts";
import type { Past } from "./past.ts";
import type { Loaded, ReadFile } from "./place.ts";
import { hexadecimal, itemAt, type Program } from "./program.ts";
import { filesForTrace } from "./trace-files.ts";

/** Events that a trace tells of without a replay. */
const mostEvents = 10_000;

/** What a trace needs besides the machine at its moment. */
interface Recorded {
  readonly title: string;
  readonly note?: string;
  /** What is known of the source, by VM. */
  readonly programs?: ReadonlyMap<string, Program>;
  /** What the machine's program was loaded from (`Loaded.origin`). */
  readonly origin?: ProgramFiles;
}

/** The run of a machine up to now. */
function traceOf(machine: MachineInterface, { title, note, programs, origin }: Recorded): Trace {
  return {
    product,
    title,
    ...(note === undefined ? {} : { note }),
    configuration: machine.configuration,
    actions: machine.actions,
    moment: momentOf(machine, programs?.get(machine.vm), origin),
    state: stateOf(machine),
    ...(origin && { program: origin }),
    summary: summaryOf(machine, programs, origin),
  };
}

function momentOf(
  machine: MachineInterface,
  program: Program | undefined,
  origin: ProgramFiles | undefined,
): TraceMoment {
  const item = program && itemAt(program, machine.linearRip);
  const place = item
    ? `${nameOf(item.range.file, origin)}:${item.range.line + 1}`
    : hexadecimal(machine.linearRip).toUpperCase().replace("0X", "0x");
  const { now: step, lastSequence: sequence, cycle } = machine;
  return { step, sequence, cycle, ended: machine.stopped !== undefined, place };
}

function stateOf(machine: MachineInterface): TraceState {
  const registers = Object.fromEntries(machine.registers().map(({ name, value }) => [name, value.toString(16)]));
  return { vm: machine.vm, vcpu: machine.vcpu, registers, ...machine.digest };
}

/** A file as a trace names it: the longest of its names with which the file's own ends. */
function nameOf(file: string, origin: ProgramFiles | undefined): string {
  const key = fileKey(file);
  const names = Object.keys(origin?.files ?? {}).filter((name) => key === name || key.endsWith(`/${name}`));
  return names.reduce((longest, name) => (name.length > longest.length ? name : longest), "") || key;
}

function summaryOf(
  machine: MachineInterface,
  programs: Recorded["programs"],
  origin: ProgramFiles | undefined,
): TraceSummary {
  const { lastSequence } = machine;
  const exits = new Map<string, { count: number; cost: number }>();
  for (const event of machine.events(0, Number.MAX_SAFE_INTEGER, ["exit"])) {
    if (event.kind !== "exit") continue;
    const { count = 0, cost = 0 } = exits.get(event.reason) ?? {};
    exits.set(event.reason, { count: count + 1, cost: cost + event.cost });
  }
  return {
    exits: [...exits].map(([reason, { count, cost }]) => ({ reason, count, cost })),
    events: machine
      .events(Math.max(0, lastSequence - mostEvents), mostEvents)
      .map((event) => ({ ...traced(event), ...sourceOf(event, programs?.get(event.vm), origin) })),
  };
}

/** An event as a trace has it, its place in the source aside. */
function traced(event: MachineEvent): TracedEvent {
  const { sequence, cycle, step, vm, vcpu, rip, kind } = event;
  const exit = event.kind === "exit" ? { reason: event.reason, cost: event.cost, why: event.why.sentence } : {};
  return { sequence, cycle, step, vm, vcpu, rip, kind, text: describeEvent(event), ...exit };
}

function sourceOf(
  { rip }: MachineEvent,
  program: Program | undefined,
  origin: ProgramFiles | undefined,
): Pick<TracedEvent, "source"> {
  const item = program && itemAt(program, BigInt(`0x${rip}`));
  return item ? { source: { file: nameOf(item.range.file, origin), line: item.range.line } } : {};
}

/** The run so far of a loaded program, its files named for any computer. */
export async function recordingOf(
  { machine, programs, origin }: Pick<Loaded, "machine" | "programs" | "origin">,
  readFile: ReadFile,
  texts: { readonly title: string; readonly note?: string },
): Promise<Trace> {
  const files = await filesForTrace(origin, { machine, programs, readFile });
  return traceOf(machine, { ...texts, programs, origin: files });
}

/** Goes to the moment of a trace, in a machine made as it says. Gives what is not as it was, in sentences; nothing if all is. */
export async function replay(
  { machine, run, breathe }: Omit<Past, "program">,
  trace: Trace,
): Promise<string | "given up"> {
  const { step, ended } = trace.moment;
  const pace = new Pace();
  while (machine.now < step) {
    const { now, lastSequence } = machine;
    run(Math.min(pace.left, step - now));
    if (machine.stopped && machine.now === now) break;
    if (pace.spend(machine.now - now, machine.lastSequence - lastSequence) && !(await breathe())) return "given up";
  }
  if (machine.now === step) returnTo(machine, { now: step, ended });
  const difference = firstDifference(machine, trace);
  if (!difference) return "";
  const by = trace.product === product ? "this version of Ringside" : `Ringside ${trace.product}; this is ${product}`;
  return `This is not the run that was recorded, which was by ${by}. ${difference}`;
}

function firstDifference(machine: MachineInterface, { moment, state, summary }: Trace): string | undefined {
  const event = differentEvent(machine, summary.events);
  if (event) return event;
  if (machine.now !== moment.step)
    return `The guest ended at step ${machine.now.toLocaleString("en")}, before the recorded moment (step ${moment.step.toLocaleString("en")}).`;
  if (machine.vm !== state.vm || machine.vcpu !== state.vcpu) machine.look(state);
  const present = stateOf(machine);
  const names = Object.keys(state.registers).filter((name) => state.registers[name] !== present.registers[name]);
  const values = names.map(
    (name) => `${name} is ${present.registers[name] ?? "not there"}, was ${state.registers[name]}`,
  );
  if (values.length > 0) return `The events agree, but at the moment ${values.join("; ")} (hexadecimal).`;
  if (present.memory !== state.memory) return "The events and registers agree, but memory differs at the moment.";
  if (present.rest !== state.rest)
    return "The events, registers and memory agree, but devices or the VMM are in another state at the moment.";
  return undefined;
}

function differentEvent(machine: MachineInterface, recorded: readonly TracedEvent[]): string | undefined {
  const [first] = recorded;
  if (!first) return undefined;
  const replayed = machine.events(first.sequence - 1, recorded.length);
  for (const [n, before] of recorded.entries()) {
    const event = replayed[n];
    const now = event && traced(event);
    const { source: _, ...was } = before;
    if (now && JSON.stringify(now) === JSON.stringify(ordered(was, now))) continue;
    const what = ({ step, kind, text }: TracedEvent) => `at step ${step.toLocaleString("en")}: ${kind}, ${text}`;
    return `Event ${before.sequence} was ${what(before)}. Now ${now ? `it is ${what(now)}` : "there is none"}.`;
  }
  return undefined;
}

/** The same fields in the order of another object, the others behind them. */
const ordered = (fields: object, like: object): object => ({
  ...Object.fromEntries(Object.keys(like).map((key) => [key, (fields as Record<string, unknown>)[key]])),
  ...fields,
});
