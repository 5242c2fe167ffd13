import type { Change, Model } from "../schedule/model.ts";
import type { SchedulerOptions } from "../schedule/schedulers.ts";
import type { Reservation } from "../schedule/vcpu.ts";
import type { Workload } from "../schedule/workload.ts";
import { check, type FieldProblem } from "./check.ts";
import { combinationProblems } from "./combinations.ts";
import { fieldPlaces, lineAndColumn } from "./places.ts";
import { machineFileSchema } from "./schema.ts";

export interface VmField {
  readonly name: string;
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
  readonly host: { readonly pcpus: number; readonly memory?: number };
  readonly scheduler: { readonly name: string; readonly options?: SchedulerOptions };
  readonly duration: number;
  readonly seed?: number;
  readonly vms: readonly VmField[];
  readonly changes?: readonly ChangeField[];
}

/** A problem at its place in the text, counted from 1. */
export interface PlacedProblem extends FieldProblem {
  readonly line: number;
  readonly column: number;
}

/** Reads a machine file, maybe for another scheduler than it names; every wrong field is named with its place. */
export function readMachineFile(
  text: string,
  scheduler?: string,
): { readonly file: MachineFile } | { readonly problems: readonly PlacedProblem[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [{ path: "", message: `This is not JSON: ${(error as Error).message}.`, line: 1, column: 1 }] };
  }
  const problems = check(value, machineFileSchema);
  const given = value as MachineFile;
  const file = scheduler === undefined ? given : { ...given, scheduler: { name: scheduler } };
  if (problems.length === 0) problems.push(...combinationProblems(file));
  if (problems.length === 0) return { file };
  const places = fieldPlaces(text);
  return {
    problems: problems.map((problem) => ({ ...problem, ...lineAndColumn(text, places.get(problem.path) ?? 0) })),
  };
}

/** The model that a machine file describes. */
export function modelOf({ host: { pcpus }, scheduler, seed = 0, vms, changes = [] }: MachineFile): Model {
  return {
    pcpus,
    scheduler: scheduler.name,
    options: scheduler.options ?? {},
    seed,
    vms: vms.map(({ name, vcpus = 1, workload, weight, cap, affinity, reservation, warp }) => {
      const list =
        typeof vcpus === "number" ? Array.from({ length: vcpus }, () => ({ workload, affinity: undefined })) : vcpus;
      return {
        name,
        workloads: list.map((one) => (one.workload ?? workload)!),
        affinities: list.map((one) => one.affinity ?? affinity ?? null),
        parameters: {
          ...(weight !== undefined && { weight }),
          ...(cap !== undefined && { cap }),
          ...(reservation && { reservation }),
          ...(warp !== undefined && { warp }),
        },
      };
    }),
    changes: changes.flatMap(({ at, vm, plug, unplug, ...set }): Change[] => [
      ...(unplug === undefined ? [] : [{ at, vm, vcpu: unplug, unplug: true }]),
      ...(plug === undefined ? [] : [{ at, vm, vcpu: plug, unplug: false }]),
      ...(Object.keys(set).length === 0 ? [] : [{ at, vm, set }]),
    ]),
  };
}
