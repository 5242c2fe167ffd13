import type { Cpu } from "../cpu/cpu.ts";
import { checkEntry } from "./entry-checks.ts";
import { loadGuest } from "./guest-state.ts";
import type { Vmcs } from "./vmcs.ts";
import type { VmcsField } from "./vmcs-fields.ts";

/**
 * A person writes a field of a VMCS whose guest has exited. If the guest could be entered so, the processor gets its state at once,
 * so that registers and fields say the same; else only the VMCS has it, for the entry to fail by: false.
 */
export function changeField(cpu: Cpu, vmcs: Vmcs, field: VmcsField, value: bigint): boolean {
  vmcs.set(field, value);
  // A VMM that changes what translations depend on has to forget them: INVEPT, INVVPID.
  cpu.flushTlb(true);
  if (checkEntry(vmcs)) return false;
  loadGuest(cpu, vmcs);
  cpu.refresh();
  return true;
}
