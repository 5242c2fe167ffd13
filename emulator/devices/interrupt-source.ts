import type { LocalSource } from "../trace/event.ts";

/** The interrupt controller as the bus sees it. */
export interface InterruptSource {
  /** The INTR line: an unmasked interrupt is waiting. */
  readonly pending: boolean;
  /** INTA: takes the interrupt of highest priority and gives its vector, 0–255. */
  acknowledge(): number;
  /** The IRQ or input of the I/O APIC that has this vector now; -1 if none. */
  irqOf(vector: number): number;
  /** Of an interrupt without an IRQ: what in or at the local APIC has this vector now. */
  localSourceOf?(vector: number): LocalSource;
  /** Holds back interrupts whose class (vector bits 7:4) is not above this, 0–15. The 8259 knows nothing of it. */
  setTaskPriority?(priority: number): void;
  /** Switches the local APIC on, as after power-on, or off. */
  switchLocalApic?(on: boolean): void;
}
