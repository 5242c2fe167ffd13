/** Messages between I/O APICs and local APICs, and which local APICs a message is for (SDM Vol. 3, 11.6.2). */

/** Delivery modes by their number in the ICR, LVT and redirection entries. */
export const deliveryMode = { fixed: 0, lowest: 1, smi: 2, nmi: 4, init: 5, startUp: 6, external: 7 } as const;

/** A delivery mode in words. */
export const deliveryModeText = (mode: number): string =>
  Object.entries(deliveryMode).find(([, number]) => number === mode)?.[0] ?? "reserved mode";

export interface ApicMessage {
  /** 0–7, see `deliveryMode`. */
  readonly mode: number;
  readonly vector: number;
  /** A level-triggered interrupt: its EOI goes back to the I/O APIC. */
  readonly level: boolean;
  /** Eight bits: an APIC ID, or with `logical` a logical destination. */
  readonly destination: number;
  readonly logical: boolean;
}

/** What the bus needs to know of a local APIC. */
export interface ApicAgent {
  readonly id: number;
  /** Does a logical destination name it? */
  isLogically(destination: number): boolean;
  /** Whether it takes part in choosing the processor of lowest priority: it is enabled by software. */
  readonly enabled: boolean;
  /** Processor priority, for lowest-priority delivery. */
  readonly priority: number;
  accept(message: ApicMessage): void;
}

/** The physical destination that names all. */
const everyone = 0xff;

export class ApicBus {
  readonly #agents: ApicAgent[] = [];
  #onEoi: ((vector: number) => void)[] = [];

  add(agent: ApicAgent): void {
    this.#agents.push(agent);
  }

  /** An I/O APIC hears the end of level-triggered interrupts. */
  onEndOfInterrupt(listener: (vector: number) => void): void {
    this.#onEoi.push(listener);
  }

  endOfInterrupt(vector: number): void {
    for (const listener of this.#onEoi) listener(vector);
  }

  send(message: ApicMessage): void {
    this.deliver(this.#named(message), message);
  }

  #named({ destination, logical }: ApicMessage): readonly ApicAgent[] {
    return this.#agents.filter((agent) =>
      logical ? agent.isLogically(destination) : destination === everyone || agent.id === destination,
    );
  }

  /** The agents that a message would reach if it were sent now. */
  receivers(message: ApicMessage): readonly ApicAgent[] {
    return receivers(this.#named(message), message);
  }

  /** To given agents, as the destination shorthands of the ICR name them. */
  deliver(agents: readonly ApicAgent[], message: ApicMessage): void {
    for (const agent of receivers(agents, message)) agent.accept(message);
  }

  get agents(): readonly ApicAgent[] {
    return this.#agents;
  }
}

/** Of the agents that a message names: all, or of lowest-priority delivery one. */
function receivers(agents: readonly ApicAgent[], { mode }: ApicMessage): readonly ApicAgent[] {
  if (mode !== deliveryMode.lowest) return agents;
  // Of equal priorities the first in ID order: hardware may choose any, we always choose the same.
  const candidates = agents.filter(({ enabled }) => enabled);
  return candidates.toSorted((a, b) => a.priority - b.priority || a.id - b.id).slice(0, 1);
}
