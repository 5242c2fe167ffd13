import type { Cpu } from "../cpu/cpu.ts";
import { checkConsistency } from "./consistency-checks.ts";
import { loadGuest } from "./guest-state.ts";
import type { Vmcb } from "./vmcb.ts";
import { cleanBits, type VmcbField, type VmcbFieldRow, vmcbFields } from "./vmcb-fields.ts";

const rax = 0;

/**
 * A person writes a field of a VMCB whose guest has exited. If the guest could be run so, the processor gets its state at once, so
 * that registers and fields say the same; else only the VMCB has it, for VMRUN to fail by: false.
 */
export function changeField(cpu: Cpu, vmcb: Vmcb, field: VmcbField, value: bigint): boolean {
  const { group }: VmcbFieldRow = vmcbFields[field];
  vmcb.set(field, value);
  if (group) vmcb.setBit("clean", cleanBits[group].bit, false);
  // The VMM takes it from the processor before each VMRUN.
  if (field === "rax") cpu.r64[rax] = value;
  // A VMM that changes what translations depend on has to forget them: TLB_CONTROL, a new ASID.
  cpu.flushTlb(true);
  if (checkConsistency(vmcb)) return false;
  loadGuest(cpu, vmcb);
  cpu.refresh();
  return true;
}
