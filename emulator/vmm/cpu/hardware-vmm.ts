import type { Cpu } from "../../cpu/cpu.ts";
import type { VmmContext } from "../context.ts";
import type { KvmGuest } from "../kvm/guest.ts";
import type { NestedPaging } from "../memory/nested-paging.ts";

/**
 * What emulating an instruction takes of a VMM on virtualization hardware, whosever it is. The general registers of the guest
 * are the processor's; what else is the guest's is in a control block, and the methods here keep the two together.
 */
export interface HardwareVmm {
  readonly cpu: Cpu;
  readonly context: VmmContext;
  readonly nestedPaging: NestedPaging;
  /** What the guest has set up of KVM's interface. */
  readonly kvm: KvmGuest;
  readonly guestIs64: boolean;
  readonly guestCpl: number;
  /** Whether debug traps follow what has been emulated: a single step, or breakpoints that it met. */
  readonly trapsDue: boolean;
  /**
   * Moves the guest past the instruction that exited: RIP, what lasts for one instruction, and the trap after it if TF is
   * set. `retired` is how often it counts: once, or for a repeated one the iterations that are not counted yet.
   */
  advance(retired?: number): void;
  /** An instruction has been emulated: what lasts for one is over, and the trap after it comes if TF is set. */
  stepped(): void;
  /** Debug traps that are due come with the next entry. */
  noteTraps(): void;
  /** So many instructions, or iterations of one, were completed for the guest. */
  completed(instructions: number): void;
  /** Asks the next entry to inject an exception, and says so. */
  injectException(vector: number, errorCode?: number): string;
  /** Asks the next entry to deliver again what the exit interrupted, if it interrupted a delivery. */
  redeliver(): void;
  /** Gives the processor away until an interrupt comes. True if the guest need not wait. */
  wait(): boolean;
  /** The processor's state is the guest's as an emulation has changed it: the control block gets it. */
  writeBack(): void;
}

/** What emulations take that touch nothing but registers. */
export type RegisterVmm = Pick<HardwareVmm, "cpu" | "context" | "kvm" | "guestIs64" | "guestCpl" | "advance">;
