import type { MachineInterface, VcpuView } from "../emulator/machine-interface.ts";
import { samePlace } from "./threads.ts";

const nameOf = ({ vm, vcpu }: VcpuView): string => `${vm}/${vcpu}`;
/** A vCPU that has not run is where it was, at the same time of its own. */
const stateOf = ({ linearRip, cycle }: VcpuView): string => `${linearRip}/${cycle}`;

/** Of several vCPUs, those that have stopped at a breakpoint and have not run since: others may have had their turns meanwhile. */
export class Standing {
  readonly #machine: MachineInterface;
  readonly #several: boolean;
  readonly #stopped = new Map<string, string>();

  constructor(machine: MachineInterface) {
    this.#machine = machine;
    this.#several = machine.vcpus().length > 1;
  }

  get #here(): VcpuView | undefined {
    return this.#several ? this.#machine.vcpus().find((view) => samePlace(view, this.#machine)) : undefined;
  }

  /** The vCPU in the core has stopped here. */
  note(): void {
    const view = this.#here;
    if (view) this.#stopped.set(nameOf(view), stateOf(view));
  }

  /** Has the vCPU in the core stopped here before, and not run since? */
  get isKnown(): boolean {
    const view = this.#here;
    return view !== undefined && this.#stopped.get(nameOf(view)) === stateOf(view);
  }

  /** The machine is about to go on, perhaps from another moment: forgets those that are elsewhere. */
  forgetMoved(): void {
    if (!this.#several) return;
    const present = new Map(this.#machine.vcpus().map((view) => [nameOf(view), stateOf(view)]));
    for (const [name, state] of this.#stopped) if (present.get(name) !== state) this.#stopped.delete(name);
  }
}
