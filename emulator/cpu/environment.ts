import type { Fault } from "./monitor.ts";

export type OperatingMode = "real" | "virtual-8086" | "protected" | "compatibility" | "long";

/** Told of what the processor does, for the event stream; never changes anything. */
export interface Observer {
  /** An exception or software interrupt is about to be delivered through the guest's own table. */
  exception?(fault: Fault): void;
  /** An external interrupt is about to be delivered through the guest's own table. */
  interrupt?(vector: number): void;
  /** CR0 or EFER changed the operating mode. */
  modeChanged?(from: OperatingMode, to: OperatingMode): void;
}

/** Told when the guest touches memory that somebody guards (see `mmu/physical.ts`). Addresses are host-physical. */
export interface MemoryObserver {
  /** Bytes of a page marked as holding decoded code are about to be overwritten. */
  codeWritten?(physical: number, bytes: number): void;
  /** Bytes of a page from which a VMM has translated code are about to be overwritten. */
  translatedWritten?: ((physical: number, bytes: number) => void) | undefined;
  /** A watched page is accessed; called before the access happens. */
  watched?(physical: number, bytes: number, access: "read" | "write"): void;
}

/** Thrown where the guest asks for something that Ringside does not have; the machine stops and shows `what`. */
export interface Unsupported {
  readonly kind: "unsupported";
  /** E.g. "hardware task switch". */
  readonly what: string;
}
