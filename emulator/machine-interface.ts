import type { ComputerConfiguration, VmConfiguration } from "./configuration/machine-configuration.ts";
import type { DeviceView } from "./devices/device-view.ts";
import type { Screen } from "./devices/screen.ts";
import type { Pixels } from "./devices/vga-picture.ts";
import type { Digest } from "./digest.ts";
import type { OtherNames } from "./inspection/counterparts/other-names.ts";
import type { PageSize } from "./mmu/translation-events.ts";
import type { Fairness } from "./schedule/fairness.ts";
import type { Parameters, RunState } from "./schedule/vcpu.ts";
import type { VmcbView } from "./svm/vmcb-view.ts";
import type { Intervened } from "./time/intervention.ts";
import type { EventKind, MachineEvent, Outlook, StopReason } from "./trace/event.ts";
import type { Printed } from "./trace/recorder.ts";
import type { NamedField } from "./vmm/control-fields.ts";
import type { TranslatedUnit } from "./vmm/translation/view.ts";
import type { DomainView } from "./vmm/xen/domain-view.ts";
import type { VmcsView } from "./vmx/vmcs-view.ts";

/**
 * The mode a guest starts in. `real`: as a PC boots it. `protected`: flat 32-bit segments, paging off. `long`: 64-bit, identity-mapped.
 * `xen-32` and `xen-64`: as Xen starts a paravirtual guest of that width, which no processor does by itself.
 */
export type StartMode = "real" | "protected" | "long" | "xen-32" | "xen-64";

/** Why `run` or `step` returned. */
export type Stop =
  | { readonly kind: "step" }
  | { readonly kind: "limit" }
  | { readonly kind: "breakpoint"; readonly address: bigint }
  /** A VM exit is pending (asked for by `stopOnExit`); the VMM has not handled it yet. To the guest's own hypervisor: it is at its handler. */
  | { readonly kind: "exit"; readonly sequence: number }
  /** The last step has had events that `stopOnEvent` accepted, the first of them this one. */
  | { readonly kind: "event"; readonly sequence: number }
  /** The last step has touched watched memory. An instruction that repeats may be in its midst. */
  | { readonly kind: "watch"; readonly hits: readonly WatchHit[] }
  /** The guest cannot go on; further runs return the same. */
  | { readonly kind: "stopped"; readonly reason: StopReason; readonly text: string };

