import { decode } from "../../isa/decode.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { isFault } from "../cpu/fault.ts";
import type { Access } from "../cpu/monitor.ts";
import type { Interceptor } from "../mmu/physical.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { encodeQualification } from "./qualification.ts";
import { apicRegister, noteWrite } from "./virtual-apic.ts";

const range = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / 16 + 1 }, (_, n) => from + 16 * n);

const { taskPriority, endOfInterrupt, commandLow } = apicRegister;
/** Registers that are written in the virtual-APIC page with APIC-register virtualization, and those that are read (SDM Vol. 3, 30.4). */
const written = [
  ...[0x20, taskPriority, endOfInterrupt, 0xd0, 0xe0, 0xf0, 0x280, commandLow, 0x310],
  ...range(0x320, 0x370),
  ...[0x380, 0x3e0],
];
const allWritten = new Set<number>(written);
const allRead = new Set<number>([...written, 0x30, ...range(0x100, 0x270)]);
const onlyPriority = new Set<number>([taskPriority]);
const deliveryWritten = new Set<number>([taskPriority, endOfInterrupt, commandLow]);
const none: ReadonlySet<number> = new Set();

type Direction = "read" | "write";

/** Registers that an access reaches in the virtual-APIC page, without leaving the guest, and whether their parts are reached too. */
function virtualized({ vmcs }: Pick<NonRootGuest, "vmcs">, access: Direction) {
  if (!inForce(vmcs, controls.tprShadow)) return { registers: none, parts: false };
  if (inForce(vmcs, controls.apicRegisterVirtualization))
    return { registers: access === "read" ? allRead : allWritten, parts: true };
  const delivers = access === "write" && inForce(vmcs, controls.virtualInterruptDelivery);
  return { registers: delivers ? deliveryWritten : onlyPriority, parts: false };
}

/** Does the virtual-APIC page stand in for the register at this offset? */
export const standsIn = (guest: Pick<NonRootGuest, "vmcs">, offset: number, access: Direction): boolean =>
  virtualized(guest, access).registers.has(offset & 0xff0);

/** Is an access made there: at most 32 bits, within the first four bytes of the register's sixteen? */
function isMade(guest: NonRootGuest, offset: number, bytes: number, access: Direction): boolean {
  const { registers, parts } = virtualized(guest, access);
  const within = parts ? (offset & 0xf) + bytes <= 4 : (offset & 0xf) === 0 && bytes <= 4;
  return within && registers.has(offset & 0xff0) && guest.cpu.vectoring === undefined;
}

const types = { read: 0, write: 1, execute: 2 } as const;
const duringDelivery = 3;

/** The guest has touched the APIC-access page, and the VMM is to see it. */
export function leaveByApicAccess(guest: NonRootGuest, offset: number, access: Access): never {
  const delivery = guest.cpu.vectoring !== undefined;
  const { why } = guest.decide({ reason: "APIC_ACCESS", offset, access, delivery });
  guest.abandon({
    reason: "APIC_ACCESS",
    what: `${access} of APIC register ${offset.toString(16).toUpperCase()}h${delivery ? " during event delivery" : ""}`,
    why,
    qualification: encodeQualification("APIC_ACCESS", { offset, type: delivery ? duringDelivery : types[access] }),
    ...(delivery || access === "execute" ? {} : { instructionLength: lengthAt(guest.cpu) }),
  });
}

/** Bytes of the instruction at RIP; 0 where they cannot be fetched. */
function lengthAt(cpu: Cpu): number {
  try {
    const decoded = decode((at) => cpu.fetch8(cpu.rip + at), 0, cpu.bits);
    return typeof decoded === "string" ? 0 : decoded.length;
  } catch (thrown) {
    if (isFault(thrown)) return 0;
    throw thrown;
  }
}

/** Number of the APIC-access page while accesses to it are virtualized. */
export const apicAccessPage = ({ vmcs }: NonRootGuest): number | undefined =>
  inForce(vmcs, controls.virtualizeApicAccesses) ? Math.floor(vmcs.address64("apicAccessAddress") / 4096) : undefined;

/** Makes the guest's accesses to the APIC-access page (SDM Vol. 3, 30.4): in the virtual-APIC page, or the guest leaves. */
export function apicInterceptor(guest: NonRootGuest): Interceptor | undefined {
  const page = apicAccessPage(guest);
  if (page === undefined) return undefined;
  const { vmcs, memory } = guest;
  const reaches = (offset: number, bytes: number, access: Direction): number => {
    if (!isMade(guest, offset, bytes, access)) leaveByApicAccess(guest, offset, access);
    return vmcs.address64("virtualApicAddress") + offset;
  };
  return {
    page,
    read(offset, bytes) {
      const at = reaches(offset, bytes, "read");
      let value = 0;
      for (let n = 0; n < bytes; n++) value += memory.read8(at + n) * 2 ** (8 * n);
      return value;
    },
    write(offset, bytes, value) {
      const at = reaches(offset, bytes, "write");
      for (let n = 0; n < bytes; n++) memory.write8(at + n, (value >>> (8 * n)) & 0xff);
      noteWrite(guest, offset & 0xffc);
    },
    wide: (offset, access) => leaveByApicAccess(guest, offset, access),
  };
}
