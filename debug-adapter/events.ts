import { screenText, withMargin } from "../emulator/devices/screen.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { ConsoleBatch } from "./console-batch.ts";
import { ConsoleText } from "./console-text.ts";
import { itemAt } from "./program.ts";
import type { Programs } from "./programs.ts";
import type { Events, LocatedEvent, Requests } from "./protocol.ts";
import { Readers } from "./readers.ts";
import { viewUri } from "./trace-sources.ts";

/** Slices between two `ringside/advanced` events while the guest runs. */
const slicesPerNews = 8;

/** Failures told of a slice. */
const mostFailures = 10;

const vmfailText = ({ instruction, error, text }: MachineEvent & { kind: "vmfail" }): string =>
  `${instruction} failed${error === undefined ? "" : `, VM-instruction error ${error}`}: ${text}`;

/** Something that the guest's own hypervisor has done wrong, as a line; nothing for other events. */
function failureText(event: MachineEvent): string {
  if (event.kind === "lint") return `${event.text}\n`;
  return event.kind === "vmfail" ? `${vmfailText(event)}\n` : "";
}

/** An event with the source line of its instruction. */
export function locate(programs: Programs, event: MachineEvent): LocatedEvent {
  const item = itemAt(programs.of(event), BigInt(`0x${event.rip}`));
  return item ? { ...event, source: { uri: viewUri(item.range.file), line: item.range.line } } : event;
}

/** The event stream of a machine as views and consoles receive it. */
export class EventFeed {
  readonly #machine: MachineInterface;
  readonly #programs: Programs;
  /** Number of the last event whose console text has been printed, and of the last failure that has been told. */
  #printed = 0;
  #told = 0;
  #screen = "";
  readonly #console: ConsoleText;
  readonly #batch = new ConsoleBatch();
  readonly readers: Readers;
  #slices = 0;
  #announced = -1;

  constructor(machine: MachineInterface, programs: Programs) {
    this.#machine = machine;
    this.#programs = programs;
    this.#console = new ConsoleText(programs.byVm.size > 1);
    this.readers = new Readers(machine);
  }

  get #now() {
    return { step: this.#machine.now, cycle: this.#machine.cycle };
  }

  /** Answers `ringside/events`. */
  after({
    after,
    limit,
    kinds,
    joined,
    reader,
  }: Requests["ringside/events"]["args"]): Requests["ringside/events"]["result"] {
    const last = this.#machine.lastSequence;
    const from = reader === undefined ? after : this.readers.nothingUntil(reader, after);
    const oldest = this.#machine.events(from, 1)[0]?.sequence ?? last + 1;
    const found = joined ? this.#joined(from, limit) : this.#machine.events(from, limit, kinds);
    const events = found.map((event) => locate(this.#programs, event));
    if (reader !== undefined)
      this.readers.reads(reader, found.length < limit ? last : (found.at(-1)?.sequence ?? last), kinds);
    return { events, last, now: this.#now, dropped: Math.max(0, oldest - from - 1) };
  }

  #joined(after: number, limit: number): MachineEvent[] {
    const pieces = this.#machine.printed(after).slice(0, limit);
    return pieces.flatMap(({ sequence, device, text }) =>
      this.#machine.events(sequence - 1, 1).map((event) => ({ ...event, kind: "output" as const, device, text })),
    );
  }

  /** The news for views, or undefined if it is too early for some: they are bounded per slice, not by time. */
  news(running: boolean): Events["ringside/advanced"] | undefined {
    const last = this.#machine.lastSequence;
    if (running && (++this.#slices % slicesPerNews !== 0 || last === this.#announced)) return undefined;
    return this.latest(running);
  }

  /** The news, whether they are early or not. */
  latest(running: boolean): Events["ringside/advanced"] {
    const last = this.#machine.lastSequence;
    this.#announced = last;
    return { last, now: this.#now, running };
  }

  /** Console text that has not been given yet. What was printed before a step back is not printed again on the way forward. */
  newOutput(): string {
    return this.#batch.flush() + this.#gather();
  }

  /** As `newOutput` after a slice of a run; some of it may wait for the next one. */
  newOutputOfSlice(): string {
    return this.#batch.add(this.#gather());
  }

  /** Console text since the last call. */
  #gather(): string {
    const { lastSequence } = this.#machine;
    if (lastSequence <= this.#printed) return "";
    const pieces = this.#machine.printed(this.#printed);
    this.#printed = lastSequence;
    return pieces.map(({ vm, text }) => this.#console.of(vm, text)).join("");
  }

  /** VMX instructions that failed since the last call, and mistakes that were noticed, a line each; of many only the first. */
  newFailures(): string {
    const { lastSequence } = this.#machine;
    if (lastSequence <= this.#told) return "";
    const failures = this.#machine.events(this.#told, mostFailures, ["vmfail", "lint"]);
    this.#told = lastSequence;
    return failures.map(failureText).join("");
  }

  /** What the screen shows, if that is not what it showed when this was last asked. */
  newScreen(): string {
    const text = screenText(this.#machine.screen);
    if (text === this.#screen) return "";
    this.#screen = text;
    return withMargin(text.split("\n").slice(0, -1));
  }

  /** A person changed the state: from here on, events are new ones. */
  changed(): void {
    this.#printed = Math.min(this.#printed, this.#machine.lastSequence);
    this.#told = Math.min(this.#told, this.#machine.lastSequence);
    this.readers.changed();
  }
}
