/** What the Hypercalls view knows, and how it changes: pure, so that tests need no page. */
import type { DomainsNow, LocatedEvent, Moment } from "../../../debug-adapter/protocol.ts";
import { lastAt } from "../shared/at-cursor.ts";
import { type Lists, learnLists, noLists } from "./domains.ts";

export type Hypercall = LocatedEvent & { readonly kind: "hypercall" };

/** What is below the lanes where there is no room for both. */
export type Below = "calls" | "lists";

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  readonly calls: readonly Hypercall[];
  /** Last sequence number asked for. */
  readonly last: number;
  readonly now: Moment & { readonly cycle: number };
  readonly running: boolean;
  readonly filter: string;
  /** Only those that were refused. */
  readonly refusals: boolean;
  /** Sequence number of the selected call. */
  readonly selected: number | undefined;
  /** The time cursor of all views, in cycles; undefined: at the present. */
  readonly cursor: number | undefined;
  /** Event channels and grants. */
  readonly lists: Lists;
  readonly below: Below;
}

export const initial: State = {
  session: undefined,
  calls: [],
  last: 0,
  now: { step: 0, cycle: 0 },
  running: false,
  filter: "",
  refusals: false,
  selected: undefined,
  cursor: undefined,
  lists: noLists,
  below: "calls",
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "present"; readonly last: number; readonly now: State["now"]; readonly running: boolean }
  | { readonly kind: "events"; readonly events: readonly LocatedEvent[]; readonly last: number }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "refusals"; readonly on: boolean }
  | { readonly kind: "select"; readonly sequence: number }
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  | { readonly kind: "below"; readonly below: Below }
  | { readonly kind: "domains"; readonly now: DomainsNow }
  | { readonly kind: "failed"; readonly message: string };

/** The present moved: what lies after it has not happened. */
function rewind(state: State, last: number): State {
  if (last >= state.last) return state;
  const selected = state.selected !== undefined && state.selected > last ? undefined : state.selected;
  return { ...state, calls: state.calls.filter(({ sequence }) => sequence <= last), selected, last };
}

/** The cursor is there: the call before it is selected. */
function pointAt(state: State, cursor: number | undefined): State {
  if (cursor === undefined) return { ...state, cursor };
  const chosen = state.calls.find(({ sequence }) => sequence === state.selected);
  const { sequence: selected } = (chosen?.cycle === cursor ? chosen : lastAt(state.calls, cursor)) ?? {};
  return { ...state, cursor, selected };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, session: action.name };
    case "present":
      return { ...rewind(state, action.last), now: action.now, running: action.running };
    case "events": {
      const calls = action.events.filter((event): event is Hypercall => event.kind === "hypercall");
      return { ...state, calls: [...state.calls, ...calls], last: action.last };
    }
    case "filter":
      return { ...state, filter: action.text };
    case "refusals":
      return { ...state, refusals: action.on };
    case "select":
      return { ...state, selected: action.sequence };
    case "cursor":
      return pointAt(state, action.cycle);
    case "below":
      return { ...state, below: action.below };
    case "domains": {
      const stopped = !state.running && action.now.step === state.now.step;
      return { ...state, lists: learnLists(state.lists, action.now, stopped) };
    }
    case "failed":
      return { ...state, lists: { ...state.lists, failed: action.message } };
  }
}

/** The result of a call that was refused is an error by number and name, and why. */
export const isRefused = ({ result }: Pick<Hypercall, "result">): boolean => /^-\d+ \(\w+\)/.test(result);

/** "hello.asm:12", or the address where no source line is known. */
export function place({ source, rip }: Hypercall): string {
  if (!source) return `${rip.toUpperCase()}h`;
  return `${decodeURIComponent(source.uri.split(/[\\/]/).pop() ?? "")}:${source.line + 1}`;
}

/** Calls that match every word of the filter, in name, arguments, result or line. */
export function visible(state: Pick<State, "calls" | "filter" | "refusals">): readonly Hypercall[] {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  return state.calls.filter((call) => {
    if (state.refusals && !isRefused(call)) return false;
    const text = `#${call.sequence} ${call.name} ${call.arguments.join(" ")} ${call.result} ${place(call)}`;
    return words.every((word) => text.toLowerCase().includes(word));
  });
}

/** A place in time of a lane: one call, or several that lie too close to be told apart. */
export interface Mark {
  /** 0 to `laneWidth`. */
  readonly x: number;
  readonly first: Hypercall;
  readonly count: number;
  /** One of them was refused. */
  readonly refused: boolean;
}

/** The calls of one name over time. */
export interface Lane {
  readonly name: string;
  readonly count: number;
  readonly refused: number;
  readonly marks: readonly Mark[];
}

export const laneWidth = 1000;

function marksOf(calls: readonly Hypercall[], end: number): readonly Mark[] {
  const marks = new Map<number, Mark>();
  for (const call of calls) {
    const x = Math.round((call.cycle / end) * laneWidth);
    const mark = marks.get(x);
    const refused = isRefused(call) || (mark?.refused ?? false);
    marks.set(x, { x, first: mark?.first ?? call, count: (mark?.count ?? 0) + 1, refused });
  }
  return [...marks.values()];
}

/** A lane for each name, in the order in which they were first called. */
export function lanes(calls: readonly Hypercall[], now: number): readonly Lane[] {
  const end = Math.max(1, now, calls.at(-1)?.cycle ?? 0);
  const byName = new Map<string, Hypercall[]>();
  for (const call of calls) {
    const of = byName.get(call.name);
    if (of) of.push(call);
    else byName.set(call.name, [call]);
  }
  return [...byName].map(([name, of]) => ({
    name,
    count: of.length,
    refused: of.filter(isRefused).length,
    marks: marksOf(of, end),
  }));
}

/** The selected call, else the newest. */
export const callInDetail = (state: State): Hypercall | undefined =>
  state.calls.find(({ sequence }) => sequence === state.selected) ?? visible(state).at(-1);

/** An argument by its name; `name` is empty for what is said of the call beside its arguments. */
export interface Argument {
  readonly name: string;
  readonly value: string;
}

/** "req = 1F000h" in its two parts. */
export function argument(text: string): Argument {
  const match = /^(?<name>\w+) = (?<value>.*)$/s.exec(text);
  return { name: match?.groups?.["name"] ?? "", value: match?.groups?.["value"] ?? text };
}
