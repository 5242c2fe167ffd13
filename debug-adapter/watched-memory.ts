import type { MachineInterface, Watch } from "../emulator/machine-interface.ts";
import { memoryReference } from "./memory.ts";
import { seenFrom } from "./threads.ts";

/** Why nothing can ever access memory of a machine, as a sentence; undefined if something may. */
export function watchProblem(
  machine: MachineInterface,
  watch: Pick<Watch, "space" | "address" | "vm">,
): string | undefined {
  const { space, address, vm } = watch;
  const { vms } = machine.configuration;
  if (vm !== undefined && !vms.some(({ name }) => name === vm))
    return `There is no VM "${vm}" here, only ${vms.map(({ name }) => name).join(", ")}.`;
  if (address < 0n) return "There is nothing below address 0.";
  if (space === "linear") return isCanonical(machine, address) ? undefined : notCanonical(watch);
  const of = vm === undefined ? undefined : { vm, vcpu: 0 };
  const [first] = seenFrom(machine, of, () => machine.readMemory(space, address, 1));
  return first === undefined
    ? `There is no ${space} memory at ${memoryReference(watch)}${vm === undefined ? "" : ` of ${vm}`}.`
    : undefined;
}

const notCanonical = (watch: Pick<Watch, "space" | "address">): string =>
  `${memoryReference(watch)} is no canonical address: an access to it raises #GP.`;

/** Bits above those that are translated repeat the highest of them (SDM Vol. 1, 3.3.7.1). */
function isCanonical({ configuration }: MachineInterface, address: bigint): boolean {
  const bits = configuration.fiveLevelPaging ? 57 : 48;
  return BigInt.asUintN(64, BigInt.asIntN(bits, address)) === BigInt.asUintN(64, address);
}
