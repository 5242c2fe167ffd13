import type { ModificationLog } from "./ept.ts";
import { unblocking } from "./exit.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

/** Entries of the log, which is filled from the last to the first. */
const entries = 512;

/** The page-modification log of a VMCS (SDM Vol. 3, 29.3.6): the index is of the entry that is written next. */
export const modificationLog = ({ vmcs, memory }: NonRootGuest): ModificationLog => ({
  get full() {
    return vmcs.number("pmlIndex") >= entries;
  },
  record(guestPhysical) {
    const index = vmcs.number("pmlIndex");
    memory.write64(vmcs.address64("pmlAddress") + 8 * index, BigInt(guestPhysical - (guestPhysical % 4096)));
    vmcs.set("pmlIndex", (index - 1) & 0xffff);
  },
});

/** The access that would have to set a flag does not happen. */
export function leaveByFullLog(guest: NonRootGuest, guestPhysical: number): never {
  const { why } = guest.decide({ reason: "PML_LOGFULL", index: guest.vmcs.number("pmlIndex") });
  const at = guestPhysical.toString(16).toUpperCase();
  const qualification = unblocking(guest.cpu);
  guest.abandon({
    reason: "PML_LOGFULL",
    what: `page-modification log full at guest-physical ${at}h`,
    why,
    qualification,
  });
}
