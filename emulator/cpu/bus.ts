/** What the processor sees of the rest of the machine beside RAM; `memory/bus.ts` is one. Ports and values are unsigned. */
export interface Bus {
  /** Reads 1, 2 or 4 bytes from an I/O port. */
  in(port: number, bytes: number): number;
  out(port: number, bytes: number, value: number): void;
  /** Accesses to a port call firmware, which wants all of the processor's registers in their places. Default: none does. */
  callsFirmware?(port: number): boolean;
  /** Whether a device answers at this host-physical address. Where neither it nor RAM does, reads give all ones. */
  claims(physical: number): boolean;
  /** Memory-mapped read of 1, 2 or 4 bytes at an address that is claimed. */
  read(physical: number, bytes: number): number;
  write(physical: number, bytes: number, value: number): void;
  /** The INTR line: an interrupt controller has an interrupt for the processor. */
  interruptPending(): boolean;
  /** Interrupt acknowledge: the vector, 0–255. Call only while `interruptPending()`. */
  acknowledgeInterrupt(): number;
  /** MOV to CR8: the local APIC's task priority, 0–15. */
  setTaskPriority?(priority: number): void;
  /** The local APIC is switched on or off by IA32_APIC_BASE. */
  switchLocalApic?(on: boolean): void;
  /**
   * FERR#, without CR0.NE: an unmasked x87 exception is waiting, or is no more. Gives IGNNE#: go on as if there were none.
   * Default: nothing is wired to the pins.
   */
  coprocessorError?(waiting: boolean): boolean;
}
