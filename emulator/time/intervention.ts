import type { AddressSpace, VcpuPlace } from "../machine-interface.ts";
import type { Action } from "./timeline.ts";

/** What a person does to a machine from outside, as data: a file can hold it, and a replay does it again. */
export type Intervention = {
  /** To this VM, of this vCPU. Default: the one about to run. */
  readonly on?: VcpuPlace;
} /** Types into the serial port. */ & (
  | { readonly kind: "input"; readonly text: string }
  /** Types on the keyboard, keys by name in braces. */
  | { readonly kind: "press"; readonly text: string }
  | { readonly kind: "set-register"; readonly name: string; readonly value: bigint }
  | {
      readonly kind: "write-memory";
      readonly space: AddressSpace;
      readonly address: bigint;
      readonly bytes: Uint8Array;
    }
);

/** An intervention and its moment. */
export type Intervened = Action<Intervention>;
