import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";

const never = Number.POSITIVE_INFINITY;

/** When devices have something for VMs that wait: those none of whose vCPUs runs, but of which one sleeps. */
export class Wakings {
  readonly #waits: (vm: VirtualMachine) => boolean;
  /** Where it is known; derived. */
  readonly #known = new Map<VirtualMachine, number>();

  constructor(waits: (vm: VirtualMachine) => boolean) {
    this.#waits = waits;
  }

  /** Virtual time in cycles; infinite of a VM that does not wait, or that nothing will wake. */
  of(vm: VirtualMachine): number {
    if (vm.stopped || !this.#waits(vm)) return never;
    const known = this.#known.get(vm);
    if (known !== undefined) return known;
    const next = vm.time.nextWaking;
    const waking = typeof next === "number" ? next : never;
    this.#known.set(vm, waking);
    return waking;
  }

  /** Its devices may have something else to do now. */
  forget(vm: VirtualMachine): void {
    this.#known.delete(vm);
  }

  forgetAll(): void {
    this.#known.clear();
  }
}
