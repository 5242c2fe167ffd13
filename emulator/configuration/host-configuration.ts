import { techniqueById } from "../../isa/technique.ts";
import { strokesOf } from "../devices/typing.ts";
import type { Adjustment, VcpuView } from "../machine-interface.ts";
import { placesFit } from "../schedule/gang.ts";
import { mostPcpus, mostVcpus } from "../schedule/physical-cpus.ts";
import { schedulers } from "../schedule/schedulers.ts";
import type { Parameters } from "../schedule/vcpu.ts";
import { hostReservedBytes } from "../vmm/index.ts";
import type { ComputerConfiguration, HostConfiguration, VmConfiguration } from "./machine-configuration.ts";

/** MiB of host-physical memory that a machine can have, what VMMs keep included. */
const mostHostMemory = 2046;
const mebibyte = 2 ** 20;
const vmName = /^[A-Za-z][A-Za-z0-9_-]{0,15}$/;

const countOf = ({ processors = 1 }: VmConfiguration): number => processors;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
/** The first problem there is. */
function firstOf(problems: Iterable<string | undefined>): string | undefined {
  for (const problem of problems) if (problem !== undefined) return problem;
  return undefined;
}

/** Why VMs cannot be put together on one computer, as a sentence; undefined if they can. Each is in order by itself. */
export function hostProblem(computer: ComputerConfiguration): string | undefined {
  const { vms, host, technique } = computer;
  if (vms.length === 0) return "A machine has at least one VM.";
  const [first, second] = vms;
  if (second && technique === "bare-metal")
    return `On bare metal there is no hypervisor: one guest has the machine for itself, not ${first!.name} and ${second.name} together.`;
  if (host && technique === "bare-metal")
    return "On bare metal there is no hypervisor whose scheduler could share out the processors; choose a technique.";
  if (second && !host) return "Several VMs share physical CPUs: say how many there are, and which scheduler decides.";
  return firstOf([memoryProblem(computer), ...vms.map((vm) => namingProblem(vm, vms)), host && problemOf(host, vms)]);
}

function memoryProblem({ vms, host, technique }: ComputerConfiguration): string | undefined {
  const guests = sum(vms.map(({ memory }) => memory));
  if (host?.memory !== undefined && guests > host.memory)
    return `The VMs have ${guests} MiB together, the host ${host.memory} MiB.`;
  const all = guests + (technique === "bare-metal" ? 0 : (vms.length * hostReservedBytes) / mebibyte);
  if (all <= mostHostMemory) return undefined;
  return `The VMs and what ${techniqueById(technique)!.title} keeps for each take ${all} MiB; a machine can have ${mostHostMemory}.`;
}

function namingProblem({ name, inputs = [] }: VmConfiguration, vms: readonly VmConfiguration[]): string | undefined {
  if (!vmName.test(name))
    return `The name of a VM is a letter, then up to 15 letters, digits, _ and -; it is “${name}”.`;
  if (vms.filter((vm) => vm.name === name).length > 1) return `There are two VMs named ${name}.`;
  return firstOf(
    inputs.map(({ at, device, text }) => {
      if (!isTime(at)) return `${name}: what is typed has a time in whole microseconds; it is ${at}.`;
      const strokes = device === "keyboard" ? strokesOf(text) : undefined;
      return typeof strokes === "string" ? `${name}: ${strokes}` : undefined;
    }),
  );
}

const isTime = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function problemOf(host: HostConfiguration, vms: readonly VmConfiguration[]): string | undefined {
  const { pcpus, scheduler, quantum = 1, until = 1, seed = 0 } = host;
  if (!Number.isInteger(pcpus) || pcpus < 1 || pcpus > mostPcpus)
    return `A host has 1 to ${mostPcpus} physical CPUs; it has ${pcpus}.`;
  const row = schedulers.find(({ name }) => name === scheduler.name);
  if (!row)
    return `There is no scheduler “${scheduler.name}”; there are ${schedulers.map(({ name }) => name).join(", ")}.`;
  const unknown = Object.keys(scheduler.options ?? {}).find((option) => row.defaults[option] === undefined);
  if (unknown !== undefined)
    return `The scheduler ${row.name} has no option ${unknown}; it has ${Object.keys(row.defaults).join(", ")}.`;
  for (const [what, value] of Object.entries({ quantum, "end of the run": until }))
    if (!isTime(value) || value < 1) return `The ${what} must be a whole number of at least 1; it is ${value}.`;
  if (!isTime(seed)) return `The seed must be a whole number of at least 0; it is ${seed}.`;
  const vcpus = sum(vms.map(countOf));
  if (vcpus > mostVcpus) return `There can be ${mostVcpus} vCPUs; these are ${vcpus}.`;
  return firstOf([
    ...vms.map((vm) => sharingProblem(vm, host)),
    ...(host.changes ?? []).map((change) => {
      const vm = vms.find(({ name }) => name === change.vm);
      if (!isTime(change.at)) return `A change has a time in whole microseconds; it is ${change.at}.`;
      if (!vm) return `A change is of the VM ${change.vm}, which there is not.`;
      if (change.vcpu !== undefined && !(change.vcpu >= 0 && change.vcpu < countOf(vm)))
        return `${vm.name} has no vCPU ${change.vcpu}: it has ${countOf(vm)}, numbered from 0.`;
      return change.set && parametersProblem(change.set, vm, host);
    }),
  ]);
}

