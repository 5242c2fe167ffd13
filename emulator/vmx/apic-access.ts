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

/** Offsets of the registers that an access reaches in the virtual-APIC page, without leaving the guest. */
export function virtualizedRegisters(
  { vmcs }: Pick<NonRootGuest, "vmcs">,
  access: "read" | "write",
): ReadonlySet<number> {
  if (!inForce(vmcs, controls.tprShadow)) return none;
  if (inForce(vmcs, controls.apicRegisterVirtualization)) return access === "read" ? allRead : allWritten;
  return access === "write" && inForce(vmcs, controls.virtualInterruptDelivery) ? deliveryWritten : onlyPriority;
}

/** Is the access one to a register as a whole: at most 32 bits, at its 16-byte boundary? */
const isWithin = (offset: number, bytes: number): boolean => (offset & 0xf) + bytes <= 4;

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
  const reaches = (offset: number, bytes: number, access: "read" | "write"): number => {
    const register = virtualizedRegisters(guest, access).has(offset & 0xff0);
    if (!register || !isWithin(offset, bytes) || guest.cpu.vectoring !== undefined)
      leaveByApicAccess(guest, offset, access);
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
  };
}
