/** Where the VMs lie in the host-physical memory of their computer. */
import type { TechniqueId } from "../../isa/technique.ts";
import type { VmConfiguration } from "../configuration/machine-configuration.ts";
import type { Bus } from "../cpu/bus.ts";
import { ramBase } from "../cpu/layout.ts";
import { hostReservedBytes } from "../vmm/index.ts";

const mebibyte = 2 ** 20;
const wasmPage = 65536;

/** Host-physical addresses at which a VM's slice and its guest's memory begin. */
export interface Slice {
  readonly slice: number;
  readonly guestBase: number;
}

/** Slices one behind the other, each beginning with what the VMM keeps for itself, and the memory that they take together. */
export function slicesOf(
  vms: readonly VmConfiguration[],
  technique: TechniqueId,
): { readonly places: readonly Slice[]; readonly ramBytes: number; readonly memory: WebAssembly.Memory } {
  const reserved = technique === "bare-metal" ? 0 : hostReservedBytes;
  const places: Slice[] = [];
  let ramBytes = 0;
  for (const vm of vms) {
    places.push({ slice: ramBytes, guestBase: ramBytes + reserved });
    ramBytes += reserved + vm.memory * mebibyte;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil((ramBase + ramBytes) / wasmPage) });
  return { places, ramBytes, memory };
}

/** What the core is on before it executes any VM. */
export const disconnected: Bus = {
  in: () => 0xff,
  out: () => {},
  claims: () => false,
  read: () => 0xff,
  write: () => {},
  interruptPending: () => false,
  acknowledgeInterrupt: () => 0xff,
};