/** Memory whose accesses end a run: those of the guest's instructions by linear address, all others too by physical address. */
export interface Watch {
  readonly space: AddressSpace;
  /** The VM whose address it is. Left out of guest-physical ones: that of the VM about to run; of linear ones: in each VM. */
  readonly vm?: string;
  readonly address: bigint;
  readonly bytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

export interface WatchHit {
  readonly watch: Watch;
  readonly access: "read" | "write";
  /** Who made the access, or had it made: another one may be about to run by now. */
  readonly by: VcpuPlace;
}

/** Events that end a run. Those of `ObservedBody` happen for this alone: they are not among `events`. */
export interface EventFilter {
  readonly kinds: ReadonlySet<EventKind>;
  /** Of exits, only those with one of these reasons. Default: all. */
  readonly reasons?: ReadonlySet<string> | undefined;
  /** Asked about each event of these kinds while it is recorded, in the midst of a step: may not look at the machine's state. */
  readonly accept: (event: MachineEvent) => boolean;
}

export interface RunOptions {
  /** At most this many steps. */
  readonly steps: number;
  /**
   * About as many events at most: the run ends, as at a limit of steps, after the step that records so many, and in any case before any that
   * it has recorded is given up. Who is to see every event sets this. Default: no limit.
   */
  readonly events?: number;
  /** Linear addresses to stop before. The one at which the run starts is passed over. */
  readonly breakpoints?: ReadonlySet<bigint>;
  /** Stop after a step that accesses any of these. The same array means the same watches. */
  readonly watches?: readonly Watch[];
  /** Stop when an exit is pending, or has led to the guest's own hypervisor. */
  readonly stopOnExit?: boolean | ((event: MachineEvent) => boolean);
  /** Stop after a step that records any of these. Of an exit that is when it is pending. */
  readonly stopOnEvent?: EventFilter | undefined;
  /** Stop when this vCPU is about to run; at once where it is already. */
  readonly turnOf?: VcpuPlace | undefined;
  /**
   * Only this vCPU runs; all others are frozen where they are, and no time passes for the scheduler. If it has nothing to do, or as soon
   * as it has not, the others run. "as before": who ran alone still does, and in the past again; anything else begins a new branch there.
   */
  readonly only?: VcpuPlace | "as before" | undefined;
}

/** A vCPU by the name of its VM and its number there. */
export interface VcpuPlace {
  readonly vm: string;
  readonly vcpu: number;
}

/** A vCPU now. */
export interface VcpuView extends VcpuPlace {
  /** Without a scheduler each is `running` or `blocked`. */
  readonly state: RunState;
  /** The physical CPU on which it runs or last ran; undefined: none yet. */
  readonly pcpu: number | undefined;
  /** Where it is, as `MachineInterface.linearRip`, and address bits of the code there. */
  readonly linearRip: bigint;
  readonly bits: 16 | 32 | 64;
  /** Its own virtual time in cycles. */
  readonly cycle: number;
  /** By what the scheduler orders it; undefined without a scheduler, and while it is unplugged. */
  readonly standing: string | undefined;
  readonly parameters: Parameters | undefined;
  /** Microseconds in each state up to now; undefined without a scheduler. */
  readonly times: Readonly<Record<RunState, number>> | undefined;
}

/** What can be changed while VMs run: parameters, or whether a vCPU is there. */
export type Adjustment =
  | { readonly kind: "set"; readonly parameters: Partial<Parameters> }
  | { readonly kind: "plug" }
  | { readonly kind: "unplug" };

export type RegisterGroup = "general" | "flags" | "segment" | "control" | "debug" | "msr" | "table" | "floating-point";

/**
 * A register as a debugger shows it: of the guest's machine, as the guest is meant to see it. `name` is the manual's, e.g.
 * "EAX", "ZF", "CS", "CS.base", "CR0", "IA32_EFER". Where a hypervisor has the processor hold another value while the guest
 * runs (CR0 behind a read shadow, the CPL under ring deprivileging), that is a register of its own, "CR0 (real)".
 */
export interface RegisterView {
  readonly name: string;
  readonly group: RegisterGroup;
  readonly value: bigint;
  /** Bits. */
  readonly width: number;
  readonly doc: string;
  /** The value in other words, where its bits say little: a number in decimal, "empty". */
  readonly text?: string;
  readonly writable: boolean;
}

/** Which addresses a memory access means. */
export type AddressSpace = "linear" | "guest-physical" | "host-physical";

/** A page that the TLB holds, of the PCID and VPID in force or another. */
export interface TlbEntryView {
  /** Linear address of the page, and the host-physical one it is translated to. */
  readonly linear: bigint;
  readonly host: bigint;
  /** What the translation is good for: "read", "write" and "execute" at ring 3, with "kernel " before them at the others. */
  readonly accesses: readonly string[];
  /** Of the page in the tables, of which this may be a part. */
  readonly size: PageSize;
  readonly global: boolean;
  readonly pcid: number;
  readonly vpid: number;
}

/** VMX operation of a processor: of the guest's own hypervisor, or of the built-in VMM, whose guest is always in non-root operation. */
export interface VmxState {
  readonly operation: "off" | "root" | "non-root";
  readonly hypervisor: "guest" | "built-in";
  /** Physical address of the VMXON region of the guest's own hypervisor. */
  readonly vmxonRegion?: bigint;
}

/** What debugger, command line and grader see of a machine. One step: one pass over an instruction boundary. */
export interface MachineInterface {
  readonly configuration: ComputerConfiguration;
  /** What of it is that of the VM of which registers and the like are given. */
  readonly guest: VmConfiguration;
  /** Steps since the start: the present moment. */
  readonly now: number;
  /** Virtual time in cycles. */
  readonly cycle: number;
  /** Guest instructions retired, iterations of repeated ones counted singly: as many as on the bare machine. */
  readonly instructions: number;
  /** Of these, the ones that the processor executed without the VMM. */
  readonly directInstructions: number;
  /** Paging-structure entries read to fill the TLB, nested ones included. */
  readonly walkReferences: number;
  /** Name of the VM about to run, or that `look` chose, and number of its processor: of which registers and the like are given. */
  readonly vm: string;
  readonly vcpu: number;
  /** All vCPUs, in the order of the configuration. */
  vcpus(): readonly VcpuView[];
  /**
   * Registers, memory, screen and the like are of this vCPU until the next run, or again of the one about to run. Nothing that a guest
   * could see changes. Undefined; or, as a sentence, why there is none.
   */
  look(at: VcpuPlace | undefined): string | undefined;
  /** How the scheduler has shared the time so far; undefined without one. */
  schedule(): Fairness | undefined;
  /**
   * Changes a VM, or one vCPU of it, for the scheduler. Recorded with its moment. Undefined; or, as a sentence, why it cannot be: then
   * nothing has changed.
   */
  adjust(vm: string, vcpu: number | undefined, adjustment: Adjustment): string | undefined;
  /** Address bits of the code about to run, from CS and EFER. */
  readonly bits: 16 | 32 | 64;
  /** Offset (RIP) and linear address (CS.base + RIP) of the instruction about to run. */
  readonly rip: bigint;
  readonly linearRip: bigint;
  /**
   * The processor is in the middle of code that stands for one instruction of the guest (binary translation): what is seen is
   * the guest before or after it.
   */
  readonly withinInstruction: boolean;
  /** The privilege level at which the processor really runs the guest: 1 for a kernel under trap and emulate. */
  readonly cpl: number;
  /** The exit that the VMM has not handled yet. */
  readonly pendingExit: MachineEvent | undefined;
  readonly stopped: (Stop & { kind: "stopped" }) | undefined;
  run(options: RunOptions): Stop;
  step(): Stop;
  registers(): readonly RegisterView[];
  /** The value of one of them alone, by its name there; undefined if there is none. */
  register(name: string): bigint | undefined;
  /** True; or, as a sentence, why there is no such register or it cannot have the value: then nothing has changed. */
  setRegister(name: string, value: bigint): true | string;
  /** Bytes, or undefined for each that is not mapped. Never changes the machine. */
  readMemory(space: AddressSpace, address: bigint, length: number): (number | undefined)[];
  /** Number of bytes written before the first unmapped one. */
  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number;
  /** The walk of a linear address now, changing nothing; undefined physical if it faults. */
  walk(linear: bigint): MachineEvent & { kind: "walk" };
  /** The address in guest-physical memory, as `readMemory` takes it, of a linear one now; undefined where it has none. */
  guestPhysicalOf(linear: bigint): bigint | undefined;
  /** What the TLB of the processor about to run holds now, by linear address. */
  tlbEntries(): readonly TlbEntryView[];
  /**
   * What becomes of the instruction about to run, and why; where an exit is pending, why it exited. Changes nothing. Undefined
   * where no instruction can be fetched.
   */
  why(): Outlook | undefined;
  /** Where the processor about to run is with VMX; undefined where there is neither VMX for the guest nor a VMM that uses it. */
  readonly vmx: VmxState | undefined;
  /** The current VMCS now, changing nothing; undefined if there is none. */
  vmcs(): VmcsView | undefined;
  /** The VMCB under which the guest runs now, changing nothing; undefined if there is none. */
  vmcb(): VmcbView | undefined;
  /** That control block under the other vendor's names; undefined if there is none. */
  otherNames(): OtherNames | undefined;
  /** A field of that control block now; undefined where there is none of its kind. */
  controlField(field: NamedField): bigint | undefined;
  /**
   * Gives a field of the control block a value (of its width, unsigned), as the hypervisor could now. What cannot be entered fails at the
   * next entry. Recorded with its moment. True; or, as a sentence, why it cannot be: then nothing has changed.
   */
  setControlField(field: NamedField, value: bigint): true | string;
  /** Types into the serial port of `vm`. Recorded with its moment, so that replay repeats it. */
  input(text: string): void;
  /**
   * Types on the keyboard, as `input` does into the serial port. In braces: keys by name, {enter}, {ctrl+c}; {wait 500} waits
   * for 500 ms of virtual time; {{ is a brace. Undefined; or, as a sentence, what cannot be typed: then nothing is.
   */
  press(text: string): string | undefined;
  /** What has been done to it from outside up to the present, oldest first. A machine made with the same replays it. */
  readonly actions: readonly Intervened[];
  /** Equal for equal states: what a replay is checked by. */
  readonly digest: Digest;
  /** What the screen shows now. */
  readonly screen: Screen;
  /** The pixels of a graphics mode, and what 256 colours stand for: 8 bits each of red, green and blue. */
  picture(): { readonly pixels: Pixels | undefined; readonly palette: readonly number[] };
  /** The registers of the devices of `vm`, and of the local APICs of its processors. Changes nothing. */
  devices(): readonly DeviceView[];
  /** A disk as it is now, by its number in INT 13h (0, 1, 80h, 81h); undefined if there is none. */
  disk(drive: number): Uint8Array | undefined;
  /** Events after `sequence`, oldest first, up to the present moment. */
  events(after: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[];
  readonly lastSequence: number;
  /** What VMs wrote to their consoles after event `after`, oldest first, in as few pieces as their order allows. */
  printed(after: number): readonly Printed[];
  /** The units of the translation cache, oldest first; none under techniques that translate nothing. */
  translatedUnits(): readonly TranslatedUnit[];
  /** Event channels and grants of each VM whose guest is paravirtual, of all VMs. Changes nothing. */
  domains(): readonly DomainView[];
  /** Goes to a moment, backwards or forwards: restores the nearest snapshot and replays. Exact over all state; later events are forgotten. */
  goTo(step: number): void;
}
