/**
 * Prints what the VMs of a computer write to their consoles. Several go line by line, each line after its VM's name, so that they do not
 * run into each other; one by itself comes as it is.
 */
export class ConsoleLines {
  readonly #out: (text: string) => void;
  readonly #several: boolean;
  /** What has been written of a line that is not complete, by VM. */
  readonly #begun = new Map<string, string>();

  constructor(several: boolean, out: (text: string) => void) {
    this.#several = several;
    this.#out = out;
  }

  write(vm: string, text: string): void {
    if (!this.#several) {
      this.#out(text);
      return;
    }
    const lines = ((this.#begun.get(vm) ?? "") + text).split("\n");
    this.#begun.set(vm, lines.pop()!);
    for (const line of lines) this.#out(`${vm}: ${line}\n`);
  }

  /** Prints the lines that were not completed. */
  end(): void {
    for (const [vm, line] of this.#begun) if (line !== "") this.#out(`${vm}: ${line}\n`);
    this.#begun.clear();
  }
}
