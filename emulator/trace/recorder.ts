import type { EventBody, EventKind, MachineEvent, Stamp } from "./event.ts";

/** Where and when an event happens; the machine knows. */
export type Present = () => Omit<Stamp, "sequence">;

/** Rough bytes of memory an event takes, for the bound. */
const weight = (event: MachineEvent): number => {
  if (event.kind === "walk") return 400 + 250 * event.steps.length;
  if (event.kind === "exit") return 600 + 60 * event.fields.length;
  return event.kind === "output" ? 300 + 2 * event.text.length : 300;
};

/**
 * The event stream of a machine: numbers events from 1 and keeps the newest ones, as many as its memory bound allows.
 * `forgetAfter` and recording again give the same numbers, so a replay reproduces the stream.
 */
export class Recorder {
  #events: MachineEvent[] = [];
  /** Index in `#events` of the oldest kept event; what lies before it is dead until the next compaction. */
  #head = 0;
  #sequence = 0;
  #weight = 0;
  #limit: number;
  #present: Present;

  /** @param limit bytes of memory that kept events may take, roughly */
  constructor(present: Present, limit = 64 * 2 ** 20) {
    this.#present = present;
    this.#limit = limit;
  }

  /** Number of the newest event; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Number of the oldest event still kept. */
  get firstSequence(): number {
    return this.#sequence - (this.#events.length - this.#head) + 1;
  }

  /** Adds an event at the present moment. */
  record(body: EventBody): MachineEvent {
    this.#sequence++;
    const { cycle, step, vm, vcpu, rip } = this.#present();
    // Half the time of a literal with two spreads, and events are many.
    const event: MachineEvent = Object.assign({ sequence: this.#sequence, cycle, step, vm, vcpu, rip }, body);
    this.#events.push(event);
    this.#weight += weight(event);
    while (this.#weight > this.#limit && this.#head < this.#events.length - 1) {
      this.#weight -= weight(this.#events[this.#head]!);
      this.#head++;
    }
    if (this.#head > 4096 && this.#head > this.#events.length / 2) this.#compact();
    return event;
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  /** Fills in the cost of an exit once its entry happens. Nothing if the event is no longer kept. */
  settle(sequence: number, cost: number): void {
    const index = this.#indexOf(sequence);
    const event = this.#events[index];
    if (index >= this.#head && event?.kind === "exit") this.#events[index] = { ...event, cost };
  }

  #indexOf(sequence: number): number {
    return this.#head + sequence - this.firstSequence;
  }

  at(sequence: number): MachineEvent | undefined {
    const index = this.#indexOf(sequence);
    return index >= this.#head ? this.#events[index] : undefined;
  }

  /** At most `limit` events after `sequence`, oldest first. */
  after(sequence: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    const found: MachineEvent[] = [];
    for (let n = Math.max(this.#head, this.#indexOf(sequence + 1)); n < this.#events.length; n++) {
      if (found.length >= limit) break;
      const event = this.#events[n]!;
      if (!kinds || kinds.includes(event.kind)) found.push(event);
    }
    return found;
  }

  /** Drops the events after `sequence`; the next one recorded is `sequence + 1`. */
  forgetAfter(sequence: number): void {
    while (this.#events.length > this.#head && this.#events.at(-1)!.sequence > sequence)
      this.#weight -= weight(this.#events.pop()!);
    this.#sequence = sequence;
  }
}
