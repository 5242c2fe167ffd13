import { Numbers } from "../shared/numbers.ts";

/** Not known: what came before the first event that is kept. */
export const unknown = -1;

/** What something was, from when to when: the vCPU on a physical CPU, the state of a vCPU or of a VM. Times are microseconds. */
export class Lane {
  readonly #start = new Numbers();
  readonly #value = new Numbers();
  /** The event by which it began. */
  readonly #event = new Numbers();
  /** How long it had been each of `counted` when a span began. */
  readonly #sums: readonly Numbers[];
  readonly #counted: readonly (readonly number[])[];

  /** @param counted sets of values whose time is to be told for any window */
  constructor(...counted: readonly (readonly number[])[]) {
    this.#counted = counted;
    this.#sums = counted.map(() => new Numbers());
  }

  get length(): number {
    return this.#start.length;
  }

  /** From `time` on it is `value`. Times do not go back. */
  enter(time: number, value: number, event: number): void {
    const last = this.length - 1;
    for (let n = 0; n < this.#sums.length; n++) this.#sums[n]!.push(last < 0 ? 0 : this.#countedIn(last, time, n));
    this.#start.push(time);
    this.#value.push(value);
    this.#event.push(event);
  }

  /** The span at a time; -1 before the first. Of those that begin at once, the last. */
  spanAt(time: number): number {
    return this.#start.upTo(time) - 1;
  }

  /** The span that an event began, or that was there when it came. */
  spanOfEvent(event: number): number {
    return this.#event.upTo(event) - 1;
  }

  startOf(span: number): number {
    return this.#start.at(span);
  }

  valueOf(span: number): number {
    return span < 0 ? unknown : this.#value.at(span);
  }

  eventOf(span: number): number | undefined {
    return span < 0 ? undefined : this.#event.at(span);
  }

  get latest(): number {
    return this.valueOf(this.length - 1);
  }

  /** Time up to a moment in which it was one of the values of a set. */
  countedUpTo(time: number, set = 0): number {
    const span = this.spanAt(time);
    return span < 0 ? 0 : this.#countedIn(span, time, set);
  }

  /** The same where the span at that time is known. */
  #countedIn(span: number, time: number, set: number): number {
    const counts = this.#counted[set]?.includes(this.valueOf(span)) ?? false;
    return this.#sums[set]!.at(span) + (counts ? time - this.startOf(span) : 0);
  }

  countedIn({ from, to }: { readonly from: number; readonly to: number }, set = 0): number {
    return this.countedUpTo(to, set) - this.countedUpTo(from, set);
  }

  /** Forgets the spans that began by this event or a later one. */
  rewind(event: number): void {
    const length = this.#event.upTo(event - 1);
    for (const column of [this.#start, this.#value, this.#event, ...this.#sums]) column.length = length;
  }
}
