import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { mostUnread } from "./readers.ts";

export type Exit = MachineEvent & { readonly kind: "exit" };

/** Exits read at a time. */
const stretch = 10_000;

/** Copies that are held; of more, every second is given up. */
const mostCopies = 64;

/** What comes of the exits of a machine. */
export interface ExitCounter<T> {
  count(exit: Exit): void;
  /** A copy of all counts, which never changes. */
  copy(): T;
  /** To the counts of a copy; undefined: to those before the first exit. */
  takeBack(copy: T | undefined): void;
}

interface Copy<T> {
  /** Number of the event up to which all is counted, and of how many that is not so. */
  readonly last: number;
  readonly missed: number;
  readonly of: T;
}

/**
 * Reads each exit of a machine once. The machine keeps only the newest events: so it is to be read in time while the guest runs, and after a step
 * back it goes on from a copy of what was counted before.
 */
export class ExitReader<T> {
  readonly #machine: MachineInterface;
  readonly #counter: ExitCounter<T>;
  #copies: Copy<T>[] = [];
  #last = 0;
  #missed = 0;
  #again = false;

  constructor(machine: MachineInterface, counter: ExitCounter<T>) {
    this.#machine = machine;
    this.#counter = counter;
  }

  /** Events that were no longer kept when they should have been counted, so that counts may be too low. */
  get missed(): number {
    return this.#missed;
  }

  /** A person changed the state, perhaps in the past: from here on, events are new ones. */
  changed(): void {
    const { lastSequence } = this.#machine;
    if (lastSequence >= this.#last) return;
    this.#copies = this.#copies.filter(({ last }) => last <= lastSequence);
    const copy = this.#copies.at(-1);
    this.#last = copy?.last ?? 0;
    this.#missed = copy?.missed ?? 0;
    this.#again = true;
  }

  /** To be called while the guest runs: reads before the machine gives events up. */
  keepUp(): void {
    if (this.#machine.lastSequence - this.#last > mostUnread) this.read();
  }

  /** Counts the exits since the last time. */
  read(): void {
    this.changed();
    if (this.#again) this.#counter.takeBack(this.#copies.at(-1)?.of);
    this.#again = false;
    const { lastSequence } = this.#machine;
    this.#missed += this.#lost();
    for (let complete = false; !complete; ) {
      const exits = this.#machine.events(this.#last, stretch, ["exit"]) as readonly Exit[];
      for (const exit of exits) this.#counter.count(exit);
      complete = exits.length < stretch;
      this.#last = exits.at(-1)?.sequence ?? this.#last;
    }
    this.#last = lastSequence;
    if (lastSequence - (this.#copies.at(-1)?.last ?? 0) > mostUnread) this.#keepCopy();
  }

  #keepCopy(): void {
    this.#copies.push({ last: this.#last, missed: this.#missed, of: this.#counter.copy() });
    if (this.#copies.length > mostCopies) this.#copies = this.#copies.filter((_, n) => n % 2 === 1);
  }

  #lost(): number {
    const oldest = this.#machine.events(this.#last, 1)[0]?.sequence;
    return oldest === undefined ? 0 : oldest - this.#last - 1;
  }
}
