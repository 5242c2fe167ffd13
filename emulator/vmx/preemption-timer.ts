import { layout } from "../cpu/layout.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

/** The timer counts down whenever this bit of the time-stamp counter changes (IA32_VMX_MISC, bits 4:0). */
export const preemptionTimerRate = 5;
const tick = 2 ** preemptionTimerRate;

const deadlineWord = layout.preemptionDeadline >> 3;

/** VM entry: from now on the timer counts down from the value of the VMCS (SDM Vol. 3, 26.5.1). */
export function startPreemptionTimer({ cpu, vmcs }: NonRootGuest): void {
  const ticks = Math.floor(virtualTime(cpu) / tick) + vmcs.number("preemptionTimer");
  // A value of 0 has run out before the first instruction, whatever part of a tick is over.
  cpu.f64[deadlineWord] = 1 + Math.max(ticks * tick, virtualTime(cpu));
  cpu.attention = true;
  cpu.deadlineChanged();
}

/** VM exit: the timer stops, and where the VMM wants to know, the VMCS holds what was left. */
export function stopPreemptionTimer({ cpu, vmcs }: NonRootGuest): void {
  const deadline = cpu.f64[deadlineWord]!;
  if (deadline === 0) return;
  cpu.f64[deadlineWord] = 0;
  if (!inForce(vmcs, controls.savePreemptionTimer)) return;
  const now = virtualTime(cpu);
  vmcs.set("preemptionTimer", now >= deadline - 1 ? 0 : Math.ceil((deadline - 1) / tick) - Math.floor(now / tick));
}

/** At a boundary: true if the timer has run out, and the guest left. */
export function leaveByPreemptionTimer(guest: NonRootGuest): boolean {
  const { cpu } = guest;
  const deadline = cpu.f64[deadlineWord]!;
  if (deadline === 0 || virtualTime(cpu) < deadline - 1) return false;
  const { why } = guest.decide({ reason: "VMX_PREEMPTION_TIMER_EXPIRED" });
  guest.leave({ reason: "VMX_PREEMPTION_TIMER_EXPIRED", what: "the VMX-preemption timer has counted down to 0", why });
  return true;
}
