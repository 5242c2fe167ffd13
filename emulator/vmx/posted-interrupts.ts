import { apicBase } from "../cpu/apic-base.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { requestPosted } from "./virtual-apic.ts";

/** The posted-interrupt descriptor (SDM Vol. 3, 30.6): requests, one bit a vector, then outstanding notification (bit 256). */
const groups = 8;
const control = 32;
const outstanding = 1;
const endOfInterrupt = 0xb0;

/** An acknowledged interrupt of the machine: true if it only tells that interrupts were posted, which the guest gets now. */
export function takeNotification(guest: NonRootGuest, vector: number): boolean {
  const { cpu, vmcs, memory } = guest;
  if (!inForce(vmcs, controls.postedInterrupts) || vector !== vmcs.number("postedInterruptVector")) return false;
  const descriptor = vmcs.address64("postedInterruptDescriptor");
  memory.write32(descriptor + control, memory.read32(descriptor + control) & ~outstanding);
  // The processor's own local APIC, also where the guest's accesses to that page are virtualized.
  const localApic = Number(apicBase.registers) + endOfInterrupt;
  if (cpu.bus.claims(localApic)) cpu.bus.write(localApic, 4, 0);
  const requests = Array.from({ length: groups }, (_, group) => memory.read32(descriptor + 4 * group));
  for (const group of requests.keys()) memory.write32(descriptor + 4 * group, 0);
  requestPosted(guest, requests);
  return true;
}
