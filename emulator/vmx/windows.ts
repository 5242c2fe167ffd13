import { nmiBlocked } from "../cpu/exceptions.ts";
import { shadow } from "../cpu/interrupts.ts";
import { layout } from "../cpu/layout.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

const interruptFlag = 0x200;

/** Could the guest take an interrupt at this boundary? */
export const interruptible = ({ cpu }: NonRootGuest): boolean =>
  (cpu.eflags & interruptFlag) !== 0 && (cpu.interruptibility & (shadow.sti | shadow.movSs)) === 0;

/** An NMI comes before an interrupt window. */
export const nmiComes = ({ cpu, vmcs }: NonRootGuest): boolean =>
  cpu.r32[layout.pendingNmi >> 2] !== 0 &&
  (cpu.interruptibility & shadow.movSs) === 0 &&
  ((cpu.interruptibility & nmiBlocked) === 0 || inForce(vmcs, controls.virtualNmis));

/** At a boundary: true if the guest could take a virtual NMI, and left because the VMM wants to know. */
export function leaveByNmiWindow(guest: NonRootGuest): boolean {
  const { cpu, vmcs } = guest;
  if (!inForce(vmcs, controls.nmiWindowExiting)) return false;
  if ((cpu.interruptibility & (nmiBlocked | shadow.movSs)) !== 0) {
    // Nobody tells when the blocking ends.
    cpu.attention = true;
    return false;
  }
  const { why } = guest.decide({ reason: "NMI_WINDOW" });
  guest.leave({ reason: "NMI_WINDOW", what: "the guest can take an NMI", why });
  return true;
}

/** At a boundary: true if the guest could take an interrupt, and left because the VMM wants to know. */
export function leaveByInterruptWindow(guest: NonRootGuest): boolean {
  if (!inForce(guest.vmcs, controls.interruptWindowExiting) || !interruptible(guest) || nmiComes(guest)) return false;
  const { why } = guest.decide({ reason: "INTERRUPT_WINDOW" });
  guest.leave({ reason: "INTERRUPT_WINDOW", what: "the guest can take an interrupt", why });
  return true;
}
