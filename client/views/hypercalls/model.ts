/** What the Hypercalls view knows, and how it changes. The log of calls grows in place; all else is replaced. */
import type { DomainsNow, Moment } from "../../../debug-adapter/protocol.ts";
import { rewound } from "../shared/event-log.ts";
import type { Told } from "../shared/told.ts";
import { wordSearch } from "../shared/words.ts";
import { CallLog, type Hypercall, isRefused } from "./call-log.ts";
import { type Lists, learnLists, noLists } from "./domains.ts";

/** What is below the lanes where there is no room for both. */
export type Below = "calls" | "lists";

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  /** The calls, and those of them that the filter lets through. */
  readonly log: CallLog;
  /** Last sequence number asked for. */
  readonly last: number;
  readonly now: Moment & { readonly cycle: number };
  readonly running: boolean;
  /** Events that the recorder had dropped before they were asked for, of all kinds, and calls that the view has given up. */
  readonly dropped: number;
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

export const initial = (): State => ({
  session: undefined,
  log: new CallLog(),
  last: 0,
  now: { step: 0, cycle: 0 },
  running: false,
  dropped: 0,
  filter: "",
  refusals: false,
  selected: undefined,
  cursor: undefined,
  lists: noLists,
  below: "calls",
});

export type Action =
  | Told
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "refusals"; readonly on: boolean }
  | { readonly kind: "select"; readonly sequence: number }
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  | { readonly kind: "below"; readonly below: Below }
  | { readonly kind: "domains"; readonly now: DomainsNow }
  | { readonly kind: "failed"; readonly message: string };

/** The cursor is there: the call before it is selected. */
function pointAt(state: State, cursor: number | undefined): State {
  if (cursor === undefined) return { ...state, cursor };
  return { ...state, cursor, selected: state.log.atCursor(cursor, state.selected)?.sequence };
}

/** Calls that have every word of the filter, in name, arguments, result or line; or of those the refused ones. */
function filtered(state: State, change: Partial<Pick<State, "filter" | "refusals">>): State {
  const next = { ...state, ...change };
  const search = wordSearch(next.filter);
  const found = (call: Hypercall): boolean =>
    (!next.refusals || isRefused(call)) &&
    (!search || search(call.sequence, [call.name, ...call.arguments, call.result, place(call)]));
  next.log.seek(search || next.refusals ? found : undefined);
  return next;
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial(), session: action.name };
    case "present":
      return { ...rewound(state, action.last), now: action.now, running: action.running };
    case "events":
      return { ...state, last: action.last, dropped: state.dropped + action.dropped + state.log.learn(action.events) };
    case "filter":
      return filtered(state, { filter: action.text });
    case "refusals":
      return filtered(state, { refusals: action.on });
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

/** Of a million calls the places are few. */
const places = new WeakMap<object, string>();

/** "hello.asm:12", or the address where no source line is known. */
export function place({ source, rip }: Pick<Hypercall, "source" | "rip">): string {
  if (!source) return `${rip.toUpperCase()}h`;
  const known = places.get(source);
  if (known !== undefined) return known;
  const text = `${decodeURIComponent(source.uri.split(/[\\/]/).pop() ?? "")}:${source.line + 1}`;
  places.set(source, text);
  return text;
}

/** The selected call, else the newest that is shown. */
export const callInDetail = ({ log, selected }: Pick<State, "log" | "selected">): Hypercall | undefined =>
  log.at(selected) ?? log.sought.at(-1);

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
