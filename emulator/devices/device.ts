import type { CoprocessorError } from "./coprocessor-error.ts";
import type { DeviceName } from "./device-names.ts";
import type { DeviceView } from "./device-view.ts";

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
  /** Registers wider than a byte. Without it, wider accesses are split into bytes at consecutive addresses. */
  readonly wide?: WideRegisters;
}

/** Accesses of 2 or 4 bytes that begin in a region; values are unsigned. */
export interface WideRegisters {
  read(offset: number, bytes: number): number;
  write(offset: number, bytes: number, value: number): void;
}

/**
 * A device: registers behind regions of the bus, state that changes with virtual time, and nothing else. Interrupt
 * lines are callbacks given at its creation; it never sees the processor.
 */
export interface Device {
  readonly name: DeviceName;
  readonly regions: readonly Region[];
  /** Input of the interrupt controller it drives, 0–15. */
  readonly irq?: number;
  /** Accesses to it change no deadline and no interrupt line. */
  readonly inert?: boolean;
  /** Accesses to it are calls of firmware, which looks at the processor's registers. */
  readonly firmware?: boolean;
  /** Present where time changes it. */
  readonly timing?: Timing;
  /** Present where it is wired to the processor's pins for x87 exceptions. */
  readonly coprocessor?: CoprocessorError;
  /** Its registers for who looks from outside. Changes nothing. */
  inspect?(): DeviceView;
  /** All its state as plain JSON. */
  save(): unknown;
  restore(state: unknown): void;
}

/** How time changes a device. */
export interface Timing {
  /** Virtual time in cycles at which `tick` must be called next, or undefined if only an access can change it. */
  nextDeadline(): number | undefined;
  /** Brings it up to the present virtual time. */
  tick(): void;
}

/** A device whose every moment is alike: nothing to save. */
export const stateless = { save: () => null, restore: () => {} } as const;

/** Virtual time in cycles, as devices read it. */
export type Clock = () => number;

/** An interrupt line: true is asserted. */
export type Line = (level: boolean) => void;

/** The interrupt lines of a machine by number: IRQ 0–15 of the PC. */
export type Lines = (irq: number) => Line;
