/** What the Schedule view knows, and how it changes. The trace itself grows in place; all else is replaced. */
import type { Moment } from "../../../debug-adapter/protocol.ts";
import type { Told } from "../shared/told.ts";
import { Matches } from "./matches.ts";
import { type DecisionRow, Trace } from "./trace.ts";
import { panned, showing, type Window, within, zoomed } from "./window.ts";

/** A row of the picture that the keyboard is on. */
export interface LaneName {
  readonly kind: "pcpu" | "vcpu";
  readonly n: number;
}

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  readonly trace: Trace;
  /** The rows of the table. */
  readonly matches: Matches;
  /** Last sequence number asked for. */
  readonly last: number;
  readonly now: Moment & { readonly cycle: number };
  readonly running: boolean;
  readonly dropped: number;
  readonly filter: string;
  /** Sequence number of the selected event, and of the one under the pointer. */
  readonly selected: number | undefined;
  readonly pointed: number | undefined;
  /** The time cursor of all views, in cycles; undefined: at the present. */
  readonly cursor: number | undefined;
  readonly lane: LaneName | undefined;
  /** Undefined: all of time. */
  readonly window: Window | undefined;
  /** Follow the present. */
  readonly live: boolean;
}

export const initial = (): State => ({
  session: undefined,
  trace: new Trace(),
  matches: new Matches(""),
  last: 0,
  now: { step: 0, cycle: 0 },
  running: false,
  dropped: 0,
  filter: "",
  selected: undefined,
  pointed: undefined,
  cursor: undefined,
  lane: undefined,
  window: undefined,
  live: true,
});

export type Action =
  | Told
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly sequence: number }
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  | { readonly kind: "point"; readonly sequence: number | undefined }
  | { readonly kind: "lane"; readonly by: number }
  | { readonly kind: "along"; readonly by: number }
  | { readonly kind: "zoom"; readonly factor: number; readonly centre?: number }
  | { readonly kind: "pan"; readonly part: number }
  | { readonly kind: "all" }
  | { readonly kind: "live"; readonly on: boolean };

/** The present in microseconds. */
export const present = ({ trace, now }: Pick<State, "trace" | "now">): number =>
  Math.max(trace.length > 0 ? trace.time.at(trace.length - 1) : 0, trace.microseconds(now.cycle));

/** The part of time in sight. */
export function inSight(state: Pick<State, "trace" | "now" | "window" | "live">): Window {
  const end = present(state);
  const { window, live } = state;
  if (!window) return within({ from: 0, to: end }, end);
  return live ? within({ from: end - (window.to - window.from), to: end }, end) : within(window, end);
}

/** The present moved: what lies after it has not happened. */
function rewind(state: State, last: number): State {
  if (last >= state.last) return state;
  state.trace.rewind(last);
  state.matches.rewind(state.trace.length);
  const kept = (sequence: number | undefined) => (sequence !== undefined && sequence > last ? undefined : sequence);
  return { ...state, selected: kept(state.selected), pointed: kept(state.pointed), last };
}

function filtered(state: State, text: string): State {
  const matches = new Matches(text);
  matches.extend(state.trace);
  return { ...state, filter: text, matches };
}

function select(state: State, sequence: number): State {
  const n = state.trace.placeOf(sequence);
  if (n === undefined) return state;
  const window = state.window && showing(inSight(state), state.trace.time.at(n), present(state));
  return { ...state, selected: sequence, pointed: undefined, window, live: false };
}

/** The cursor is there: the event before it is selected. */
function pointAt(state: State, cursor: number | undefined): State {
  const { trace, selected } = state;
  const chosen = selected === undefined ? undefined : trace.placeOf(selected);
  const before = cursor === undefined ? 0 : trace.upToCycle(cursor);
  if (before === 0 || (chosen !== undefined && trace.cycleOf(chosen) === cursor)) return { ...state, cursor };
  return { ...select(state, trace.sequence.at(before - 1)), cursor };
}

