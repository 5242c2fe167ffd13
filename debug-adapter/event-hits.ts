import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { isObserved } from "./event-text.ts";

/** Hits that are kept one by one; the oldest are only counted. */
const most = 2 ** 20;

/** How often something has happened, so that going back in time takes hits back: by the numbers of events, or of what is observed by steps. */
export class EventHits {
  /** Of what is observed. */
  readonly #bySteps: boolean;
  #hits: number[] = [];
  /** Hits that are not kept, and the event up to which they were. */
  #counted = 0;
  #upTo = 0;

  constructor(kinds: readonly EventKind[]) {
    this.#bySteps = kinds.some(isObserved);
  }

  /** Where an event is among the others: what a step does is behind the moment before it, and not behind the one after. */
  #placeOf({ sequence, step }: MachineEvent): number {
    return this.#bySteps ? step + 0.5 + (sequence % 1) / 2 : sequence;
  }

  /** The end of all guests may take no step. */
  #present({ now, lastSequence, stopped }: MachineInterface): number {
    return this.#bySteps ? now + (stopped ? 1 : 0) : lastSequence;
  }

  /** An event that has not been counted, later than all that have. */
  add(event: MachineEvent): void {
    const place = this.#placeOf(event);
    if (place <= (this.#hits.at(-1) ?? this.#upTo)) return;
    this.#hits.push(place);
    if (this.#hits.length < most) return;
    const gone = most / 2;
    this.#upTo = this.#hits[gone - 1]!;
    this.#counted += gone;
    this.#hits = this.#hits.slice(gone);
  }

  /** Hits after the present have not happened. */
  forgetFuture(machine: MachineInterface): void {
    const present = this.#present(machine);
    // How many of those that are not kept are left nobody knows any more: the count begins anew.
    if (present < this.#upTo) {
      this.#hits = [];
      this.#counted = 0;
      this.#upTo = present;
    } else while ((this.#hits.at(-1) ?? 0) > present) this.#hits.pop();
  }

  /** Hits up to the present; undefined if that lies before those that are kept. */
  upTo(machine: MachineInterface): number | undefined {
    const present = this.#present(machine);
    if (present < this.#upTo) return undefined;
    let [low, high] = [0, this.#hits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#hits[middle]! <= present) low = middle + 1;
      else high = middle;
    }
    return this.#counted + low;
  }
}
