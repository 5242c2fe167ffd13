/** What the VMs of a computer write to their consoles, as one text: of several, each begins a line of its own with its name. */
export class ConsoleText {
  readonly #several: boolean;
  /** The VM that wrote last, and whether that ended a line. */
  #speaker: string | undefined;
  #lineEnded = false;

  constructor(several: boolean) {
    this.#several = several;
  }

  /** What is to be printed when a VM has written something. */
  of(vm: string, text: string): string {
    if (!this.#several) return text;
    const goesOn = this.#speaker === vm && !this.#lineEnded;
    const begin = goesOn ? "" : `${this.#speaker === undefined || this.#lineEnded ? "" : "\n"}${vm}: `;
    this.#speaker = vm;
    this.#lineEnded = text.endsWith("\n");
    return begin + text.replace(/\n(?=.)/gs, `\n${vm}: `);
  }
}
