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
  readonly naming: Naming;
  /** Groups of which all fields are shown. */
  readonly opened: readonly string[];
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
  naming: "own",
  opened: [],
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
  | { readonly kind: "naming"; readonly naming: Naming }
  /** All fields of a group, or those that matter again. */
  | { readonly kind: "open"; readonly group: string }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "select"; readonly place: string | undefined };

/** Looks that are kept. */
const mostLooks = 200;

const fieldsOf = ({ groups }: Pick<ControlBlock, "groups">): readonly ControlField[] =>
  groups.flatMap(({ fields }) => fields);

/** Under which vendor's names the state is shown: those of the control block that there is, or the other's. */
export type Naming = "own" | "other";

/** What is shown of the control block, under the names that a person has chosen. */
export function named(state: Pick<State, "now" | "naming">): Pick<ControlBlock, "kind" | "groups"> | undefined {
  const block = state.naming === "other" ? state.now?.block?.other : state.now?.block;
  return block && { kind: block.kind, groups: [...block.groups].sort((a, b) => rank(a.group) - rank(b.group)) };
}

/** What the last exit said comes first: that is what a person looks for. */
const rank = (group: string): number => (group === "Exit information" ? 0 : 1);

/** Whether the check that fails does so by this field, or by what it was made of. */
export const isAtFault = ({ now }: Pick<State, "now">, { place, sources = [] }: ControlField): boolean => {
  const fault = now?.block?.failure?.place;
  return fault !== undefined && (place === fault || sources.includes(fault));
};

function learn(state: State, now: ControlBlockNow): State {
  // What lies after the present has not happened.
  const before = state.looks.filter(({ step }) => step < now.step);
  if (!now.block) return { ...state, now, looks: before, failed: undefined };
  const look: Look = {
    step: now.step,
    exit: now.exit?.sequence ?? 0,
    reason: now.exit?.reason,
    address: now.block.address,
    values: new Map([...fieldsOf(now.block), ...fieldsOf(now.block.other)].map(({ place, value }) => [place, value])),
  };
  return { ...state, now, looks: [...before, look].slice(-mostLooks), failed: undefined };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, naming: state.naming, session: action.name };
    case "running":
      return { ...state, running: action.running };
    case "block":
      return learn(state, action.now);
    case "failed":
      return { ...state, failed: action.message };
    case "show":
      return { ...state, show: action.show };
    case "naming":
      return { ...state, naming: action.naming, selected: undefined };
    case "open":
      return {
        ...state,
        opened: state.opened.includes(action.group)
          ? state.opened.filter((group) => group !== action.group)
          : [...state.opened, action.group],
      };
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

/** A group with what is shown of it. */
interface VisibleGroup {
  readonly group: string;
  readonly fields: readonly ControlField[];
  /** How many fields it has. */
  readonly total: number;
}

/** The fields to show, by group; while something is looked for, without groups that have none of it. */
export function visible(state: State): readonly VisibleGroup[] {
  const block = named(state);
  if (!block) return [];
  const changed = changes(state);
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shows = (group: string, field: ControlField): boolean => {
    const text = `${field.name} ${field.place} ${field.value} ${field.bits.map(({ name }) => name).join(" ")}`;
    if (words.length > 0) return words.every((word) => text.toLowerCase().includes(word));
    if (state.show === "all" || state.opened.includes(group)) return true;
    if (changed.has(field.place) || isAtFault(state, field)) return true;
    return state.show === "main" && field.shown;
  };
  return block.groups
    .map(({ group, fields }) => ({
      ...{ group, total: fields.length },
      fields: fields.filter((field) => shows(group, field)),
    }))
    .filter(({ fields }) => fields.length > 0 || words.length === 0);
}

/** The field in detail: the selected one, else the one at fault, else the first shown that has bits. */
export function fieldInDetail(state: State): ControlField | undefined {
  const block = named(state);
  if (!block) return undefined;
  const all = fieldsOf(block);
  const shown = visible(state).flatMap(({ fields }) => fields);
  return (
    all.find(({ place }) => place === state.selected) ??
    all.find((field) => isAtFault(state, field)) ??
    shown.find(({ bits }) => bits.length > 1) ??
    shown[0]
  );
}

/** How often the bits of a field made the guest exit; undefined where they make nothing exit. */
export function exitsOf({ bits }: ControlField): number | undefined {
  const counts = bits.flatMap(({ exits }) => (exits === undefined ? [] : [exits]));
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** Whether a part of a field is a bit that is on, one that is off, or more than a bit. */
export const bitState = (value: string): "on" | "off" | "value" =>
  value === "1" || value === "yes" ? "on" : value === "0" || value === "no" ? "off" : "value";