/** Why a VM cannot share the host's physical CPUs as it says. */
function sharingProblem(vm: VmConfiguration, host: HostConfiguration): string | undefined {
  const { name, parameters = {}, affinities = [] } = vm;
  const problem = firstOf([
    parametersProblem(parameters, vm, host),
    ...affinities.map((affinity) => parametersProblem({ affinity }, vm, host)),
  ]);
  if (problem !== undefined || host.scheduler.name !== "gang") return problem;
  const places = Array.from({ length: countOf(vm) }, (_, n) => affinities[n] ?? parameters.affinity ?? null);
  if (placesFit(places, host.pcpus)) return undefined;
  return `A gang of ${countOf(vm)} does not fit side by side on ${host.pcpus} physical CPUs with the affinity of ${name}.`;
}

/** Why a VM cannot have these parameters under the scheduler of its host, as a sentence; undefined if it can. */
export function parametersProblem(
  { weight, cap, affinity, reservation, warp }: Partial<Parameters>,
  vm: VmConfiguration,
  { pcpus, scheduler }: HostConfiguration,
): string | undefined {
  const { heeds, title } = schedulers.find(({ name }) => name === scheduler.name)!;
  const heeded = (parameter: (typeof heeds)[number], given: unknown): string | undefined =>
    given && !heeds.includes(parameter) ? `${vm.name}: ${title} does not heed a ${parameter}.` : undefined;
  const missing = affinity?.find((pcpu) => !(Number.isInteger(pcpu) && pcpu >= 0 && pcpu < pcpus));
  if (missing !== undefined)
    return `${vm.name}: There is no physical CPU ${missing}: the host has ${pcpus}, numbered from 0.`;
  if (affinity?.length === 0) return `${vm.name}: With no physical CPU to run on, its vCPUs would never run.`;
  if (weight !== undefined && !(Number.isInteger(weight) && weight >= 1 && weight <= 65_535))
    return `${vm.name}: A weight is a whole number from 1 to 65535; it is ${weight}.`;
  if (cap !== undefined && !(Number.isInteger(cap) && cap >= 0 && cap <= 100 * countOf(vm)))
    return `${vm.name}: A cap is a whole number of percent up to 100 for each vCPU, of which it has ${countOf(vm)}; it is ${cap}.`;
  if (reservation && !(reservation.budget >= 1 && reservation.budget <= reservation.period))
    return `${vm.name}: A budget of ${reservation.budget} µs does not fit into a period of ${reservation.period} µs.`;
  return firstOf([
    heeded("weight", weight),
    heeded("cap", cap),
    heeded("reservation", reservation),
    heeded("warp", warp),
  ]);
}

/** Why a VM, or one vCPU of it, cannot be changed so, as a sentence; undefined if it can. `views`: how those stand whom it concerns. */
export function adjustmentProblem(
  { vm, vcpu, adjustment }: { readonly vm: string; readonly vcpu: number | undefined; readonly adjustment: Adjustment },
  { vms, host }: ComputerConfiguration,
  views: readonly VcpuView[],
): string | undefined {
  const configuration = vms.find(({ name }) => name === vm);
  if (!host) return "Nothing can be changed for the scheduler: this machine has none.";
  if (!configuration) return `There is no VM ${vm}.`;
  if (views.length === 0) return `${vm} has no vCPU ${vcpu}: it has ${countOf(configuration)}, numbered from 0.`;
  if (adjustment.kind === "set") {
    const { weight, cap } = adjustment.parameters;
    if (vcpu !== undefined && (weight ?? cap) !== undefined)
      return `Weight and cap are those of a VM: they can be changed for ${vm}, not for one of its vCPUs.`;
    const { parameters, affinities = [] } = configuration;
    const all = { ...parameters, ...adjustment.parameters };
    const changed = Array.from({ length: countOf(configuration) }, (_, n) => all.affinity ?? affinities[n] ?? null);
    return sharingProblem({ ...configuration, parameters: all, affinities: changed }, host);
  }
  const offline = views.every(({ state }) => state === "offline");
  const who = vcpu === undefined ? vm : `${vm}/${vcpu}`;
  if (adjustment.kind === "plug") return offline ? undefined : `${who} is plugged in already.`;
  return offline ? `${who} is unplugged already.` : undefined;
}
