import type { AddressSpace, Adjustment, VcpuPlace } from "../machine-interface.ts";
import type { BlockName } from "../vmm/control-fields.ts";
import type { Action } from "./timeline.ts";

type Deed =
  /** Types into the serial port. */
  | { readonly kind: "input"; readonly text: string }
  /** Types on the keyboard, keys by name in braces. */
  | { readonly kind: "press"; readonly text: string }
  | { readonly kind: "set-register"; readonly name: string; readonly value: bigint }
  /** Gives a field of the VMCS or VMCB a value, as the hypervisor could; `field` is its identifier. */
  | { readonly kind: "set-field"; readonly block: BlockName; readonly field: string; readonly value: bigint }
  | {
      readonly kind: "write-memory";
      readonly space: AddressSpace;
      readonly address: bigint;
      readonly bytes: Uint8Array;
    }
  /** Changes a VM, or one vCPU of it, for the scheduler. */
  | { readonly kind: "adjust"; readonly vm: string; readonly vcpu?: number; readonly adjustment: Adjustment }
  /** From now on only this vCPU runs; null: all do. */
  | { readonly kind: "freeze"; readonly only: VcpuPlace | null };

/** What a person does to a machine from outside, as data: a file can hold it, and a replay does it again. */
export type Intervention = Deed & {
  /** To this VM, of this vCPU. Default: the one about to run. */
  readonly on?: VcpuPlace;
};

/** An intervention and its moment. */
export type Intervened = Action<Intervention>;
