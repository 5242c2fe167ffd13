import type { EventKind, ExitForm, MachineEvent, RecordedBody } from "./event.ts";
import { chunkEvents, EventColumns, type Moment } from "./event-columns.ts";

/** Where and when an event happens; the machine knows. */
export type Present = () => Moment;

/** What a device of a VM printed, and the number of the last event of it. */
export interface Printed {
  readonly vm: string;
  readonly device: string;
  readonly text: string;
  readonly sequence: number;
}

/** Characters after which a piece of what was printed ends. */
const longPiece = 4096;

/**
 * The event stream of a machine: numbers events from 1 and keeps the newest ones, as many as its memory bound allows.
 * `forgetAfter` and recording again give the same numbers, so a replay reproduces the stream.
 */
export class Recorder {
  #chunks: EventColumns[] = [];
  /** Number of the event at the start of the first chunk, and of the oldest event still kept. */
  #start = 1;
  #first = 1;
  #sequence = 0;
  #weight = 0;
  /** Weight of all that was ever recorded. */
  #recorded = 0;
  /** A chunk whose events have all gone. */
  #spare: EventColumns | undefined;
  readonly #limit: number;
  readonly #present: Present;

  /** @param limit bytes of memory that kept events may take, roughly */
  constructor(present: Present, limit = 24 * 2 ** 20) {
    this.#present = present;
    this.#limit = limit;
  }

  /** When so much more than now has been recorded, what is recorded now may have been dropped; half of it is a safe distance. */
  get limit(): number {
    return this.#limit;
  }

  /** Bytes of memory that all events took when they were recorded, roughly. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Number of the newest event; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Number of the oldest event still kept. */
  get firstSequence(): number {
    return this.#first;
  }

  /** Adds an event at the present moment, and gives its number. */
  record(body: RecordedBody): number {
    const chunk = this.#next();
    const n = (this.#sequence - this.#start) % chunkEvents;
    chunk.set(n, this.#present(), body);
    return this.#added(chunk.weight[n]!);
  }

  /** Adds an exit, whose cost is not known yet. See `ExitNumbers`. */
  recordExit(form: ExitForm, qualification: bigint | number, first: number, second: number): number {
    const chunk = this.#next();
    const n = (this.#sequence - this.#start) % chunkEvents;
    chunk.setExit(n, this.#present(), form, qualification, first, second);
    return this.#added(chunk.weight[n]!);
  }

  /** The chunk of the event with the next number, which is given out. */
  #next(): EventColumns {
    const number = Math.floor((++this.#sequence - this.#start) / chunkEvents);
    if (number === this.#chunks.length) {
      this.#chunks.push(this.#spare ?? new EventColumns());
      this.#spare = undefined;
    }
    return this.#chunks[number]!;
  }

  #added(weight: number): number {
    const sequence = this.#sequence;
    this.#weight += weight;
    this.#recorded += weight;
    while (this.#weight > this.#limit && this.#first < sequence) this.#dropFirst();
    return sequence;
  }

  #dropFirst(): void {
    const n = this.#first - this.#start;
    const chunk = this.#chunks[0]!;
    this.#weight -= chunk.weight[n]!;
    chunk.forget(n);
    this.#first++;
    if (n + 1 < chunkEvents) return;
    this.#start += chunkEvents;
    this.#spare = this.#chunks.shift();
  }

  /** The chunk that holds an event; undefined if the event is not kept. */
  #chunkOf(sequence: number): EventColumns | undefined {
    if (sequence < this.#first || sequence > this.#sequence) return undefined;
    return this.#chunks[Math.floor((sequence - this.#start) / chunkEvents)];
  }

  #placeOf(sequence: number): number {
    return (sequence - this.#start) % chunkEvents;
  }

  /** Fills in the cost of an exit once its entry happens. Nothing if the event is no longer kept. */
  settle(sequence: number, cost: number): void {
    const chunk = this.#chunkOf(sequence);
    const n = this.#placeOf(sequence);
    if (chunk?.kindOf(n) === "exit") chunk.setCost(n, cost);
  }

  at(sequence: number): MachineEvent | undefined {
    return this.#chunkOf(sequence)?.event(this.#placeOf(sequence), sequence);
  }

  /** At most `limit` events after `sequence`, oldest first. */
  after(sequence: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    const found: MachineEvent[] = [];
    for (let next = Math.max(this.#first, sequence + 1); next <= this.#sequence; next++) {
      if (found.length >= limit) break;
      const chunk = this.#chunkOf(next)!;
      const n = this.#placeOf(next);
      if (!kinds || kinds.includes(chunk.kindOf(n))) found.push(chunk.event(n, next));
    }
    return found;
  }

  /** What was printed after `sequence`, without the events being made; what a device printed without another in between is one piece, or a few. */
  printed(sequence: number): readonly Printed[] {
    const pieces: { vm: string; device: string; text: string; sequence: number }[] = [];
    for (let next = Math.max(this.#first, sequence + 1); next <= this.#sequence; next++) {
      const piece = this.#chunkOf(next)!.printed(this.#placeOf(next));
      const last = pieces.at(-1);
      if (!piece) continue;
      if (last?.vm === piece.vm && last.device === piece.device && last.text.length < longPiece) {
        last.text += piece.text;
        last.sequence = next;
      } else pieces.push({ ...piece, sequence: next });
    }
    return pieces;
  }

  /** Drops the events after `sequence`; the next one recorded is `sequence + 1`. */
  forgetAfter(sequence: number): void {
    for (; this.#sequence > sequence && this.#sequence >= this.#first; this.#sequence--) {
      const chunk = this.#chunkOf(this.#sequence)!;
      const n = this.#placeOf(this.#sequence);
      this.#weight -= chunk.weight[n]!;
      chunk.forget(n);
    }
    if (this.#sequence >= this.#first) {
      this.#chunks.length = Math.floor((this.#sequence - this.#start) / chunkEvents) + 1;
      return;
    }
    // Nothing is left of what was kept.
    this.#chunks = [];
    this.#sequence = sequence;
    this.#start = sequence + 1;
    this.#first = sequence + 1;
  }
}
