import type { TechniqueId } from "../../isa/technique.ts";
import type { BootKind, DriveImages } from "../firmware/drives.ts";
import type { Handover } from "../loader/handover.ts";
import type { StartMode } from "../machine-interface.ts";
import type { Change } from "../schedule/model.ts";
import type { SchedulerOptions } from "../schedule/schedulers.ts";
import type { Parameters } from "../schedule/vcpu.ts";

/** When PAUSE is taken for a spin loop that should let others run. */
export interface PauseLoop {
  /** Cycles that at most lie between two executions of PAUSE in one loop: PLE_Gap of VT-x, AMD-V's PAUSE filter threshold. Default 128. */
  readonly gap?: number;
  /** VT-x: cycles after which a loop leaves the guest, PLE_Window. Default 4096. */
  readonly window?: number;
  /** AMD-V: executions of PAUSE in a loop after which it leaves the guest, the PAUSE filter count, 0 to 65535. Default 3000. */
  readonly count?: number;
}

/** What the built-in hypervisors do where several vCPUs share physical CPUs. All can be switched, to see what it is good for. */
export interface HypervisorOptions {
  /** Guests that spin with PAUSE leave, and their physical CPU goes to others. Default: off. */
  readonly pauseLoop?: PauseLoop;
  /** What yields, yields to a preempted vCPU of the same VM, if there is one. Default true. */
  readonly directedYield?: boolean;
  /** Features of KVM's interface that guests are not shown, by their names in `vmm/kvm/features.ts`. */
  readonly withoutFeatures?: readonly string[];
}

/** The processor and how its guests are virtualized: the same for all VMs of a computer. */
export interface HardwareConfiguration {
  readonly technique: TechniqueId;
  /** Name of a cost profile (`isa/costs.ts`). */
  readonly costs?: string;
  /**
   * What takes virtual time: steps and crossings (default), or retired instructions only, so that the same happens to a guest
   * at the same instruction under every technique.
   */
  readonly clock?: "instructions";
  /** The processor has VMX, which no technique offers to its guest: software on the bare machine can use it. Default true. */
  readonly vmx?: boolean;
  /** The processor has 5-level paging; guests can then use 54 of the 57 bits of linear addresses. Default false. */
  readonly fiveLevelPaging?: boolean;
  readonly hypervisor?: HypervisorOptions;
  /** Translate hot regions to WebAssembly. Default true; false for tests and comparisons. */
  readonly translate?: boolean;
}

/** A guest and the machine it sees. */
export interface GuestConfiguration {
  /** Flat image and the address it is loaded at and entered at (guest-physical). */
  readonly image: Uint8Array;
  readonly origin: number;
  readonly mode: StartMode;
  /** Where it is entered, if not at its origin (guest-physical). */
  readonly entry?: number;
  /** What a boot loader leaves for a kernel (`loader/kernel.ts`). */
  readonly handover?: Handover;
  /** Guest memory in MiB, 1–1024. */
  readonly memory: number;
  /** Start as a PC does, from a boot sector loaded by the built-in BIOS; then the mode is `real`, and `image` is not used. */
  readonly boot?: BootKind;
  /** Disks in the drives. */
  readonly drives?: DriveImages;
  /** What the clock shows at the start, "2026-01-31T12:00:00"; by default noon of 1 January 2026. */
  readonly date?: string;
  /** Processors, from 1 to `mostProcessors`. Default 1. */
  readonly processors?: number;
}

/** The short form for a computer that one guest has for itself. */
export interface MachineConfiguration extends HardwareConfiguration, GuestConfiguration {}

/** What is typed at a moment: into the serial port, or on the keyboard with keys by name as `MachineInterface.press` takes them. */
export interface TimedInput {
  /** Microseconds of virtual time. */
  readonly at: number;
  readonly device: "serial" | "keyboard";
  readonly text: string;
}

export interface VmConfiguration extends GuestConfiguration {
  /** A letter, then letters, digits, _ and -: no other VM of the computer has the same. */
  readonly name: string;
  /** Weight, cap, affinity and the like of all its vCPUs. Default: those of `schedule/vcpu.ts`. */
  readonly parameters?: Partial<Parameters>;
  /** The physical CPUs of each vCPU, where they are not those of `parameters`; null: all. */
  readonly affinities?: readonly (readonly number[] | null)[];
  /** Typed while it runs. */
  readonly inputs?: readonly TimedInput[];
}

/** The physical CPUs that the vCPUs share, and who decides which of them runs where. */
export interface HostConfiguration {
  /** Physical CPUs, 1–64. */
  readonly pcpus: number;
  /** MiB, which the VMs' memory must fit in. Default: as much as they have. */
  readonly memory?: number;
  /** A name of `schedule/schedulers.ts`, with options of that scheduler; times in microseconds. */
  readonly scheduler: { readonly name: string; readonly options?: SchedulerOptions };
  /** Decides what nothing else does: the order in which vCPUs start, the lengths of quanta. Default 0: as written, all of one length. */
  readonly seed?: number;
  /**
   * Cycles for which the emulation lets a physical CPU run ahead of the others; smaller is finer and slower. Default: 10,000 where
   * vCPUs of the same VM run side by side, else 100,000.
   */
  readonly quantum?: number;
  /** Changes of parameters, and vCPUs unplugged and plugged in again, at moments in microseconds of virtual time. */
  readonly changes?: readonly Change[];
  /** Microseconds of virtual time after which all VMs are stopped. Default: when they stop by themselves. */
  readonly until?: number;
}

/** A computer with its VMs. Without `host` there is one VM, each of whose vCPUs has a physical CPU for itself. */
export interface ComputerConfiguration extends HardwareConfiguration {
  readonly host?: HostConfiguration;
  readonly vms: readonly VmConfiguration[];
}

/** What a machine can be made of. */
export type AnyConfiguration = MachineConfiguration | ComputerConfiguration;

/** Name of the one VM of the short form. */
const onlyVm = "vm0";

/** What the short form says of the computer, and of its guest. */
export function parted(configuration: MachineConfiguration): {
  readonly hardware: HardwareConfiguration;
  readonly guest: GuestConfiguration;
} {
  const { technique, costs, clock, vmx, fiveLevelPaging, hypervisor, translate, ...guest } = configuration;
  const hardware = {
    technique,
    ...(costs !== undefined && { costs }),
    ...(clock !== undefined && { clock }),
    ...(vmx !== undefined && { vmx }),
    ...(fiveLevelPaging !== undefined && { fiveLevelPaging }),
    ...(hypervisor !== undefined && { hypervisor }),
    ...(translate !== undefined && { translate }),
  };
  return { hardware, guest };
}

/** The full form of a configuration. */
export function computerOf(configuration: AnyConfiguration): ComputerConfiguration {
  if ("vms" in configuration) return configuration;
  const { hardware, guest } = parted(configuration);
  return { ...hardware, vms: [{ name: onlyVm, ...guest }] };
}
