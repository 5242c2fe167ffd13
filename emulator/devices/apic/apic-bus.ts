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
    const named = this.#agents.filter((agent) =>
      message.logical
        ? agent.isLogically(message.destination)
        : message.destination === everyone || agent.id === message.destination,
    );
    this.deliver(named, message);
  }

  /** To given agents, as the destination shorthands of the ICR name them. */
  deliver(agents: readonly ApicAgent[], message: ApicMessage): void {
    if (message.mode !== deliveryMode.lowest) {
      for (const agent of agents) agent.accept(message);
      return;
    }
    // Of equal priorities the first in ID order: hardware may choose any, we always choose the same.
    const candidates = agents.filter(({ enabled }) => enabled);
    const [first] = candidates.toSorted((a, b) => a.priority - b.priority || a.id - b.id);
    first?.accept(message);
  }

  get agents(): readonly ApicAgent[] {
    return this.#agents;
  }
}
