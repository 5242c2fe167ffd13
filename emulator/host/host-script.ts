import type { HostConfiguration, TimedInput } from "../configuration/machine-configuration.ts";
import { cyclesAt } from "../schedule/host-time.ts";
import type { Change } from "../schedule/model.ts";
import type { VirtualMachine } from "../virtual-machine/virtual-machine.ts";

const never = Number.POSITIVE_INFINITY;

/** Does what the script says. */
interface Actor {
  change(change: Change): void;
  type(vm: VirtualMachine, input: TimedInput): void;
}

/** How much of it has happened: changes, and inputs of each VM. */
interface Done {
  readonly changes: number;
  readonly inputs: readonly number[];
}

const inTime = <T extends { readonly at: number }>(list: readonly T[]): readonly T[] =>
  list.toSorted((a, b) => a.at - b.at);

/** What the configuration has happen at moments of host time: changes for the scheduler, and what is typed. */
export class HostScript {
  readonly #vms: readonly VirtualMachine[];
  readonly #actor: Actor;
  readonly #changes: readonly Change[];
  readonly #inputs: readonly (readonly TimedInput[])[];
  #done: Done;

  constructor({ changes = [] }: HostConfiguration, vms: readonly VirtualMachine[], actor: Actor) {
    this.#vms = vms;
    this.#actor = actor;
    this.#changes = inTime(changes);
    this.#inputs = vms.map(({ configuration: { inputs = [] } }) => inTime(inputs));
    this.#done = { changes: 0, inputs: vms.map(() => 0) };
  }

  #inputOf(vm: number): TimedInput | undefined {
    const { stopped, waiting } = this.#vms[vm]!;
    return stopped && !waiting ? undefined : this.#inputs[vm]![this.#done.inputs[vm]!];
  }

  /** Host time in cycles at which something happens next. */
  get next(): number {
    const inputs = this.#vms.map((_, vm) => this.#inputOf(vm)?.at ?? never);
    return cyclesAt(Math.min(this.#changes[this.#done.changes]?.at ?? never, ...inputs));
  }

  /** Does the first thing that is due at a host time in cycles; false if there is none. */
  perform(clock: number): boolean {
    const { changes, inputs } = this.#done;
    const change = this.#changes[changes];
    if (change && cyclesAt(change.at) <= clock) {
      this.#done = { changes: changes + 1, inputs };
      this.#actor.change(change);
      return true;
    }
    for (const [n, vm] of this.#vms.entries()) {
      const input = this.#inputOf(n);
      if (!input || cyclesAt(input.at) > clock) continue;
      this.#done = { changes, inputs: inputs.with(n, inputs[n]! + 1) };
      this.#actor.type(vm, input);
      return true;
    }
    return false;
  }

  /** Never changed once given. */
  save(): Done {
    return this.#done;
  }

  restore(done: Done): void {
    this.#done = done;
  }
}
