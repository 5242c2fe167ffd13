import type { SchedulerOptions } from "./schedulers.ts";
import type { Parameters } from "./vcpu.ts";
import type { Workload } from "./workload.ts";

export interface ModelVm {
  readonly name: string;
  /** One for each vCPU. */
  readonly workloads: readonly Workload[];
  readonly parameters?: Partial<Parameters>;
  /** The pCPUs of each vCPU, where they differ from those in `parameters`. */
  readonly affinities?: readonly (readonly number[] | null)[];
}

/** At a time, something is changed: `vcpu` unplugged or plugged in again, or parameters of all vCPUs of `vm`. */
export interface Change {
  readonly at: number;
  readonly vm: string;
  readonly vcpu?: number;
  readonly unplug?: boolean;
  readonly set?: Partial<Parameters>;
}

export interface Model {
  readonly pcpus: number;
  readonly scheduler: string;
  readonly options?: SchedulerOptions;
  readonly vms: readonly ModelVm[];
  readonly changes?: readonly Change[];
  /** In which order vCPUs start, where nothing else says so; 0: as written. */
  readonly seed?: number;
}
