import { layout } from "../cpu/layout.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { encodeQualification } from "./qualification.ts";
import { interruptible, nmiComes } from "./windows.ts";

/** Offsets in the virtual-APIC page (SDM Vol. 3, 30.1.1); ISR and IRR are 32 bits every 16 bytes. */
export const apicRegister = {
  taskPriority: 0x80,
  processorPriority: 0xa0,
  endOfInterrupt: 0xb0,
  inService: 0x100,
  requested: 0x200,
  commandLow: 0x300,
  commandHigh: 0x310,
} as const;
type ApicRegister = keyof typeof apicRegister;

const pendingWrite = layout.apicWrite >> 2;

const addressOf = ({ vmcs }: NonRootGuest, register: ApicRegister): number =>
  vmcs.address64("virtualApicAddress") + apicRegister[register];
const read = (guest: NonRootGuest, register: ApicRegister): number => guest.memory.read32(addressOf(guest, register));
const write = (guest: NonRootGuest, register: ApicRegister, value: number): void =>
  guest.memory.write32(addressOf(guest, register), value);

/** Priority class: bits 7:4. */
const classOf = (priority: number): number => (priority >> 4) & 0xf;

/** The bit of a vector in the virtual ISR or IRR. */
function setVector(guest: NonRootGuest, register: "inService" | "requested", vector: number, value: boolean): void {
  const at = addressOf(guest, register) + (vector >> 5) * 16;
  const mask = 1 << (vector & 31);
  const before = guest.memory.read32(at);
  guest.memory.write32(at, value ? before | mask : before & ~mask);
}

/** The highest vector of the virtual ISR or IRR; 0 if there is none. */
function highest(guest: NonRootGuest, register: "inService" | "requested"): number {
  for (let group = 7; group >= 0; group--) {
    const bits = guest.memory.read32(addressOf(guest, register) + group * 16);
    if (bits !== 0) return group * 32 + 31 - Math.clz32(bits);
  }
  return 0;
}

/** Guest interrupt status 0810h: RVI, the highest vector that is requested, and SVI, the highest in service. */
const requestedVector = ({ vmcs }: NonRootGuest): number => vmcs.number("guestInterruptStatus") & 0xff;
const servicedVector = ({ vmcs }: NonRootGuest): number => vmcs.number("guestInterruptStatus") >> 8;
const setStatus = ({ vmcs }: NonRootGuest, requested: number, serviced: number): void =>
  vmcs.set("guestInterruptStatus", (serviced << 8) | requested);

/** PPR virtualization (SDM Vol. 3, 30.1.3). */
function virtualizeProcessorPriority(guest: NonRootGuest): void {
  const task = read(guest, "taskPriority") & 0xff;
  const serviced = servicedVector(guest);
  write(guest, "processorPriority", classOf(task) >= classOf(serviced) ? task : serviced & 0xf0);
}

/** Evaluation of pending virtual interrupts (SDM Vol. 3, 30.2.1): is there one whose priority is high enough? */
export const isVirtualInterruptDue = (guest: NonRootGuest): boolean =>
  !inForce(guest.vmcs, controls.interruptWindowExiting) &&
  classOf(requestedVector(guest)) > classOf(read(guest, "processorPriority"));

function evaluate(guest: NonRootGuest): void {
  if (isVirtualInterruptDue(guest)) guest.cpu.attention = true;
}

const delivers = ({ vmcs }: NonRootGuest): boolean => inForce(vmcs, controls.virtualInterruptDelivery);

/** VM entry (SDM Vol. 3, 27.6.7 and 27.7): the task priority may be below the threshold already, an interrupt be due. */
export function enterVirtualApic(guest: NonRootGuest): void {
  guest.cpu.r32[pendingWrite] = 0;
  if (!inForce(guest.vmcs, controls.tprShadow)) return;
  if (delivers(guest)) {
    virtualizeProcessorPriority(guest);
    evaluate(guest);
  } else if (isBelowThreshold(guest)) noteWrite(guest, apicRegister.taskPriority);
}

/** VM exit: what a write to the page would have led to is over. */
export function leaveVirtualApic({ cpu }: NonRootGuest): void {
  cpu.r32[pendingWrite] = 0;
}

/** MOV from CR8: undefined without a TPR shadow. */
export const shadowedPriority = (guest: NonRootGuest): number | undefined =>
  inForce(guest.vmcs, controls.tprShadow) ? classOf(read(guest, "taskPriority")) : undefined;

/** MOV to CR8: true with a TPR shadow. */
export function setShadowedPriority(guest: NonRootGuest, priority: number): boolean {
  if (!inForce(guest.vmcs, controls.tprShadow)) return false;
  write(guest, "taskPriority", priority << 4);
  noteWrite(guest, apicRegister.taskPriority);
  return true;
}

/** The instruction under way has written to the page: what follows from it happens when it is done. */
export function noteWrite({ cpu }: NonRootGuest, offset: number): void {
  cpu.r32[pendingWrite] = offset + 1;
  cpu.attention = true;
}

const threshold = ({ vmcs }: NonRootGuest): number => vmcs.number("tprThreshold") & 0xf;
const isBelowThreshold = (guest: NonRootGuest): boolean => classOf(read(guest, "taskPriority")) < threshold(guest);

