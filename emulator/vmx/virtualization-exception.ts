import { CR0 } from "../cpu/state.ts";
import { controls, inForce } from "./controls.ts";
import { type EptViolation, eptBits } from "./ept.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

/** Offsets in the virtualization-exception information area (SDM Vol. 3, table 26-1). */
const area = { reason: 0, busy: 4, qualification: 8, guestLinear: 16, guestPhysical: 24, eptpIndex: 32 } as const;
const busy = 0xffff_ffff;

/** Why an EPT violation leaves the guest although the control for #VE is 1; undefined if it becomes #VE. */
export function notConvertible({ cpu, vmcs, memory }: NonRootGuest, { entry }: EptViolation): string | undefined {
  if ((entry & eptBits.suppressVe) !== 0n) return "suppress #VE, bit 63 of the EPT entry, is 1";
  if ((cpu.cr0 & CR0.PE) === 0) return "CR0.PE = 0";
  if (cpu.vectoring !== undefined) return "an event is being delivered";
  const address = vmcs.address64("virtualizationExceptionAddress");
  return memory.read32(address + area.busy) === 0
    ? undefined
    : "the information area is in use: its dword at 4 is not 0";
}

/** An EPT violation that the guest handles itself, as #VE. */
export interface VirtualizationException {
  readonly qualification: number;
  readonly guestLinear: bigint | undefined;
  readonly guestPhysical: number;
}

/** Tells the guest of it in the information area, which it marks as in use; the exception is then delivered as any other. */
export function writeInformation({ vmcs, memory }: NonRootGuest, violation: VirtualizationException): void {
  const { qualification, guestLinear, guestPhysical } = violation;
  const address = vmcs.address64("virtualizationExceptionAddress");
  memory.write32(address + area.reason, exitReasonNamed("EPT_VIOLATION").number);
  memory.write32(address + area.busy, busy);
  memory.write64(address + area.qualification, BigInt(qualification));
  memory.write64(address + area.guestLinear, guestLinear ?? 0n);
  memory.write64(address + area.guestPhysical, BigInt(guestPhysical));
  memory.write16(address + area.eptpIndex, vmcs.number("eptpIndex"));
}

export const convertsViolations = ({ vmcs }: NonRootGuest): boolean => inForce(vmcs, controls.eptViolationVe);
