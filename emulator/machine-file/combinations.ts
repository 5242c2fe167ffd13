import { placesFit } from "../schedule/gang.ts";
import { mostVcpus } from "../schedule/physical-cpus.ts";
import { type SchedulerRow, schedulers } from "../schedule/schedulers.ts";
import { mostProcessors } from "../virtual-machine/processors.ts";
import type { FieldProblem } from "./check.ts";
import {
  type ChangeField,
  vcpuCount as count,
  type MachineFile,
  runsPrograms,
  schedulingOf,
  type VmField,
} from "./machine-file.ts";
import { programFields } from "./schema.ts";

/** MiB of a VM with a program that does not say. */
export const usualMemory = 16;

/** What does not go together, although each field is well formed. */
export function combinationProblems(file: MachineFile): FieldProblem[] {
  const row = schedulers.find(({ name }) => name === file.scheduler.name)!;
  return [
    ...optionProblems(file, row),
    ...(runsPrograms(file) ? programProblems(file) : modelProblems(file)),
    ...file.vms.flatMap((vm, n) => vmProblems(file, row, vm, `vms[${n}]`)),
    ...wholeProblems(file, row),
    ...(file.changes ?? []).flatMap((change, n) => changeProblems(file, row, change, `changes[${n}]`)),
  ];
}

function optionProblems(
  { scheduler: { options = {} } }: MachineFile,
  { name, defaults }: SchedulerRow,
): FieldProblem[] {
  const problems = Object.entries(options).flatMap(([option, value]): FieldProblem[] => {
    const path = `scheduler.options.${option}`;
    const usual = defaults[option];
    if (usual === undefined)
      return [
        { path, message: `The scheduler ${name} has no option ${option}; it has ${Object.keys(defaults).join(", ")}.` },
      ];
    if (typeof value !== typeof usual)
      return [{ path, message: `${path} must be a ${typeof usual}, such as ${JSON.stringify(usual)}.` }];
    if (option === "accounting" && value !== "exact" && value !== "sampled")
      return [{ path, message: `${path} must be "exact" or "sampled".` }];
    const least =
      usual === 0 || option === "rateLimit" || option === "migrationResistance" || option === "reserve" ? 0 : 1;
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= least))
      return [{ path, message: `${path} must be a whole number of microseconds of at least ${least}.` }];
    return [];
  });
  const { slice, rateLimit, budget, period, reserve } = { ...defaults, ...options };
  const path = "scheduler.options";
  if (name === "credit" && typeof slice === "number" && slice < 300)
    problems.push({ path, message: "A slice of the credit scheduler is at least 300 µs: three ticks of 100." });
  if (name === "credit" && Number(rateLimit) > Number(slice))
    problems.push({ path, message: `The rate limit, ${rateLimit} µs, cannot be more than the slice, ${slice} µs.` });
  if (name === "rtds" && Number(budget) > Number(period))
    problems.push({ path, message: `A budget of ${budget} µs does not fit into a period of ${period} µs.` });
  if (name === "sedf" && Number(reserve) >= Number(period))
    problems.push({ path, message: `A reserve of ${reserve} µs leaves nothing of a period of ${period} µs.` });
  return problems;
}

function vmProblems(file: MachineFile, row: SchedulerRow, vm: VmField, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (field: string, message: string): void => void problems.push({ path: `${path}.${field}`, message });
  if (file.vms.find(({ name }) => name === vm.name) !== vm) add("name", `There are two VMs named ${vm.name}.`);
  problems.push(...capProblems(vm.cap, count(vm), row, path), ...affinityProblems(file, vm.affinity, path));
  if (vm.reservation && !row.heeds.includes("reservation")) add("reservation", `${row.title} has no reservations.`);
  if (vm.reservation && vm.reservation.budget > vm.reservation.period)
    add(
      "reservation",
      `A budget of ${vm.reservation.budget} µs does not fit into a period of ${vm.reservation.period} µs.`,
    );
  if (vm.warp && !row.heeds.includes("warp")) add("warp", `Only BVT lets VMs warp, not ${row.title}.`);
  if (vm.weight !== undefined && !row.heeds.includes("weight")) add("weight", `${row.title} does not heed weights.`);
  const list = Array.isArray(vm.vcpus) ? vm.vcpus : [];
  for (const [n, { affinity }] of list.entries())
    problems.push(...affinityProblems(file, affinity, `${path}.vcpus[${n}]`));
  for (const [place, workload] of [
    [path, vm.workload],
    ...list.map((one, n) => [`${path}.vcpus[${n}]`, one.workload]),
  ] as const)
    if (typeof workload === "object" && workload.kind === "thief" && 2 * workload.margin >= workload.tick)
      problems.push({
        path: `${place}.workload`,
        message: "A thief that sleeps half a tick before and after never runs: make margin smaller.",
      });
  return problems;
}