/** At the boundary after an instruction that wrote to the page (APIC-write emulation, SDM Vol. 3, 30.4.3.2): true if the guest left. */
export function followApicWrite(guest: NonRootGuest): boolean {
  const { cpu } = guest;
  const pending = cpu.r32[pendingWrite]!;
  if (pending === 0) return false;
  cpu.r32[pendingWrite] = 0;
  const offset = pending - 1;
  switch (offset & 0xff0) {
    case apicRegister.taskPriority:
      write(guest, "taskPriority", read(guest, "taskPriority") & 0xff);
      return virtualizeTaskPriority(guest);
    case apicRegister.endOfInterrupt:
      return delivers(guest) ? virtualizeEndOfInterrupt(guest) : leaveByWrite(guest, offset);
    case apicRegister.commandLow:
      return virtualizeCommand(guest, offset);
    case apicRegister.commandHigh:
      write(guest, "commandHigh", read(guest, "commandHigh") & 0xff00_0000);
      return false;
    default:
      return leaveByWrite(guest, offset);
  }
}

/** TPR virtualization (SDM Vol. 3, 30.1.2). */
function virtualizeTaskPriority(guest: NonRootGuest): boolean {
  if (delivers(guest)) {
    virtualizeProcessorPriority(guest);
    evaluate(guest);
    return false;
  }
  if (!isBelowThreshold(guest)) return false;
  const priority = classOf(read(guest, "taskPriority"));
  const { why } = guest.decide({ reason: "TPR_THRESHOLD", priority });
  guest.leave({ reason: "TPR_THRESHOLD", what: `task priority ${priority}`, why, beforeTraps: true });
  return true;
}

/** EOI virtualization (SDM Vol. 3, 30.1.4). */
function virtualizeEndOfInterrupt(guest: NonRootGuest): boolean {
  write(guest, "endOfInterrupt", 0);
  const vector = servicedVector(guest);
  setVector(guest, "inService", vector, false);
  setStatus(guest, requestedVector(guest), highest(guest, "inService"));
  virtualizeProcessorPriority(guest);
  const { exits, why } = guest.decide({ reason: "VIRTUALIZED_EOI", vector });
  if (!exits) {
    evaluate(guest);
    return false;
  }
  const qualification = encodeQualification("VIRTUALIZED_EOI", { vector });
  guest.leave({ reason: "VIRTUALIZED_EOI", what: `end of interrupt ${vector}`, why, qualification, beforeTraps: true });
  return true;
}

/** Bits of the interrupt command that must be 0 for an interrupt to oneself, and the shorthand for it. */
const notSelf = 0xfff3_b700;
const selfShorthand = 0x4_0000;

/** A fixed, edge-triggered interrupt to itself with a vector from 16 up is delivered without the VMM (SDM Vol. 3, 30.1.5). */
function virtualizeCommand(guest: NonRootGuest, offset: number): boolean {
  const command = read(guest, "commandLow");
  const vector = command & 0xff;
  const self = (command & (notSelf | 0xc_0000)) >>> 0 === selfShorthand && vector >= 16;
  if (!delivers(guest) || !self) return leaveByWrite(guest, offset);
  requestInterrupt(guest, vector);
  evaluate(guest);
  return false;
}

/** Sets the bit of a vector in the virtual IRR, and RVI with it. */
function requestInterrupt(guest: NonRootGuest, vector: number): void {
  setVector(guest, "requested", vector, true);
  setStatus(guest, Math.max(requestedVector(guest), vector), servicedVector(guest));
}

/** Interrupts that were posted in memory: one group of 32 vectors a word. */
export function requestPosted(guest: NonRootGuest, groups: readonly number[]): void {
  let top = requestedVector(guest);
  for (const [group, bits] of groups.entries()) {
    if (bits === 0) continue;
    const at = addressOf(guest, "requested") + group * 16;
    guest.memory.write32(at, guest.memory.read32(at) | bits);
    top = Math.max(top, group * 32 + 31 - Math.clz32(bits));
  }
  setStatus(guest, top, servicedVector(guest));
  evaluate(guest);
}

function leaveByWrite(guest: NonRootGuest, offset: number): boolean {
  const { why } = guest.decide({ reason: "APIC_WRITE", offset });
  const qualification = encodeQualification("APIC_WRITE", { offset });
  const at = offset.toString(16).toUpperCase();
  guest.leave({ reason: "APIC_WRITE", what: `write to APIC register ${at}h`, why, qualification, beforeTraps: true });
  return true;
}

/** At a boundary: delivers a virtual interrupt through the guest's IDT (SDM Vol. 3, 30.2.2). True if it did. May throw a `VmExit`. */
export function deliverVirtualInterrupt(guest: NonRootGuest): boolean {
  if (!delivers(guest) || !interruptible(guest) || nmiComes(guest) || !isVirtualInterruptDue(guest)) return false;
  const vector = requestedVector(guest);
  setVector(guest, "inService", vector, true);
  setVector(guest, "requested", vector, false);
  write(guest, "processorPriority", vector & 0xf0);
  setStatus(guest, highest(guest, "requested"), vector);
  guest.cpu.interrupt(vector);
  return true;
}
