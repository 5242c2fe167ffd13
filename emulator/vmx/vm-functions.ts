import { layout } from "../cpu/layout.ts";
import { controls, inForce } from "./controls.ts";
import { eptPointerFault } from "./ept.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

/** VM functions by number, as bits of the VM-function controls. */
export const eptpSwitching = 0;
/** Numbers from here on raise #UD whatever the controls say. */
const functions = 64;
const listEntries = 512;
/** Bits of an EPTP that say where its PML4 table is. */
const tableMask = ((1n << 52n) - 1n) & ~0xfffn;

/** What VMFUNC asks for. */
export interface FunctionCall {
  /** EAX. */
  readonly number: number;
  /** ECX. */
  readonly index: number;
  /** The entry of the EPTP list, where the index has one and there is a list. */
  readonly eptp: bigint | undefined;
}

/** Does VMFUNC exist for the guest? Else it raises #UD (SDM Vol. 3, 26.5.6.2). */
export const functionExists = ({ cpu, vmcs }: NonRootGuest): boolean =>
  inForce(vmcs, controls.vmFunctions) && cpu.u32[0]! < functions;

export function functionCall({ cpu, vmcs, memory }: NonRootGuest): FunctionCall {
  const [number, index] = [cpu.u32[0]!, cpu.u32[2]!];
  const switches = number === eptpSwitching && vmcs.bit("vmFunctionControls", eptpSwitching) && index < listEntries;
  return { number, index, eptp: switches ? memory.read64(vmcs.address64("eptpListAddress") + 8 * index) : undefined };
}

/** What makes VMFUNC leave the guest; undefined if it does what it is asked for. */
export function functionFault(allowed: bigint, { number, index, eptp }: FunctionCall): string | undefined {
  if (((allowed >> BigInt(number)) & 1n) === 0n) return `bit ${number} of the VM-function controls 2018h is 0`;
  if (index >= listEntries) return `ECX = ${index} is beyond the ${listEntries} entries of the EPTP list`;
  const fault = eptPointerFault(eptp ?? 0n);
  return fault && `entry ${index} of the EPTP list is no EPTP that could be entered with (${fault.replace(/\.$/, "")})`;
}

/** VMFUNC 0, EPTP switching: the translations of other tables are of no use under the new one. */
export function switchEptp(guest: NonRootGuest): void {
  const { cpu, vmcs } = guest;
  const { eptp, index } = functionCall(guest);
  vmcs.set("eptPointer", eptp ?? 0n);
  if (inForce(vmcs, controls.eptViolationVe)) vmcs.set("eptpIndex", index);
  if (inForce(vmcs, controls.vpid)) cpu.tlb.flushVpid(undefined, "VMFUNC");
  else cpu.flushTlb(true, "VMFUNC");
  cpu.r64[layout.taggedRoot >> 3] = (eptp ?? 0n) & tableMask;
}