/** What VMs with programs must and must not say. */
function programProblems({ vms }: MachineFile): FieldProblem[] {
  return vms.flatMap((vm, n): FieldProblem[] => {
    const path = `vms[${n}]`;
    if (vm.program === undefined)
      return [{ path, message: `${path} has no program, but other VMs have: models and programs do not go together.` }];
    const problems: FieldProblem[] = [];
    const add = (field: string): void =>
      void problems.push({
        path: `${path}.${field}`,
        message: `${path} has a program: that says what its vCPUs do, not ${path}.${field}.`,
      });
    if (vm.workload) add("workload");
    for (const [number, { workload }] of (typeof vm.vcpus === "object" ? vm.vcpus : []).entries())
      if (workload) add(`vcpus[${number}].workload`);
    if (count(vm) > mostProcessors)
      problems.push({
        path: `${path}.vcpus`,
        message: `A VM with a program can have ${mostProcessors} vCPUs; these are ${count(vm)}.`,
      });
    return problems;
  });
}

/** What files of model workloads must and must not say. */
function modelProblems(file: MachineFile): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (path: string, message: string): void => void problems.push({ path, message });
  if (file.duration === undefined) add("", "duration is missing: models do not end by themselves.");
  for (const field of ["technique", "hypervisor", "costs"] as const)
    if (file[field] !== undefined) add(field, `${field} is for VMs with programs; these do model workloads.`);
  for (const [n, vm] of file.vms.entries()) {
    const path = `vms[${n}]`;
    for (const field of Object.keys(programFields) as (keyof typeof programFields)[])
      if (vm[field] !== undefined) add(`${path}.${field}`, `${path}.${field} is for VMs with a program.`);
    const list = typeof vm.vcpus === "object" ? vm.vcpus : [];
    if (vm.workload) continue;
    if (list.length === 0) add(path, `${path}.program or ${path}.workload is missing.`);
    for (const [number, { workload }] of list.entries())
      if (!workload)
        add(`${path}.vcpus[${number}]`, `${path}.vcpus[${number}] has no workload, and its VM has none either.`);
  }
  return problems;
}

function capProblems(cap: number | undefined, vcpus: number, row: SchedulerRow, path: string): FieldProblem[] {
  if (!cap) return [];
  if (!row.heeds.includes("cap")) return [{ path: `${path}.cap`, message: `${row.title} has no caps.` }];
  if (cap <= 100 * vcpus) return [];
  const most = `${vcpus} vCPU${vcpus === 1 ? "" : "s"} can use ${100 * vcpus} % at most`;
  return [{ path: `${path}.cap`, message: `A cap of ${cap} % means nothing: ${most}.` }];
}

function affinityProblems(
  { host: { pcpus } }: MachineFile,
  affinity: readonly number[] | undefined,
  path: string,
): FieldProblem[] {
  return (affinity ?? []).flatMap((pcpu, n) =>
    pcpu < pcpus
      ? []
      : [
          {
            path: `${path}.affinity[${n}]`,
            message: `There is no physical CPU ${pcpu}: the host has ${pcpus}, numbered from 0.`,
          },
        ],
  );
}

function wholeProblems({ host, vms }: MachineFile, { name }: SchedulerRow): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const memory = vms.reduce((sum, vm) => sum + (vm.memory ?? (vm.program === undefined ? 0 : usualMemory)), 0);
  if (host.memory !== undefined && memory > host.memory)
    problems.push({
      path: "host.memory",
      message: `The VMs have ${memory} MiB together, the host ${host.memory} MiB.`,
    });
  const vcpus = vms.reduce((sum, vm) => sum + count(vm), 0);
  if (vcpus > mostVcpus)
    problems.push({ path: "vms", message: `There can be ${mostVcpus} vCPUs; these are ${vcpus}.` });
  if (name !== "gang") return problems;
  for (const [n, vm] of vms.entries()) {
    if (!placesFit(schedulingOf(vm).affinities, host.pcpus))
      problems.push({
        path: `vms[${n}].vcpus`,
        message: `A gang of ${count(vm)} does not fit side by side on ${host.pcpus} physical CPUs with this affinity.`,
      });
  }
  return problems;
}

function changeProblems(file: MachineFile, row: SchedulerRow, change: ChangeField, path: string): FieldProblem[] {
  const vm = file.vms.find(({ name }) => name === change.vm);
  if (!vm) return [{ path: `${path}.vm`, message: `There is no VM ${change.vm}.` }];
  const problems = [...capProblems(change.cap, count(vm), row, path), ...affinityProblems(file, change.affinity, path)];
  for (const field of ["plug", "unplug"] as const)
    if ((change[field] ?? 0) >= count(vm))
      problems.push({
        path: `${path}.${field}`,
        message: `${vm.name} has no vCPU ${change[field]}: it has ${count(vm)}, numbered from 0.`,
      });
  if (change.weight !== undefined && !row.heeds.includes("weight"))
    problems.push({ path: `${path}.weight`, message: `${row.title} does not heed weights.` });
  if (
    row.name === "gang" &&
    change.affinity &&
    !placesFit(
      Array.from({ length: count(vm) }, () => change.affinity!),
      file.host.pcpus,
    )
  )
    problems.push({
      path: `${path}.affinity`,
      message: `The gang ${vm.name} does not fit side by side with this affinity.`,
    });
  return problems;
}
