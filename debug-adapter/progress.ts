/** Chances to pause that an operation may have before a person is told that it takes long, and between two reports. */
const patience = 10;

/** Tells a client of an operation that takes long. There is no clock here: what counts is how often it has been interrupted. */
export class Progress {
  readonly id: string;
  readonly #title: string;
  readonly #emit: (event: string, body: unknown) => void;
  #ticks = 0;

  constructor(id: string, title: string, emit: (event: string, body: unknown) => void) {
    this.id = id;
    this.#title = title;
    this.#emit = emit;
  }

  /** The operation goes on; `message` says where it is. */
  tick(message: () => string): void {
    this.#ticks++;
    const progressId = this.id;
    if (this.#ticks === patience)
      this.#emit("progressStart", { progressId, title: this.#title, cancellable: true, message: message() });
    else if (this.#ticks > patience && this.#ticks % patience === 0)
      this.#emit("progressUpdate", { progressId, message: message() });
  }

  end(): void {
    if (this.#ticks >= patience) this.#emit("progressEnd", { progressId: this.id });
  }
}
