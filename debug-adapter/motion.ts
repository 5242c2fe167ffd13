import { NotStopped } from "./requests.ts";
import type { Halt } from "./run.ts";

/** What moves the guest, and ends with where and why it stopped. */
type Operation = () => Halt | Promise<Halt>;

/** The operation of a session that is under way, if any: there is one at a time. */
export class Motion {
  readonly #pause: () => void;
  readonly #arrived: (halt: Halt | undefined) => void;
  #underWay: Promise<void> | undefined;
  /** The operation under way is to end, perhaps before it has begun. */
  #ending = false;
  /** What it ends with is no longer of interest. */
  #abandoned = false;

  /**
   * @param pause ends the operation under way soon
   * @param arrived told where each operation has ended; undefined: nobody wants to know
   */
  constructor(pause: () => void, arrived: (halt: Halt | undefined) => void) {
    this.#pause = pause;
    this.#arrived = arrived;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** @throws NotStopped while an operation is under way */
  requireRest(): void {
    if (this.isUnderWay) throw new NotStopped();
  }

  /** Runs an operation, and tells where it has ended. */
  start(operation: Operation): Promise<void> {
    this.#ending = false;
    this.#abandoned = false;
    this.#underWay = this.#perform(operation);
    return this.#underWay;
  }

  async #perform(operation: Operation): Promise<void> {
    // The operation must not end before it is known to be under way.
    await Promise.resolve();
    let halt: Halt = { kind: "pause" };
    try {
      if (!this.#ending) halt = await operation();
    } finally {
      this.#underWay = undefined;
      this.#arrived(this.#abandoned ? undefined : halt);
    }
  }

  pause(): void {
    if (!this.isUnderWay) return;
    this.#ending = true;
    this.#pause();
  }

  /** Ends the operation under way, and tells nobody where. */
  async quiet(): Promise<void> {
    // Another one may begin in the same breath.
    do {
      this.#abandoned = true;
      this.pause();
      // Who began it tells what has gone wrong.
      await this.#underWay?.catch(() => undefined);
    } while (this.isUnderWay);
  }

  /** Does something for which the guest must stand still; if that fails, a guest that ran stays paused. */
  async interrupting<T>(action: () => T | Promise<T>): Promise<T> {
    const running = this.isUnderWay;
    await this.quiet();
    try {
      return await action();
    } catch (error) {
      if (running) this.#arrived({ kind: "pause" });
      throw error;
    }
  }
}
