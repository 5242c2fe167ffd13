/** What the VM Exits view knows, and how it changes: pure, so that tests need no page. */
import type { LocatedEvent, Moment } from "../../../debug-adapter/protocol.ts";
import { lastAt } from "../shared/at-cursor.ts";
import { accent } from "../shared/format.ts";

export type Exit = LocatedEvent & { readonly kind: "exit" };
type Entry = LocatedEvent & { readonly kind: "entry" };

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  readonly exits: readonly Exit[];
  /** How exits ended, by the exit's sequence number; those still pending have no entry. It grows in place, with `exits`. */
  readonly entries: ReadonlyMap<number, Entry>;
  /** Last sequence number asked for. */
  readonly last: number;
  readonly now: Moment & { readonly cycle: number };
  readonly running: boolean;
  readonly filter: string;
  /** Sequence number of the selected exit. */
  readonly selected: number | undefined;
  /** The time cursor of all views, in cycles; undefined: at the present. */
  readonly cursor: number | undefined;
  /** Follow the newest exit. */
  readonly live: boolean;
  /** Exits that the recorder no longer holds. */
  readonly dropped: number;
}

export const initial: State = {
  session: undefined,
  exits: [],
  entries: new Map(),
  last: 0,
  now: { step: 0, cycle: 0 },
  running: false,
  filter: "",
  selected: undefined,
  cursor: undefined,
  live: true,
  dropped: 0,
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "present"; readonly last: number; readonly now: State["now"]; readonly running: boolean }
  | {
      readonly kind: "events";
      readonly events: readonly LocatedEvent[];
      readonly last: number;
      readonly dropped: number;
    }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly sequence: number | undefined }
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  | { readonly kind: "live"; readonly on: boolean };

/** The present moved: what lies after it has not happened, the end of an exit that is pending again included. */
function rewind(state: State, last: number): State {
  if (last >= state.last) return state;
  const exits = state.exits.filter((exit) => exit.sequence <= last);
  const entries = new Map([...state.entries].filter(([, entry]) => entry.sequence <= last));
  const selected = state.selected !== undefined && state.selected > last ? undefined : state.selected;
  return { ...state, exits, entries, selected, last };
}

function learn(state: State, events: readonly LocatedEvent[], last: number): State {
  const exits = [...state.exits, ...events.filter((event): event is Exit => event.kind === "exit")];
  // Copied each time, a million would take half a minute.
  const entries = state.entries.size === 0 ? new Map<number, Entry>() : (state.entries as Map<number, Entry>);
  for (const event of events) if (event.kind === "entry") entries.set(event.exit, event);
  return { ...state, exits, entries, last };
}

/** The cursor is there: the exit before it is selected. */
function pointAt(state: State, cursor: number | undefined): State {
  if (cursor === undefined) return { ...state, cursor };
  const chosen = state.exits.find(({ sequence }) => sequence === state.selected);
  const { sequence: selected } = (chosen?.cycle === cursor ? chosen : lastAt(state.exits, cursor)) ?? {};
  return { ...state, cursor, selected, live: false };
}

/** Cycles from an exit to the entry that ended it; 0 while it is pending. */
export const costOf = (state: Pick<State, "entries">, exit: Exit): number =>
  state.entries.get(exit.sequence)?.cost ?? 0;

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, filter: state.filter, session: action.name };
    case "present":
      return { ...rewind(state, action.last), now: action.now, running: action.running };
    case "events":
      return { ...learn(state, action.events, action.last), dropped: action.dropped };
    case "filter":
      return { ...state, filter: action.text };
    case "select":
      return { ...state, selected: action.sequence, live: false };
    case "cursor":
      return pointAt(state, action.cycle);
    case "live":
      return { ...state, live: action.on };
  }
}

/** Exits that match every word of the filter, in reason, text, line or number. */
export function visible(state: Pick<State, "exits" | "filter">): readonly Exit[] {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return state.exits;
  return state.exits.filter((exit) => {
    const text = `#${exit.sequence} ${exit.reason} ${exit.what} ${exit.vm}/${exit.vcpu} ${place(exit)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export interface Bar {
  readonly reason: string;
  readonly count: number;
  /** Cycles spent outside of the guest for this reason. */
  readonly cost: number;
}

/** Exits by reason, most frequent first. */
export function histogram(state: Pick<State, "exits" | "entries">): readonly Bar[] {
  const bars = new Map<string, { reason: string; count: number; cost: number }>();
  for (const exit of state.exits) {
    const { reason } = exit;
    const bar = bars.get(reason) ?? { reason, count: 0, cost: 0 };
    bar.count++;
    bar.cost += costOf(state, exit);
    bars.set(reason, bar);
  }
  return [...bars.values()].sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
}

/** A place on the timeline: one exit, or several of a colour that lie too close to be told apart. */
export interface Mark {
  /** 0 to `width`. */
  readonly x: number;
  readonly colour: string;
  readonly first: Exit;
  readonly count: number;
}

export const width = 1000;

/** The exits over virtual time up to `end`. */
export function marks(exits: readonly Exit[], end: number): readonly Mark[] {
  const colours = new Map<string, string>();
  const found = new Map<string, { x: number; colour: string; first: Exit; count: number }[]>();
  for (const exit of exits) {
    const colour = colours.get(exit.reason) ?? accent(exit.reason);
    colours.set(exit.reason, colour);
    const x = Math.round((exit.cycle / end) * width);
    const row = found.get(colour) ?? [];
    found.set(colour, row);
    const mark = row[x];
    if (mark) mark.count++;
    else row[x] = { x, colour, first: exit, count: 1 };
  }
  return [...found.values()].flatMap((row) => row.filter(Boolean));
}

/** "exits.asm:12", or the address where no source line is known. */
export function place(exit: Exit): string {
  if (!exit.source) return `${exit.rip}h`;
  return `${decodeURIComponent(exit.source.uri.split(/[\\/]/).pop() ?? "")}:${exit.source.line + 1}`;
}