export const lanesOf = ({ trace }: Pick<State, "trace">): readonly LaneName[] => [
  ...trace.pcpus.map((_, n) => ({ kind: "pcpu", n }) as const),
  ...trace.vms.flatMap(({ name }) =>
    trace.vcpus.flatMap(({ vm }, n) => (vm === name ? [{ kind: "vcpu", n } as const] : [])),
  ),
];

const sameLane = (a: LaneName | undefined, b: LaneName | undefined): boolean => a?.kind === b?.kind && a?.n === b?.n;

function nextLane(state: State, by: number): State {
  const lanes = lanesOf(state);
  const at = lanes.findIndex((lane) => sameLane(lane, state.lane));
  const to = at < 0 ? (by > 0 ? 0 : lanes.length - 1) : at + by;
  return { ...state, lane: lanes[to] };
}

/** To the next change on the lane that the keyboard is on, or else the next row of the table. */
function along(state: State, by: number): State {
  const { trace, lane, matches, selected } = state;
  const at = selected === undefined ? undefined : trace.placeOf(selected);
  if (!lane) {
    const row = at === undefined ? (by > 0 ? -1 : matches.length) : matches.rowOf(at);
    const n = matches.at(row + by);
    return n === undefined ? state : select(state, trace.sequence.at(n));
  }
  const track = lane.kind === "pcpu" ? trace.pcpus[lane.n] : trace.vcpus[lane.n]?.lane;
  if (!track) return state;
  const span = at === undefined ? (by > 0 ? -1 : track.length) : track.spanOfEvent(at);
  const event = track.eventOf(Math.min(track.length - 1, span + by));
  return event === undefined ? state : select(state, trace.sequence.at(event));
}

function zoom(state: State, factor: number, centre: number | undefined): State {
  const end = present(state);
  const sight = inSight(state);
  const n = state.selected === undefined ? undefined : state.trace.placeOf(state.selected);
  const chosen = n === undefined ? undefined : state.trace.time.at(n);
  const middle = centre ?? (chosen !== undefined && chosen >= sight.from && chosen <= sight.to ? chosen : undefined);
  const window = zoomed(sight, factor, middle ?? (state.live ? sight.to : (sight.from + sight.to) / 2), end);
  // Who looks closer at a place wants to stay there.
  const live = state.live && (centre === undefined || window.to >= end);
  return { ...state, window: window.to - window.from >= end ? undefined : window, live };
}

/** Without all that it held. */
const emptied = (state: State): State => ({
  ...state,
  ...{ trace: new Trace(state.trace.most), matches: new Matches(state.filter) },
  ...{ selected: undefined, pointed: undefined, dropped: state.dropped + state.trace.length },
});

function learn(state: State, news: Extract<Action, { kind: "events" }>): State {
  const { trace, matches, dropped } = state;
  if (trace.length > trace.most) return learn(emptied(state), news);
  trace.learn(news.events);
  matches.extend(trace);
  return { ...state, last: news.last, dropped: dropped + news.dropped };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : filtered({ ...initial(), session: action.name }, state.filter);
    case "present":
      return { ...rewind(state, action.last), now: action.now, running: action.running };
    case "events":
      return learn(state, action);
    case "filter":
      return filtered(state, action.text);
    case "select":
      return select(state, action.sequence);
    case "cursor":
      return pointAt(state, action.cycle);
    case "point":
      return action.sequence === state.pointed ? state : { ...state, pointed: action.sequence };
    case "lane":
      return nextLane(state, action.by);
    case "along":
      return along(state, action.by);
    case "zoom":
      return zoom(state, action.factor, action.centre);
    case "pan":
      return { ...state, window: panned(inSight(state), action.part, present(state)), live: false };
    case "all":
      return { ...state, window: undefined };
    case "live":
      return { ...state, live: action.on };
  }
}

/** The event that the detail line speaks of. */
export function inDetail(state: State): DecisionRow | undefined {
  const sequence = state.pointed ?? state.selected ?? state.trace.sequence.at(state.trace.length - 1);
  const n = sequence === undefined ? undefined : state.trace.placeOf(sequence);
  return n === undefined ? undefined : state.trace.row(n);
}
