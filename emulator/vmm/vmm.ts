import type { Monitor } from "../cpu/monitor.ts";
import type { VmmContext } from "./context.ts";
import type { DomainView } from "./xen/domain-view.ts";

/** The VMM of one virtual machine: a monitor for each of its virtual CPUs, and what they share. */
export interface Vmm {
  /**
   * The monitor of a virtual CPU, with the guest ready to run at the processor's present state (as on bare metal). To be called
   * once for each, in the order of their numbers.
   */
  monitor(vcpu: number): Monitor;
  /** Event channels and grants of a paravirtual guest, changing nothing; other VMMs have none. */
  domain?(vm: string): DomainView;
  /** What they share and is not in machine memory, as plain JSON. */
  save(): unknown;
  /** Before the monitors' own. */
  restore(state: unknown): void;
}

/** A VMM whose guest has one virtual CPU: all state is its monitor's. */
export const lone =
  (make: (context: VmmContext) => Monitor) =>
  (context: VmmContext): Vmm => ({ monitor: () => make(context), save: () => null, restore: () => {} });
