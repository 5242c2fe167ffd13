/** Trace faults after which an instruction becomes a callout, and callouts without a traced write after which it does not need to be one. */
const trapsToAdapt = 4;
const quietToReturn = 64;

interface Behaviour {
  /** Trace faults, or as a callout writes in a row that needed no trace. */
  readonly count: number;
  readonly adapted: boolean;
}

export type SavedAdaptation = readonly (readonly [number, Behaviour])[];

/**
 * Adaptive binary translation: an instruction that keeps faulting because it writes to traced pages costs less as a callout;
 * one that stopped doing so costs less as itself. Addresses are linear.
 */
export class Adaptation {
  #behaviours = new Map<number, Behaviour>();

  isAdapted(address: number): boolean {
    return this.#behaviours.get(address)?.adapted === true;
  }

  /** The instruction wrote to a traced page. True if it is to be translated again, as a callout. */
  trapped(address: number): boolean {
    const count = (this.#behaviours.get(address)?.count ?? 0) + 1;
    const adapted = count >= trapsToAdapt;
    this.#behaviours.set(address, { count: adapted ? 0 : count, adapted });
    return adapted;
  }

  /** It was executed as a callout. True if it is to be translated again, as itself. */
  ran(address: number, traced: boolean): boolean {
    const count = traced ? 0 : (this.#behaviours.get(address)?.count ?? 0) + 1;
    if (count < quietToReturn) {
      this.#behaviours.set(address, { count, adapted: true });
      return false;
    }
    this.#behaviours.delete(address);
    return true;
  }

  save(): SavedAdaptation {
    return [...this.#behaviours];
  }

  restore(saved: SavedAdaptation): void {
    this.#behaviours = new Map(saved);
  }
}
