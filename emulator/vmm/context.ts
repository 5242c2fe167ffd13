import type { CostProfile } from "../../isa/costs.ts";
import type { HypervisorOptions } from "../configuration/machine-configuration.ts";
import type { Cpu } from "../cpu/cpu.ts";
import type { StartMode } from "../machine-interface.ts";
import type { AddressLine } from "../mmu/address-line.ts";
import type { RunState } from "../schedule/vcpu.ts";
import type { ExitForm, RecordedBody, StopReason } from "../trace/event.ts";

/** Host-physical memory that the VMM keeps for itself of a virtual machine's slice; guest memory follows. */
export const hostReservedBytes = 0x20_0000;

/** The virtual CPUs of a virtual machine, by number, as its VMM acts on them. */
export interface VirtualCpus {
  readonly count: number;
  /** The one in the core. */
  readonly current: number;
  /** Something has come for it: it looks at its next instruction boundary, and does not sleep until then. */
  wake(vcpu: number): void;
  /** It begins its next turn with an empty TLB. */
  flushTlb(vcpu: number): void;
  /** The one in the core gives its physical CPU to others, for this reason; to a certain one if that is ready to run. */
  yield(why: string, to?: number): void;
  /** What it does at present. */
  state(vcpu: number): RunState;
  /** Cycles of virtual time during which it was ready to run and others ran in its stead. */
  stolen(vcpu: number): number;
}

/** What a VMM is given of its machine. */
export interface VmmContext {
  readonly vcpus: VirtualCpus;
  /** The physical processor. The devices of its bus are, for a guest, the VMM's device models. */
  readonly cpu: Cpu;
  /**
   * Host-physical address of the virtual machine's slice, a multiple of 4096: `hostReservedBytes` of the VMM's, then the guest's
   * memory. Slices of several virtual machines lie one behind the other.
   */
  readonly slice: number;
  /** Host-physical address of guest-physical 0: where the VMM's part of the slice ends. */
  readonly guestBase: number;
  /** Guest memory in bytes. */
  readonly guestBytes: number;
  /** The gate of the guest's address line 20. */
  readonly a20: AddressLine;
  readonly mode: StartMode;
  /** Guest-physical addresses of the first byte of the guest's image and of the one behind its last. */
  readonly image: { readonly start: number; readonly end: number };
  readonly costs: CostProfile;
  readonly options: HypervisorOptions;
  /** Executes the instruction at RIP by its semantics, as part of the present step. Throws what it throws. */
  readonly interpret: () => void;
  /** False where execution has run off the guest's code: at zeros in memory where nothing was loaded, host-physical. */
  readonly isCode: (physical: number) => boolean;
  /** Records an event and gives its sequence number. */
  readonly record: (body: RecordedBody) => number;
  /** Records an exit (see `ExitNumbers`) and gives its number. */
  readonly recordExit: (form: ExitForm, qualification: bigint | number, first: number, second: number) => number;
  /** Fills in the cost of an exit event once the guest is resumed. */
  readonly settle: (sequence: number, cost: number) => void;
  /** The time of day at which the guest was started, in seconds since 1970. */
  readonly startSeconds: number;
  /** Sends an interprocessor interrupt with vector and delivery mode as in the interrupt command; false: no such processor. */
  readonly interruptProcessor: (apicId: number, command: number) => boolean;
  /** The monitor's deadline may be another now. */
  readonly timeChanged: () => void;
  /** The guest cannot go on: records the `stop` event and ends the run. */
  readonly stop: (reason: StopReason, text: string) => void;
}
