import type { TechniqueId } from "../../isa/technique.ts";
import type { HostConfiguration, HypervisorOptions, TimedInput } from "../configuration/machine-configuration.ts";
import type { BootKind } from "../firmware/drives.ts";
import type { Change, Model } from "../schedule/model.ts";
import type { SchedulerOptions } from "../schedule/schedulers.ts";
import type { Parameters, Reservation } from "../schedule/vcpu.ts";
import type { Workload } from "../schedule/workload.ts";

/** What is said of a VM with a program (`programFields` of the schema). */
export interface ProgramFields {
  readonly include?: readonly string[];
  readonly boot?: BootKind | "none";
  readonly floppies?: readonly string[];
  readonly disks?: readonly string[];
  readonly commandLine?: string;
  readonly modules?: readonly string[];
  readonly sourceRoot?: string;
  readonly keys?: string;
  readonly serial?: string;
  readonly date?: string;
  readonly inputs?: readonly TimedInput[];
}

export interface VmField extends ProgramFields {
  readonly name: string;
  readonly program?: string;
  readonly memory?: number;
  readonly vcpus?: number | readonly { readonly workload?: Workload; readonly affinity?: readonly number[] }[];
  readonly workload?: Workload;
  readonly weight?: number;
  readonly cap?: number;
  readonly affinity?: readonly number[];
  readonly reservation?: Reservation;
  readonly warp?: number;
}

export interface ChangeField {
  readonly at: number;
  readonly vm: string;
  readonly plug?: number;
  readonly unplug?: number;
  readonly weight?: number;
  readonly cap?: number;
  readonly affinity?: readonly number[];
}

/** A host, its scheduler and its VMs, as a `*.ringside.json` describes them; `schema.ts` says what each field is. */
export interface MachineFile {
  readonly host: { readonly pcpus: number; readonly memory?: number; readonly quantum?: number };
  readonly scheduler: { readonly name: string; readonly options?: SchedulerOptions };
  readonly technique?: TechniqueId;
  readonly hypervisor?: HypervisorOptions;
  readonly costs?: string;
  readonly duration?: number;
  readonly seed?: number;
  readonly vms: readonly VmField[];
  readonly changes?: readonly ChangeField[];
}

/** Whether its VMs run programs; otherwise what their vCPUs do are model workloads. */
export const runsPrograms = ({ vms }: Pick<MachineFile, "vms">): boolean =>
  vms.some(({ program }) => program !== undefined);

export const vcpuCount = ({ vcpus = 1 }: VmField): number => (typeof vcpus === "number" ? vcpus : vcpus.length);

/** How a VM is scheduled. */
export function schedulingOf(vm: VmField): {
  parameters: Partial<Parameters>;
  affinities: (readonly number[] | null)[];
} {
  const { vcpus, weight, cap, affinity, reservation, warp } = vm;
  return {
    parameters: {
      ...(weight !== undefined && { weight }),
      ...(cap !== undefined && { cap }),
      ...(reservation && { reservation }),
      ...(warp !== undefined && { warp }),
    },
    affinities: Array.from(
      { length: vcpuCount(vm) },
      (_, n) => (typeof vcpus === "object" ? vcpus[n]!.affinity : undefined) ?? affinity ?? null,
    ),
  };
}

const changesOf = ({ changes = [] }: MachineFile): Change[] =>
  changes.flatMap(({ at, vm, plug, unplug, ...set }): Change[] => [
    ...(unplug === undefined ? [] : [{ at, vm, vcpu: unplug, unplug: true }]),
    ...(plug === undefined ? [] : [{ at, vm, vcpu: plug, unplug: false }]),
    ...(Object.keys(set).length === 0 ? [] : [{ at, vm, set }]),
  ]);

/** The physical CPUs and the scheduler of a machine file. */
export function hostOf(file: MachineFile): HostConfiguration {
  const { host, scheduler, seed, duration } = file;
  return {
    ...host,
    scheduler,
    changes: changesOf(file),
    ...(seed !== undefined && { seed }),
    ...(duration !== undefined && { until: duration }),
  };
}

/** The model that a machine file without programs describes. */
export function modelOf(file: MachineFile): Model {
  const { host, scheduler, seed = 0, vms } = file;
  return {
    pcpus: host.pcpus,
    scheduler: scheduler.name,
    options: scheduler.options ?? {},
    seed,
    vms: vms.map((vm) => {
      const { name, vcpus, workload } = vm;
      const own = (n: number): Workload | undefined => (typeof vcpus === "object" ? vcpus[n]!.workload : undefined);
      return {
        name,
        workloads: Array.from({ length: vcpuCount(vm) }, (_, n) => (own(n) ?? workload)!),
        ...schedulingOf(vm),
      };
    }),
    changes: changesOf(file),
  };
}
