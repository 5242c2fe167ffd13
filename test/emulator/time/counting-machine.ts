import { type Kept, type Replayable, Timeline, type TimelineOptions } from "../../../emulator/time/timeline.ts";

const memoryBytes = 8 * 4096;

/**
 * The smallest machine with a past: every step scrambles a word of memory, logs an event now and then, and waits for
 * input when the scrambled word says so, or is "unsettled" for a step. Its state is memory, a counter, and inputs.
 */
export class CountingMachine implements Replayable<number> {
  readonly words = new Uint32Array(memoryBytes / 4);
  readonly timeline: Timeline<number>;
  now = 0;
  lastSequence = 0;
  settled = true;
  waiting = false;
  #mix = 1;

  constructor(options: TimelineOptions<number> = { interval: 250 }) {
    this.timeline = new Timeline(this, new Int32Array(this.words.buffer), options);
  }

  #step(): void {
    this.now++;
    this.#mix = (Math.imul(this.#mix, 1664525) + 1013904223) >>> 0;
    this.words[this.#mix % this.words.length]! ^= this.#mix;
    this.settled = this.#mix % 5 !== 0;
    if (this.#mix % 3 === 0) this.lastSequence++;
  }

  run(end: number): void {
    for (;;) {
      this.timeline.pause();
      if (this.waiting || this.now >= end) return;
      const until = Math.min(end, Math.max(this.now + 1, this.timeline.nextPause));
      for (; this.now < until && !this.waiting; this.#wait()) this.#step();
    }
  }

  /** Some states cannot go on without input; finding that out is an event. */
  #wait(): void {
    if (this.#mix % 1009 !== 0) return;
    this.waiting = true;
    this.lastSequence++;
  }

  advance(steps: number): void {
    this.run(this.now + steps);
  }

  input(value: number): void {
    this.timeline.act(value);
  }

  perform(value: number): void {
    this.#mix = (this.#mix + value) >>> 0;
    this.waiting = false;
  }

  #save() {
    return { now: this.now, lastSequence: this.lastSequence, mix: this.#mix, waiting: this.waiting };
  }

  keep(): Kept {
    return { rest: this.#save(), large: [] };
  }

  takeBack({ rest }: Kept): void {
    const saved = rest as { now: number; lastSequence: number; mix: number; waiting: boolean };
    this.now = saved.now;
    this.lastSequence = saved.lastSequence;
    this.#mix = saved.mix;
    this.waiting = saved.waiting;
    this.settled = true;
  }

  /** Everything there is, to compare. */
  state(): unknown {
    return { ...this.#save(), words: [...this.words], settled: this.settled };
  }
}
