/** Milliseconds between two questions while the guest runs: as often as people can follow. */
const pace = 400;

const sleep = (time: number) => new Promise<void>((resolve) => setTimeout(resolve, time));

/** Asks for what is now: one question at a time, and again if the present moved meanwhile. */
export class Latest<T> {
  readonly #ask: () => Promise<T>;
  readonly #tell: (answer: T) => void;
  readonly #failed: (message: string) => void;
  readonly #rest: () => Promise<void>;
  #asking = false;
  #stale = false;
  #running = false;

  constructor(
    ask: () => Promise<T>,
    tell: (answer: T) => void,
    failed: (message: string) => void,
    rest = () => sleep(pace),
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
    if (this.#asking) return;
    this.#asking = true;
    while (this.#stale) {
      this.#stale = false;
      await this.#answer();
      if (this.#running) await this.#rest();
    }
    this.#asking = false;
  }

  async #answer(): Promise<void> {
    try {
      this.#tell(await this.#ask());
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }
}
