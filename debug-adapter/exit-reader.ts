import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";

export type Exit = MachineEvent & { readonly kind: "exit" };

/** Exits read at a time. */
const stretch = 10_000;

/** Reads each exit of a machine once; after a step back, all of them again. */
export class ExitReader {
  readonly #machine: MachineInterface;
  #last = 0;
  #again = false;

  constructor(machine: MachineInterface) {
    this.#machine = machine;
  }

  /** A person changed the state, perhaps in the past: from here on, events are new ones. */
  changed(): void {
    if (this.#machine.lastSequence >= this.#last) return;
    this.#last = 0;
    this.#again = true;
  }

  /** Gives `count` the exits since the last time, after `forget` if that is from the start. The number of events that are not kept. */
  read(forget: () => void, count: (exit: Exit) => void): number {
    this.changed();
    if (this.#again) forget();
    this.#again = false;
    const { lastSequence } = this.#machine;
    const missed = this.#missed();
    for (let complete = false; !complete; ) {
      const exits = this.#machine.events(this.#last, stretch, ["exit"]) as readonly Exit[];
      for (const exit of exits) count(exit);
      complete = exits.length < stretch;
      this.#last = exits.at(-1)?.sequence ?? this.#last;
    }
    this.#last = lastSequence;
    return missed;
  }

  #missed(): number {
    const oldest = this.#machine.events(this.#last, 1)[0]?.sequence;
    return oldest === undefined ? 0 : oldest - this.#last - 1;
  }
}
