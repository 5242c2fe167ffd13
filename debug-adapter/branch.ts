import type { MachineInterface } from "../emulator/machine-interface.ts";

const steps = (count: number): string => `${count.toLocaleString("en")} step${count === 1 ? "" : "s"}`;

/** How far a run has been, so that a person can be told when he looks at, and when he changes, its past. */
export class Branch {
  readonly #machine: MachineInterface;
  #furthest = 0;

  constructor(machine: MachineInterface) {
    this.#machine = machine;
  }

  /** Steps from the present to the latest moment at which the guest has stopped. */
  get past(): number {
    this.#furthest = Math.max(this.#furthest, this.#machine.now);
    return this.#furthest - this.#machine.now;
  }

  /** A person changes the guest here: what had happened afterwards will not happen again. Says so, if there was any. */
  start(): string {
    const { past } = this;
    this.#furthest = this.#machine.now;
    return past > 0
      ? `A new branch begins here: the ${steps(past)} that had been taken after this moment are forgotten.\n`
      : "";
  }
}

export const pastText = (past: number): string => `In the past, ${steps(past)} back`;
