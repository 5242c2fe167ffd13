import { Snapshots, type Writes } from "./snapshots.ts";

/** What a person did to the machine from outside; a replay does it again at the same moment. */
export interface Action<A> {
  readonly step: number;
  /** Number of the newest event then: where the machine had stopped, it stops again before the action. */
  readonly sequence: number;
  readonly what: A;
}

/** State of a machine that is not in the memory which snapshots copy. Never changed once made. */
export interface Kept {
  /** Plain JSON. */
  readonly rest: unknown;
  /** What is too large for that: each the same object as in what was kept before, if it is the same. */
  readonly large: readonly ArrayBufferView[];
}

/** What the timeline needs of its machine. */
export interface Replayable<A> {
  readonly now: number;
  readonly lastSequence: number;
  /** A snapshot taken now would restore exactly; false while an exit is being handled. */
  readonly settled: boolean;
  keep(before: Kept | undefined): Kept;
  /** Takes it back, after the memory has been restored. */
  takeBack(kept: Kept): void;
  /** Runs at most so many steps, taking no notice of breakpoints; fewer only where the machine stops for good. */
  advance(steps: number): void;
  /** Does what a person does, without having it remembered. */
  perform(what: A): unknown;
}

export interface TimelineOptions<A> {
  /** Bytes that snapshots may take. Default 32 MiB. 0: only the start is kept, and going back runs from there. */
  readonly limit?: number;
  /** Steps between snapshots at first; later it is at most a 128th of the time that has passed. Default 2^20. */
  readonly interval?: number;
  /** Spares comparing pages that cannot have changed. Default: all are compared. */
  readonly writes?: Writes;
  /** What is to be done to the machine at moments that are still to come. */
  readonly actions?: readonly Action<A>[];
}

/** A replay twice as long as one of these leaves a snapshot so far before its end, so that stepping back again is quick. */
const nearby = [2 ** 16, 2 ** 11] as const;

/** Steps that should have passed for each page to be copied for a snapshot, so that copying stays a tenth of the time at most. */
const stepsPerCopy = 3 * 2 ** 13;

/** Everything needed to be at any moment of a run again: snapshots, and what was done to the machine in between. */
export class Timeline<A> {
  readonly snapshots: Snapshots;
  #machine: Replayable<A>;
  #actions: Action<A>[];
  /** How many of `#actions` have been done up to the present. */
  #done = 0;
  #interval: number;
  /** What was kept or taken back last. */
  #kept: Kept | undefined;
  /** When to look next whether a snapshot is worth its price, if it was not at the last look. */
  #nextLook = 0;
  /** Where a journey ends. */
  #goal = Number.POSITIVE_INFINITY;

  constructor(machine: Replayable<A>, memory: Int32Array, options: TimelineOptions<A> = {}) {
    this.#machine = machine;
    this.#actions = [...(options.actions ?? [])];
    this.#interval = options.limit === 0 ? Number.POSITIVE_INFINITY : (options.interval ?? 2 ** 20);
    this.snapshots = new Snapshots(memory, options.limit ?? 32 * 2 ** 20, options.writes);
  }

  /** What has been done up to the present, oldest first. */
  get actions(): readonly Action<A>[] {
    return this.#actions.slice(0, this.#done);
  }

  /**
   * Does something to the machine now and remembers it. What had been done after the present, before a step back, is
   * forgotten. Gives what `perform` gives.
   */
  act(what: A): unknown {
    this.#actions.length = this.#done;
    this.snapshots.forgetAfter(this.#machine.now);
    this.#actions.push({ step: this.#machine.now, sequence: this.#machine.lastSequence, what });
    this.#done++;
    return this.#machine.perform(what);
  }

  /** Step at which a run should pause because the next snapshot is due or a remembered action is to be done again. */
  get nextPause(): number {
    const action = this.#actions[this.#done]?.step ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextSnapshot, action);
  }

  get #nextSnapshot(): number {
    const last = this.snapshots.lastStep;
    if (last < 0) return 0;
    return Math.max(this.#nextLook, last + Math.max(this.#interval, 2 ** Math.floor(Math.log2(last / 128 + 1))));
  }

  /** To be called where a run pauses or starts: takes a snapshot if one is due, then does remembered actions again. */
  pause(): void {
    const { now } = this.#machine;
    if (now >= this.#nextSnapshot && this.#machine.settled && this.#isPaid(now)) this.#take();
    for (let next = this.#actionHere; next && next.sequence <= this.#machine.lastSequence; next = this.#actionHere) {
      this.#done++;
      this.#machine.perform(next.what);
    }
  }

  /** Whether enough steps have passed for what a snapshot costs now. */
  #isPaid(now: number): boolean {
    const { lastStep, written } = this.snapshots;
    if (lastStep < 0) return true;
    this.#nextLook = lastStep + written * stepsPerCopy;
    return now >= this.#nextLook;
  }

  /** The next action to be done again, if that is at the present step. */
  get #actionHere(): Action<A> | undefined {
    const next = this.#actions[this.#done];
    return next && next.step <= this.#machine.now ? next : undefined;
  }

  #take(): void {
    this.#nextLook = 0;
    const kept = this.#machine.keep(this.#kept);
    this.#kept = kept;
    this.snapshots.take(this.#machine.now, { done: this.#done, kept }, kept.large);
  }

  /** Makes a moment the present, exactly as it was; if it was never reached, runs there. Before the start is the start. */
  goTo(moment: number): void {
    const step = Math.max(0, moment);
    const from = step < this.#machine.now ? this.snapshots.nearest(step) : undefined;
    if (from) {
      const { done, kept } = from.rest as { done: number; kept: Kept };
      this.snapshots.restore(from);
      this.#done = done;
      this.#kept = kept;
      this.#nextLook = 0;
      this.#machine.takeBack(kept);
      this.#leaveSnapshotNear(step);
    }
    this.#runTo(step);
  }

  #leaveSnapshotNear(step: number): void {
    for (const distance of nearby) {
      if (step - this.#machine.now <= 2 * distance) continue;
      this.#runTo(step - distance);
      if (this.#machine.settled && this.#machine.now > this.snapshots.lastStep) this.#take();
    }
  }

  /** A journey is at its end, with all that was done there: a run has to end, whatever steps it has left. */
  get arrived(): boolean {
    return this.#machine.now >= this.#goal && !this.#actionHere;
  }

  #runTo(step: number): void {
    const machine = this.#machine;
    this.#goal = step;
    for (;;) {
      this.pause();
      const { now, lastSequence } = machine;
      if (this.arrived) break;
      machine.advance(Math.max(1, step - now));
      if (machine.now === now && machine.lastSequence === lastSequence) break;
    }
    this.#goal = Number.POSITIVE_INFINITY;
  }
}
