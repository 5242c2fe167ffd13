import { costProfile, costProfiles } from "../../isa/costs.ts";
import { techniqueById } from "../../isa/technique.ts";
import { parseDateTime } from "../devices/date-time.ts";
import { driveProblem } from "../firmware/drives.ts";
import { imageProblem, loadAddress } from "../memory/start-modes.ts";
import { mostProcessors } from "../virtual-machine/processors.ts";
import { oneProcessorBecause, optionsProblem, refusal } from "../vmm/index.ts";
import { hostProblem } from "./host-configuration.ts";
import {
  type AnyConfiguration,
  type ComputerConfiguration,
  computerOf,
  type VmConfiguration,
} from "./machine-configuration.ts";

const mebibyte = 2 ** 20;
/** MiB. */
export const mostMemory = 1024;

/** Why a machine cannot be made as configured, as a sentence for the user; undefined if it can. */
export function configurationProblem(configuration: AnyConfiguration): string | undefined {
  const computer = computerOf(configuration);
  const { technique, costs, vms, hypervisor = {} } = computer;
  if (!techniqueById(technique)) return `There is no technique "${technique}".`;
  if (costs !== undefined && !costProfile(costs))
    return `There is no cost profile "${costs}"; there are ${costProfiles.map(({ name }) => name).join(", ")}.`;
  const option = optionsProblem(hypervisor);
  if (option !== undefined) return option;
  for (const vm of vms) {
    const problem = vmProblem(vm, computer);
    if (problem !== undefined) return vms.length === 1 ? problem : `${vm.name}: ${problem}`;
  }
  return hostProblem(computer);
}

/** Why there can be no such VM. */
function vmProblem(vm: VmConfiguration, { technique }: ComputerConfiguration): string | undefined {
  const { mode, memory, image, origin, date, boot, drives = {}, processors = 1 } = vm;
  if (!Number.isInteger(memory) || memory < 1 || memory > mostMemory)
    return `Guest memory must be a whole number of MiB from 1 to ${mostMemory}; it is ${memory}.`;
  if (date !== undefined && !parseDateTime(date))
    return `The date must be one of the years 1980 to 2099, such as 2026-01-31 or 2026-01-31T12:00:00; it is “${date}”.`;
  if (!Number.isInteger(processors) || processors < 1 || processors > mostProcessors)
    return `The number of processors must be a whole number from 1 to ${mostProcessors}; it is ${processors}.`;
  const because = oneProcessorBecause(technique);
  if (processors > 1 && because !== undefined)
    return `Under ${techniqueById(technique)!.title} a guest has one processor so far, not ${processors}: ${because}.`;
  const drive = driveProblem(drives, boot);
  if (drive !== undefined) return drive;
  if (boot !== undefined) return mode === "real" ? refusal(technique, mode) : "A machine boots in real mode.";
  const guest = { memory, vcpus: processors, imageEnd: loadAddress(mode, origin) + image.length };
  return imageProblem({ mode, image, origin, bytes: memory * mebibyte }) ?? refusal(technique, mode, guest);
}
