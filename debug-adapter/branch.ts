import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type Present, presentOf } from "./history.ts";
import { Declined, Refusal } from "./requests.ts";

const steps = (count: number): string => `${count.toLocaleString("en")} step${count === 1 ? "" : "s"}`;

/** How far a run has been, so that a person can be told when he looks at, and when he changes, its past. */
export class Branch {
  readonly #machine: MachineInterface;
  #latest: Present = { now: 0, ended: false };
  /** What a client has been asked, and not answered yet. */
  #question: Promise<boolean> | undefined;
  #answer: (begin: boolean) => void = () => {};

  constructor(machine: MachineInterface) {
    this.#machine = machine;
  }

  /** Steps from here to the latest moment at which the guest has stopped. */
  get past(): number {
    if (this.#machine.now >= this.#latest.now) this.#latest = presentOf(this.#machine);
    return this.#latest.now - this.#machine.now;
  }

  /** The latest moment at which the guest has stopped. */
  get latest(): Present {
    return this.#latest;
  }

  /**
   * Waits until the client has said whether a change may be made here, in the past; `ask` is called unless it is being asked already.
   * @throws Refusal if it may not, or the guest is elsewhere by then
   */
  async permission(ask: (past: number) => void): Promise<void> {
    const { past } = this;
    const { now } = this.#machine;
    if (past === 0) return;
    if (!this.#question) {
      this.#question = new Promise((answer) => {
        this.#answer = answer;
      });
      ask(past);
    }
    if (!(await this.#question)) throw new Declined("Nothing was changed.");
    if (this.#machine.now !== now) throw new Refusal("The guest has moved meanwhile, and nothing was changed.");
  }

  /** The client's answer: whether the change may be made; or that none will come any more. */
  permit(begin: boolean): void {
    this.#question = undefined;
    this.#answer(begin);
  }

  /** A person changes the guest here: what had happened afterwards will not happen again. Says so, if there was any. */
  start(): string {
    const { past } = this;
    this.#latest = presentOf(this.#machine);
    return past > 0
      ? `A new branch begins here: the ${steps(past)} that had been taken after this moment are forgotten.\n`
      : "";
  }
}

export const pastText = (past: number): string => `In the past, ${steps(past)} back`;
