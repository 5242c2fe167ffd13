/** A window of a device onto the bus: consecutive I/O ports, or guest-physical bytes. */
export interface Region {
  readonly space: "port" | "memory";
  /** First port or guest-physical address. */
  readonly base: number;
  /** Ports or bytes. */
  readonly length: number;
  /** Reads one byte at `offset` from `base`. May change the device (a read can clear an interrupt). */
  read(offset: number): number;
  /** Writes one byte, 0–255, at `offset` from `base`. */
  write(offset: number, value: number): void;
}

/**
 * A device: registers behind regions of the bus, state that changes with virtual time, and nothing else. Interrupt
 * lines are callbacks given at its creation; it never sees the processor. All our devices have registers of one byte.
 */
export interface Device {
  readonly name: string;
  readonly regions: readonly Region[];
  /** Input of the interrupt controller it drives, 0–15. */
  readonly irq?: number;
  /** Virtual time in cycles at which `tick` must be called next, or undefined if only an access can change it. */
  nextDeadline(): number | undefined;
  /** Brings it up to the present virtual time. */
  tick(): void;
  /** All its state as plain JSON. */
  save(): unknown;
  restore(state: unknown): void;
}

/** Virtual time in cycles, as devices read it. */
export type Clock = () => number;

/** An interrupt line: true is asserted. */
export type Line = (level: boolean) => void;
