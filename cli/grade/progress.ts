/** A bar that shows how far grading has come; only on a terminal. */
export class Progress {
  readonly #write: ((text: string) => void) | undefined;
  readonly #total: number;
  #done = 0;
  #failed = 0;
  #shown = 0;

  /** @param write undefined: nobody watches */
  constructor(total: number, write: ((text: string) => void) | undefined) {
    this.#write = write;
    this.#total = total;
    this.#show();
  }

  /** One more is graded. */
  step(isComplete: boolean): void {
    this.#done++;
    if (!isComplete) this.#failed++;
    this.#show();
  }

  #show(): void {
    if (!this.#write) return;
    const width = 30;
    const filled = Math.round((width * this.#done) / Math.max(1, this.#total));
    const bar = "#".repeat(filled).padEnd(width, ".");
    const text = `[${bar}] ${this.#done}/${this.#total} graded, ${this.#failed} with points lost`;
    this.#write(`\r${text.padEnd(this.#shown)}`);
    this.#shown = text.length;
  }

  /** Takes the bar away. */
  end(): void {
    this.#write?.(`\r${" ".repeat(this.#shown)}\r`);
  }
}
