/** What the Translation Cache view knows, and how it changes: pure, so that tests need no page. */
import type { LocatedUnit, TranslationsNow } from "../../../debug-adapter/protocol.ts";

export type Unit = LocatedUnit;
export type Kind = Unit["guest"][number]["kind"];

export interface State {
  readonly session: string | undefined;
  readonly running: boolean;
  readonly now: TranslationsNow | undefined;
  readonly filter: string;
  /** Units that are not used any more, too. */
  readonly dead: boolean;
  /** The unit that a person has selected, by its number. */
  readonly selected: number | undefined;
  readonly failed: string | undefined;
}

export const initial: State = {
  session: undefined,
  running: false,
  now: undefined,
  filter: "",
  dead: false,
  selected: undefined,
  failed: undefined,
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "running"; readonly running: boolean }
  | { readonly kind: "units"; readonly now: TranslationsNow }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "dead"; readonly on: boolean }
  | { readonly kind: "select"; readonly unit: number };

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, dead: state.dead, session: action.name };
    case "running":
      return { ...state, running: action.running };
    case "units": {
      // After a step back the unit may not have been translated yet.
      const there = action.now.units.some(({ id }) => id === state.selected);
      return { ...state, now: action.now, selected: there ? state.selected : undefined, failed: undefined };
    }
    case "failed":
      return { ...state, failed: action.message };
    case "filter":
      return { ...state, filter: action.text };
    case "dead":
      return { ...state, dead: action.on };
    case "select":
      return { ...state, selected: action.unit };
  }
}

/** Units drawn at most. */
export const mostUnits = 200;

const numberOf = (address: string): number => Number.parseInt(address, 16);

/** "boot.asm:12", or the address where no source line is known. */
export function place({ source, address }: Unit["guest"][number]): string {
  if (!source) return `${address.toUpperCase()}h`;
  return `${decodeURIComponent(source.uri.split(/[\\/]/).pop() ?? "")}:${source.line + 1}`;
}

const unitPlace = ({ guest, linear }: Unit): string => (guest[0] ? place(guest[0]) : `${linear.toUpperCase()}h`);

function matches(unit: Unit, words: readonly string[]): boolean {
  const code = unit.guest.map(({ text, kind }) => `${text} ${kind}`).join(" ");
  const text = `#${unit.id} ${unitPlace(unit)} ${unit.linear} ${code}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The units that match, and the hottest of them in the order of the guest's code. */
export function visible(state: State): { readonly units: readonly Unit[]; readonly matching: number } {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = (state.now?.units ?? []).filter((unit) => (state.dead || unit.alive) && matches(unit, words));
  const hottest = matching.toSorted((a, b) => b.hits - a.hits || a.id - b.id).slice(0, mostUnits);
  const units = hottest.sort((a, b) => numberOf(a.linear) - numberOf(b.linear) || a.id - b.id);
  return { units, matching: matching.length };
}

export interface Arrow {
  /** Rows of the units. */
  readonly from: number;
  readonly to: number;
  readonly unit: number;
  readonly target: number;
  readonly kind: Unit["exits"][number]["kind"];
  readonly elided: boolean;
}

/** Chained exits between units that are drawn. */
export function arrows(units: readonly Unit[]): readonly Arrow[] {
  const rows = new Map(units.map(({ id }, row) => [id, row]));
  return units.flatMap(({ id, exits }, from) =>
    exits.flatMap(({ unit, kind, elided }) => {
      const to = unit === null ? undefined : rows.get(unit);
      return unit === null || to === undefined ? [] : [{ from, to, unit: id, target: unit, kind, elided }];
    }),
  );
}

const holds = ({ guest }: Unit, at: string): boolean => guest.some(({ address }) => address === at);

/** The unit of the instruction about to run. */
export const unitAt = (state: State): Unit | undefined => {
  const { now } = state;
  return now?.units.findLast((unit) => unit.alive && holds(unit, now.at));
};

/** The selected unit, else the one about to run, else the hottest. */
export function unitInDetail(state: State): Unit | undefined {
  const { units } = visible(state);
  const selected = state.now?.units.find(({ id }) => id === state.selected);
  return selected ?? unitAt(state) ?? units.toSorted((a, b) => b.hits - a.hits)[0];
}

export interface Summary {
  readonly units: number;
  readonly dead: number;
  /** Guest instructions in live units, by how they were translated. */
  readonly kinds: Readonly<Record<Kind, number>>;
  /** Bytes of the live translations. */
  readonly bytes: number;
  readonly exits: number;
  readonly chained: number;
}

export function summary({ units }: Pick<TranslationsNow, "units">): Summary {
  const alive = units.filter((unit) => unit.alive);
  const guest = alive.flatMap((unit) => unit.guest);
  const exits = alive.flatMap((unit) => unit.exits);
  const count = (kind: Kind): number => guest.filter((instruction) => instruction.kind === kind).length;
  return {
    units: alive.length,
    dead: units.length - alive.length,
    kinds: { identical: count("identical"), "in-cache": count("in-cache"), callout: count("callout") },
    bytes: alive.reduce((sum, { bytes }) => sum + bytes, 0),
    exits: exits.length,
    chained: exits.filter(({ unit }) => unit !== null).length,
  };
}
