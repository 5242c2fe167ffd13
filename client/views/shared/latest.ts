/** Milliseconds between two questions while the guest runs: as often as people can follow. */
const pace = 400;
/** A question that takes long to answer holds the guest up: after it there is a rest of so many times as long. */
const share = 5;

const sleep = (time: number) => new Promise<void>((resolve) => setTimeout(resolve, time));

/** Asks for what is now: one question at a time, and again if the present moved meanwhile. */
export class Latest<T> {
  readonly #ask: () => Promise<T>;
  readonly #tell: (answer: T) => void;
  readonly #failed: (message: string) => void;
  readonly #rest: (took: number) => Promise<void>;
  #asking = false;
  #stale = false;
  #running = false;
  #endRest = () => {};

  constructor(
    ask: () => Promise<T>,
    tell: (answer: T) => void,
    failed: (message: string) => void,
    rest: (took: number) => Promise<void> = (took) => sleep(Math.max(pace, share * took)),
  ) {
    this.#ask = ask;
    this.#tell = tell;
    this.#failed = failed;
    this.#rest = rest;
  }

  /** The present moved, or what is asked for changed. */
  async want(running: boolean): Promise<void> {
    this.#stale = true;
    this.#running = running;
    // What stands still can be asked at once.
    if (!running) this.#endRest();
    if (this.#asking) return;
    this.#asking = true;
    while (this.#stale) {
      this.#stale = false;
      const start = performance.now();
      await this.#answer();
      if (this.#running) await this.#restOrStop(performance.now() - start);
    }
    this.#asking = false;
  }

  #restOrStop(took: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#endRest = resolve;
    });
    return Promise.race([this.#rest(took), stopped]);
  }

  async #answer(): Promise<void> {
    try {
      this.#tell(await this.#ask());
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }
}
