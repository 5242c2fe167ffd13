import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";
import type { Unit } from "./units.ts";

/** What a physical CPU executes. Plain JSON. */
interface Placement {
  readonly id: string;
  /** Host time in cycles from which it has it. */
  readonly since: number;
  /** It has not been in the core since. */
  readonly fresh: boolean;
}

/** A physical CPU that executes a vCPU, and its time in cycles: that of the vCPU, which may be ahead of when it got it. */
export interface Local {
  readonly pcpu: number;
  readonly unit: Unit;
  readonly time: number;
}

/** What each physical CPU executes. */
export class Placements {
  readonly #unitOf: (id: string) => Unit;
  #all: readonly (Placement | null)[];
  #units: readonly (Unit | undefined)[] = [];

  constructor(pcpus: number, unitOf: (id: string) => Unit) {
    this.#all = new Array<null>(pcpus).fill(null);
    this.#unitOf = unitOf;
  }

  /** How many physical CPUs execute vCPUs of a VM. */
  count(vm: VirtualMachine): number {
    let count = 0;
    for (const unit of this.#units) if (unit?.vm === vm) count++;
    return count;
  }

  /** Of those that execute a vCPU that `goes` on, the one with the least time. */
  furthestBehind(goes: (unit: Unit) => boolean): Local | undefined {
    let behind: Local | undefined;
    for (let pcpu = 0; pcpu < this.#units.length; pcpu++) {
      const unit = this.#units[pcpu];
      if (!unit || !goes(unit)) continue;
      const time = Math.max(this.#all[pcpu]!.since, unit.vm.processors.cycleOf(unit.number));
      if (!behind || time < behind.time) behind = { pcpu, unit, time };
    }
    return behind;
  }

  /** The vCPU is about to be in the core. True if it is that for the first time since it has this physical CPU. */
  enter(pcpu: number): boolean {
    const placement = this.#all[pcpu]!;
    if (!placement.fresh) return false;
    this.#all = this.#all.with(pcpu, { ...placement, fresh: false });
    return true;
  }

  /** From a host time on the physical CPUs execute these. Tells of each that loses its own, then of each that gets one. */
  change(
    running: readonly (string | undefined)[],
    clock: number,
    { left, came }: { readonly left: (unit: Unit) => void; readonly came: (unit: Unit) => void },
  ): void {
    const before = this.#all;
    for (const [pcpu, placement] of before.entries())
      if (placement && placement.id !== running[pcpu]) left(this.#unitOf(placement.id));
    for (const [pcpu, id] of running.entries()) if (id !== undefined && id !== before[pcpu]?.id) came(this.#unitOf(id));
    this.#all = before.map((placement, pcpu) => {
      const id = running[pcpu];
      if (id === undefined) return null;
      return placement?.id === id ? placement : { id, since: clock, fresh: true };
    });
    this.#find();
  }

  #find(): void {
    this.#units = this.#all.map((placement) => (placement ? this.#unitOf(placement.id) : undefined));
  }

  /** Never changed once given. */
  save(): readonly (Placement | null)[] {
    return this.#all;
  }

  restore(all: readonly (Placement | null)[]): void {
    this.#all = all;
    this.#find();
  }
}
