import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";

/** A vCPU of a VM. */
export interface Unit {
  /** `VM/number`. */
  readonly id: string;
  readonly vm: VirtualMachine;
  readonly number: number;
}

/** The vCPUs of all VMs, by their names. */
export class Units {
  readonly all: readonly Unit[];
  readonly #byId: ReadonlyMap<string, Unit>;
  readonly #byVm: ReadonlyMap<VirtualMachine, readonly Unit[]>;

  constructor(vms: readonly VirtualMachine[]) {
    const unitsOf = (vm: VirtualMachine): Unit[] =>
      Array.from({ length: vm.processors.count }, (_, number) => ({ id: `${vm.name}/${number}`, vm, number }));
    this.#byVm = new Map(vms.map((vm) => [vm, unitsOf(vm)]));
    this.all = [...this.#byVm.values()].flat();
    this.#byId = new Map(this.all.map((unit) => [unit.id, unit]));
  }

  unit(id: string): Unit {
    return this.#byId.get(id)!;
  }

  of(vm: VirtualMachine): readonly Unit[] {
    return this.#byVm.get(vm)!;
  }

  /** The vCPU that is named, or all of the VM. */
  named(vm: string, vcpu: number | undefined): readonly string[] {
    if (vcpu !== undefined) return [`${vm}/${vcpu}`];
    return this.all.filter((unit) => unit.vm.name === vm).map(({ id }) => id);
  }

  /** Whether it has something to do. */
  isReady(id: string): boolean {
    const { vm, number } = this.unit(id);
    return !vm.processors.isAsleep(number);
  }
}
