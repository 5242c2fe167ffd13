/** What the page of a trace knows, and how it changes: pure, so that tests need no page. */
import { exitName } from "../../../emulator/trace/exit-name.ts";
import type { TracedEvent } from "../../../trace-file/index.ts";
import { accent } from "../shared/format.ts";
import type { TraceShown } from "./messages.ts";

export interface State {
  /** Undefined until the file has been read. */
  readonly trace: TraceShown | undefined;
  readonly problems: readonly string[];
  readonly filter: string;
  readonly selected: number | undefined;
}

export const initial: State = { trace: undefined, problems: [], filter: "", selected: undefined };

export type Action =
  | { readonly kind: "trace"; readonly trace: TraceShown }
  | { readonly kind: "problems"; readonly problems: readonly string[] }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly sequence: number | undefined };

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "trace":
      return { ...state, trace: action.trace, problems: [], selected: undefined };
    case "problems":
      return { ...state, trace: undefined, problems: action.problems };
    case "filter":
      return { ...state, filter: action.text };
    case "select":
      return { ...state, selected: action.sequence };
  }
}

/** By what events are grouped: exits by their reasons, others by their kinds. The text of an exit begins with its reason. */
export const group = ({ reason, kind, text }: TracedEvent): string =>
  reason === undefined ? kind : exitName({ reason, what: text.slice(`${reason}: `.length) });

/** "exits.asm:12", or the address where no source line is known. */
export const place = ({ source, rip }: TracedEvent): string =>
  source ? `${source.file.split("/").pop()}:${source.line + 1}` : `${rip}h`;

/** Events that match every word of the filter, in kind, reason, text, line or number. */
export function visible({ trace, filter }: State): readonly TracedEvent[] {
  const events = trace?.summary.events ?? [];
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return events;
  return events.filter((event) => {
    const text =
      `#${event.sequence} ${event.kind} ${group(event)} ${event.text} ${event.vm}/${event.vcpu} ${place(event)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export interface Bar {
  readonly group: string;
  readonly count: number;
  readonly colour: string;
}

/** Not exits. */
const otherColours: Readonly<Record<string, string>> = {
  stop: "red",
  exception: "orange",
  shadow: "orange",
  hypercall: "green",
  output: "green",
  interrupt: "yellow",
  inject: "yellow",
  io: "blue",
};

export const colourOf = (event: TracedEvent): string =>
  event.reason === undefined ? (otherColours[event.kind] ?? "grey") : accent(group(event));

/** Recorded events by group, most frequent first. */
export function bars({ trace }: State): readonly Bar[] {
  const counted = new Map<string, Bar>();
  for (const event of trace?.summary.events ?? []) {
    const name = group(event);
    counted.set(name, { group: name, count: (counted.get(name)?.count ?? 0) + 1, colour: colourOf(event) });
  }
  return [...counted.values()].sort((a, b) => b.count - a.count || a.group.localeCompare(b.group));
}

export interface Mark {
  readonly x: number;
  readonly colour: string;
  readonly first: TracedEvent;
  readonly count: number;
}

export const width = 1000;

/** Virtual times of the first recorded event and of the moment. */
export function timesOf({ trace }: State): { readonly from: number; readonly end: number } {
  const from = trace?.summary.events[0]?.cycle ?? 0;
  return { from, end: Math.max(from + 1, trace?.moment.cycle ?? 0) };
}

/** Where a virtual time lies between the first recorded event and the moment. */
export function xOf(state: State, cycle: number): number {
  const { from, end } = timesOf(state);
  return Math.round(((cycle - from) / (end - from)) * width);
}

/** One mark for all events of a colour in a place. */
export function marks(state: State, events: readonly TracedEvent[]): readonly Mark[] {
  const found = new Map<string, Mark>();
  for (const event of events) {
    const x = xOf(state, event.cycle);
    const colour = colourOf(event);
    const mark = found.get(`${x} ${colour}`);
    found.set(`${x} ${colour}`, { x, colour, first: mark?.first ?? event, count: (mark?.count ?? 0) + 1 });
  }
  return [...found.values()];
}
