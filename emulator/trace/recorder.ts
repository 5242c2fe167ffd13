import type { EventKind, Later, MachineEvent, RecordedBody, RecordedExit, Stamp } from "./event.ts";

/** An event that nobody has read yet may be unfinished: its cost can still be filled in, its explanations are not made. */
type Unread = Stamp & Omit<RecordedExit, "cost"> & { readonly unread: true; cost: number };
type Kept = MachineEvent | Unread;

const isUnread = (event: Kept): event is Unread => "unread" in event;
const now = <T>(value: Later<T>): T => (typeof value === "function" ? (value as () => T)() : value);

function finished({ unread: _, ...event }: Unread): MachineEvent {
  return { ...event, fields: now(event.fields), what: now(event.what), why: now(event.why) };
}

/** Where and when an event happens; the machine knows. */
export type Present = () => Omit<Stamp, "sequence">;

/** Spreads would take several times as long, and exits are many. */
function stamped(sequence: number, present: ReturnType<Present>, body: RecordedBody): Kept {
  const { cycle, step, vm, vcpu, rip } = present;
  if (body.kind === "entry") {
    const { kind, exit, handled, cost } = body;
    return { sequence, cycle, step, vm, vcpu, rip, kind, exit, handled, cost };
  }
  if (body.kind !== "exit") return Object.assign({ sequence, cycle, step, vm, vcpu, rip }, body);
  const { kind, reason, number, qualification, fields, what, why, cost, technique } = body;
  return {
    sequence,
    cycle,
    step,
    vm,
    vcpu,
    rip,
    kind,
    reason,
    number,
    qualification,
    fields,
    what,
    why,
    cost,
    technique,
    unread: true,
  };
}

/** Rough bytes of memory an event takes, for the bound. */
const weight = (event: Kept): number => {
  if (event.kind === "walk") return 400 + 250 * event.steps.length;
  if (event.kind === "exit") return 1000;
  if (event.kind === "screen") return 300 + 2 * event.lines.reduce((sum, line) => sum + line.length + 16, 0);
  return event.kind === "output" ? 300 + 2 * event.text.length : 300;
};

/**
 * The event stream of a machine: numbers events from 1 and keeps the newest ones, as many as its memory bound allows.
 * `forgetAfter` and recording again give the same numbers, so a replay reproduces the stream.
 */
export class Recorder {
  #events: Kept[] = [];
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

  /** Adds an event at the present moment, and gives its number. */
  record(body: RecordedBody): number {
    this.#sequence++;
    const event = stamped(this.#sequence, this.#present(), body);
    this.#events.push(event);
    this.#weight += weight(event);
    while (this.#weight > this.#limit && this.#head < this.#events.length - 1) {
      this.#weight -= weight(this.#events[this.#head]!);
      this.#head++;
    }
    if (this.#head > 4096 && this.#head > this.#events.length / 2) this.#compact();
    return this.#sequence;
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  /** Fills in the cost of an exit once its entry happens. Nothing if the event is no longer kept. */
  settle(sequence: number, cost: number): void {
    const index = this.#indexOf(sequence);
    const event = this.#events[index];
    if (index < this.#head || event?.kind !== "exit") return;
    if (isUnread(event)) event.cost = cost;
    // Whoever has read it keeps it as it was.
    else this.#events[index] = { ...event, cost };
  }

  /** The event at an index, finished now if it was not. */
  #read(index: number): MachineEvent | undefined {
    const event = this.#events[index];
    if (!event || !isUnread(event)) return event;
    const made = finished(event);
    this.#events[index] = made;
    return made;
  }

  #indexOf(sequence: number): number {
    return this.#head + sequence - this.firstSequence;
  }

  at(sequence: number): MachineEvent | undefined {
    const index = this.#indexOf(sequence);
    return index >= this.#head ? this.#read(index) : undefined;
  }

  /** At most `limit` events after `sequence`, oldest first. */
  after(sequence: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    const found: MachineEvent[] = [];
    for (let n = Math.max(this.#head, this.#indexOf(sequence + 1)); n < this.#events.length; n++) {
      if (found.length >= limit) break;
      if (!kinds || kinds.includes(this.#events[n]!.kind)) found.push(this.#read(n)!);
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
