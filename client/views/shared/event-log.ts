import { lastAt } from "./at-cursor.ts";
import { type Mark, TimeMarks } from "./time-marks.ts";

interface Event {
  readonly sequence: number;
  readonly cycle: number;
}

/** What a view makes of its events. */
export interface Looks<E> {
  /** What marks on the time line are told apart by: a colour, a name. */
  readonly group: (event: E) => string;
  /** A mark is told apart if one of its events is. */
  readonly isSpecial?: (event: E) => boolean;
  /** The time line shows all of them, also those that are not sought. */
  readonly marksAll?: boolean;
}

/** Events that a view holds: some 250 MB of exits or hypercalls, 560 MB of decisions. A guest may run for as long as it likes. */
export const mostHeld = 2_000_000;

/**
 * The events that a view shows, in their order, those of them that are sought, and their marks over time. It grows in place, and so
 * does all that it knows: a million events are not gone through for every thousand that come.
 */
export class EventLog<E extends Event> {
  readonly #looks: Looks<E>;
  readonly #all: E[] = [];
  #isSought: ((event: E) => boolean) | undefined;
  /** Those that are sought, in a list of their own only if that is not all. */
  #sought: E[] | undefined;
  #marks: TimeMarks<E>;
  readonly #most: number;
  #given = 0;

  /** @param most events that are held */
  constructor(looks: Looks<E>, most = mostHeld) {
    this.#looks = looks;
    this.#most = most;
    this.#marks = new TimeMarks(looks);
  }

  get all(): readonly E[] {
    return this.#all;
  }

  get sought(): readonly E[] {
    return this.#sought ?? this.#all;
  }

  /** How many there have been, with those that were given up. */
  get total(): number {
    return this.#given + this.#all.length;
  }

  /** Of more events than can be held, gives up the older half; how many that were. */
  protected trim(): number {
    if (this.#all.length <= this.#most) return 0;
    const excess = this.#all.length - Math.floor(this.#most / 2);
    this.giveUp(excess);
    return excess;
  }

  /** Gives up the oldest. */
  protected giveUp(count: number): void {
    this.#all.splice(0, count);
    this.#given += count;
    this.#again();
  }

  add(event: E): void {
    this.#all.push(event);
    this.#show(event);
  }

  #show(event: E): void {
    const isSought = !this.#isSought || this.#isSought(event);
    if (isSought) this.#sought?.push(event);
    if (isSought || this.#looks.marksAll) this.#marks.add(event);
  }

  /** Undefined: all are. */
  seek(isSought: ((event: E) => boolean) | undefined): void {
    this.#isSought = isSought;
    this.#again();
  }

  #again(): void {
    this.#marks = new TimeMarks(this.#looks);
    this.#sought = this.#isSought && [];
    for (const event of this.#all) this.#show(event);
  }

  /** What comes after an event has not happened. True if something has gone. */
  rewind(sequence: number): boolean {
    const kept = upTo(this.#all, sequence);
    if (kept === this.#all.length) return false;
    this.#all.length = kept;
    // Of those that were given up, some have not happened either, and nobody knows which.
    if (kept === 0) this.#given = 0;
    this.#again();
    return true;
  }

  /** The place of an event among all; undefined if it is not there. */
  placeOf(sequence: number | undefined): number | undefined {
    return placeIn(this.#all, sequence);
  }

  at(sequence: number | undefined): E | undefined {
    return this.#all[this.placeOf(sequence) ?? -1];
  }

  /** The place of an event among those sought; -1 if it is not one of them. */
  rowOf(sequence: number | undefined): number {
    return placeIn(this.sought, sequence) ?? -1;
  }

  /** The event that the time cursor is on at a virtual time: the one `chosen`, if it happened just then, else the last up to then. */
  atCursor(cycle: number, chosen: number | undefined): E | undefined {
    const there = this.at(chosen);
    return there?.cycle === cycle ? there : lastAt(this.#all, cycle);
  }

  /** The marks of each group over virtual time from 0 to `end`. */
  marks(end: number): ReadonlyMap<string, readonly Mark<E>[]> {
    return this.#marks.drawn(end);
  }
}

interface Logged {
  readonly log: { readonly rewind: (sequence: number) => boolean };
  /** Sequence number up to which all is known. */
  readonly last: number;
  readonly selected: number | undefined;
}

/** A view's state where the present has moved: what lies after it has not happened. */
export function rewound<State extends Logged>(state: State, last: number): State {
  if (last >= state.last) return state;
  state.log.rewind(last);
  const selected = state.selected !== undefined && state.selected > last ? undefined : state.selected;
  return { ...state, selected, last };
}

/** How many events of a list come up to one. */
function upTo(events: readonly Event[], sequence: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (events[middle]!.sequence <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeIn(events: readonly Event[], sequence: number | undefined): number | undefined {
  if (sequence === undefined) return undefined;
  const place = upTo(events, sequence) - 1;
  return events[place]?.sequence === sequence ? place : undefined;
}
