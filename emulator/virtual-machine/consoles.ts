import { createConsoleText } from "../devices/console-text.ts";

type ConsoleText = ReturnType<typeof createConsoleText>;

/** What devices send to the console, as text: one stream for each device. */
export class Consoles {
  readonly #streams = new Map<string, ConsoleText>();
  readonly #print: (device: string, text: string) => void;

  constructor(print: (device: string, text: string) => void) {
    this.#print = print;
  }

  #of(device: string): ConsoleText {
    const known = this.#streams.get(device);
    if (known) return known;
    const made = createConsoleText((text) => this.#print(device, text));
    this.#streams.set(device, made);
    return made;
  }

  send(device: string, byte: number): void {
    this.#of(device).send(byte);
  }

  /** Gives out what is left of unfinished characters. */
  flush(): void {
    for (const stream of this.#streams.values()) stream.flush();
  }

  save(): unknown {
    return [...this.#streams].map(([device, text]) => [device, text.save()] as const);
  }

  restore(state: unknown): void {
    this.#streams.clear();
    for (const [device, text] of state as readonly (readonly [string, unknown])[]) this.#of(device).restore(text);
  }
}
