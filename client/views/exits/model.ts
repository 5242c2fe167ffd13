/** What the VM Exits view knows, and how it changes. The log of exits grows in place; all else is replaced. */
import type { Moment } from "../../../debug-adapter/protocol.ts";
import { exitName } from "../../../emulator/trace/exit-name.ts";
import { rewound } from "../shared/event-log.ts";
import type { Told } from "../shared/told.ts";
import { wordSearch } from "../shared/words.ts";
import { type Exit, ExitLog } from "./exit-log.ts";

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  /** The exits, and those of them that the filter lets through. */
  readonly log: ExitLog;
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
  /** Events that the recorder had dropped before they were asked for, of all kinds, and exits that the view has given up. */
  readonly dropped: number;
}

export const initial = (): State => ({
  session: undefined,
  log: new ExitLog(),
  last: 0,
  now: { step: 0, cycle: 0 },
  running: false,
  filter: "",
  selected: undefined,
  cursor: undefined,
  live: true,
  dropped: 0,
});

export type Action =
  | Told
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly sequence: number | undefined }
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  | { readonly kind: "live"; readonly on: boolean };

/** The cursor is there: the exit before it is selected. */
function pointAt(state: State, cursor: number | undefined): State {
  if (cursor === undefined) return { ...state, cursor };
  return { ...state, cursor, selected: state.log.atCursor(cursor, state.selected)?.sequence, live: false };
}

/** Exits that have every word of the filter, in reason, text, line or number. */
function filtered(state: State, filter: string): State {
  const search = wordSearch(filter);
  state.log.seek(
    search && ((exit) => search(exit.sequence, [exitName(exit), exit.what, `${exit.vm}/${exit.vcpu}`, place(exit)])),
  );
  return { ...state, filter };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : filtered({ ...initial(), session: action.name }, state.filter);
    case "present":
      return { ...rewound(state, action.last), now: action.now, running: action.running };
    case "events":
      return { ...state, last: action.last, dropped: state.dropped + action.dropped + state.log.learn(action.events) };
    case "filter":
      return filtered(state, action.text);
    case "select":
      return { ...state, selected: action.sequence, live: false };
    case "cursor":
      return pointAt(state, action.cycle);
    case "live":
      return { ...state, live: action.on };
  }
}

/** Of a million exits the places are few. */
const places = new WeakMap<object, string>();

/** "exits.asm:12", or the address where no source line is known. */
export function place({ source, rip }: Pick<Exit, "source" | "rip">): string {
  if (!source) return `${rip}h`;
  const known = places.get(source);
  if (known !== undefined) return known;
  const text = `${decodeURIComponent(source.uri.split(/[\\/]/).pop() ?? "")}:${source.line + 1}`;
  places.set(source, text);
  return text;
}
