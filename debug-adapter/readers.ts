import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { EventKind } from "../emulator/trace/event.ts";

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

interface Position {
  /** Number of the event up to which the reader knows all of these kinds. */
  readonly last: number;
  /** Up to here there are no more of them. */
  until: number;
  /** Undefined: all kinds. */
  readonly kinds: readonly EventKind[] | undefined;
}

/**
 * Those who follow the events of a machine while it runs. A guest can make more events than a client reads, and the machine keeps the newest
 * alone, so the guest waits for its readers; but not for ever, for one may be closed without a word.
 */
export class Readers {
  readonly #machine: MachineInterface;
  readonly #positions = new Map<string, Position>();
  #waits = 0;

  constructor(machine: MachineInterface) {
    this.#machine = machine;
  }

  /** @param last number of the event up to which the reader knows all of these kinds now */
  reads(reader: string, last: number, kinds?: readonly EventKind[]): void {
    this.#positions.set(reader, { last, until: last, kinds });
    this.#waits = 0;
  }

  /** Up to which event there is nothing new for a reader that knows all up to `after`. */
  nothingUntil(reader: string, after: number): number {
    const position = this.#positions.get(reader);
    return position?.last === after ? position.until : after;
  }

  /** Events are no longer what they were. */
  changed(): void {
    this.#positions.clear();
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
    const late = [...this.#positions].filter(([, position]) => this.#isLate(position));
    if (late.length > 0 && ++this.#waits <= mostWaits) return true;
    for (const [reader] of late) this.#positions.delete(reader);
    this.#waits = 0;
    return false;
  }

  /** Events of other kinds are none to wait for. */
  #isLate(position: Position): boolean {
    const { lastSequence } = this.#machine;
    if (lastSequence - position.until <= mostUnread) return false;
    const [next] = this.#machine.events(position.until, 1, position.kinds);
    position.until = next ? next.sequence - 1 : lastSequence;
    return lastSequence - position.until > mostUnread;
  }
}
