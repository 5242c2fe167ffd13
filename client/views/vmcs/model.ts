/** What the VMCS view knows, and how it changes: pure, so that tests need no page. */
import type { ControlBlock, ControlBlockNow, ControlField } from "../../../debug-adapter/protocol.ts";

/** A moment at which the control block was looked at. */
interface Look {
  readonly step: number;
  /** Sequence number of the last exit before it; 0 before the first. */
  readonly exit: number;
  readonly reason: string | undefined;
  readonly address: string;
  /** Values by the places of their fields. */
  readonly values: ReadonlyMap<string, string>;
}

export type Show = "main" | "changed" | "all";

export interface State {
  readonly session: string | undefined;
  readonly now: ControlBlockNow | undefined;
  readonly running: boolean;
  /** In the order of time, of the present run of it. */
  readonly looks: readonly Look[];
  readonly show: Show;
  readonly filter: string;
  /** Place of the field that a person has selected. */
  readonly selected: string | undefined;
  readonly failed: string | undefined;
}

export const initial: State = {
  session: undefined,
  now: undefined,
  running: false,
  looks: [],
  show: "main",
  filter: "",
  selected: undefined,
  failed: undefined,
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "running"; readonly running: boolean }
  | { readonly kind: "block"; readonly now: ControlBlockNow }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "show"; readonly show: Show }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly place: string | undefined };

/** Looks that are kept. */
const mostLooks = 200;

const fieldsOf = (block: ControlBlock): readonly ControlField[] => block.groups.flatMap(({ fields }) => fields);

function learn(state: State, now: ControlBlockNow): State {
  // What lies after the present has not happened.
  const before = state.looks.filter(({ step }) => step < now.step);
  if (!now.block) return { ...state, now, looks: before, failed: undefined };
  const look: Look = {
    step: now.step,
    exit: now.exit?.sequence ?? 0,
    reason: now.exit?.reason,
    address: now.block.address,
    values: new Map(fieldsOf(now.block).map(({ place, value }) => [place, value])),
  };
  return { ...state, now, looks: [...before, look].slice(-mostLooks), failed: undefined };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, session: action.name };
    case "running":
      return { ...state, running: action.running };
    case "block":
      return learn(state, action.now);
    case "failed":
      return { ...state, failed: action.message };
    case "show":
      return { ...state, show: action.show };
    case "filter":
      return { ...state, filter: action.text };
    case "select":
      return { ...state, selected: action.place };
  }
}

/** The look that the present is compared with: the last one before the last exit, else the first one at all. */
export function baseline({ looks }: Pick<State, "looks">): Look | undefined {
  const present = looks.at(-1);
  const same = looks.filter(({ address }) => address === present?.address);
  const earlier = same.filter(({ exit }) => exit !== present?.exit).at(-1) ?? same[0];
  return earlier === present ? undefined : earlier;
}

/** Earlier values of the fields that are different now, by their places. */
export function changes(state: Pick<State, "looks">): ReadonlyMap<string, string> {
  const before = baseline(state);
  const values = state.looks.at(-1)?.values;
  if (!before || !values) return new Map();
  return new Map([...before.values].filter(([place, value]) => values.get(place) !== value));
}

/** The fields to show, by group; without groups that have none. */
export function visible(state: State): readonly ControlBlock["groups"][number][] {
  const block = state.now?.block;
  if (!block) return [];
  const changed = changes(state);
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shows = (field: ControlField): boolean => {
    const text = `${field.name} ${field.place} ${field.value} ${field.bits.map(({ name }) => name).join(" ")}`;
    if (words.length > 0) return words.every((word) => text.toLowerCase().includes(word));
    if (state.show === "all" || changed.has(field.place) || field.place === block.failure?.place) return true;
    return state.show === "main" && field.shown;
  };
  return block.groups
    .map(({ group, fields }) => ({ group, fields: fields.filter(shows) }))
    .filter(({ fields }) => fields.length > 0);
}

/** The field in detail: the selected one, else the one at fault, else the first shown that has bits. */
export function fieldInDetail(state: State): ControlField | undefined {
  const block = state.now?.block;
  if (!block) return undefined;
  const all = fieldsOf(block);
  const at = (place: string | undefined) => all.find((field) => field.place === place);
  const shown = visible(state).flatMap(({ fields }) => fields);
  return at(state.selected) ?? at(block.failure?.place) ?? shown.find(({ bits }) => bits.length > 1) ?? shown[0];
}

/** Whether a part of a field is a bit that is on, one that is off, or more than a bit. */
export const bitState = (value: string): "on" | "off" | "value" =>
  value === "1" || value === "yes" ? "on" : value === "0" || value === "no" ? "off" : "value";
