import type { MachineInterface } from "../emulator/machine-interface.ts";

/** Events that a reader may be behind: far fewer than a machine keeps. */
export const mostUnread = 20_000;

/** Milliseconds of one wait. */
export const restTime = 10;

/** How often one after the other a reader is waited for in vain before it is taken to be gone. */
const mostWaits = 200;

interface Waiting {
  readonly begin: () => void;
  readonly rest: () => Promise<void>;
  readonly isOver: () => boolean;
}

/**
 * Those who follow the events of a machine while it runs. A guest can make more events than a client reads, and the machine keeps the newest
 * alone, so the guest waits for its readers; but not for ever, for one may be closed without a word.
 */
export class Readers {
  readonly #machine: MachineInterface;
  /** Up to which event each knows all. */
  readonly #known = new Map<string, number>();
  #waits = 0;

  constructor(machine: MachineInterface) {
    this.#machine = machine;
  }

  /** @param last number of the event up to which the reader knows all now */
  reads(reader: string, last: number): void {
    this.#known.set(reader, last);
    this.#waits = 0;
  }

  /** Waits, if one is behind, until all have read most; `begin` is called before, and `rest` waits once. */
  async wait({ begin, rest, isOver }: Waiting): Promise<void> {
    if (!this.#lags()) return;
    begin();
    do await rest();
    while (!isOver() && this.#lags());
  }

  /** Whether the guest should wait; to be asked again after each wait. */
  #lags(): boolean {
    const { lastSequence } = this.#machine;
    const late = [...this.#known].filter(([, last]) => lastSequence - last > mostUnread);
    if (late.length > 0 && ++this.#waits <= mostWaits) return true;
    for (const [reader] of late) this.#known.delete(reader);
    this.#waits = 0;
    return false;
  }
}
