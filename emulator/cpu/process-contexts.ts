import type { Cpu } from "./cpu.ts";
import { generalProtection } from "./fault.ts";
import { CR4, signedNumber } from "./state.ts";

/** What an INVPCID type forgets (SDM Vol. 2, INVPCID). */
const kinds = { address: 0, context: 1, everything: 2, allContexts: 3 } as const;

/** INVPCID with its type and the two halves of its descriptor. The row has checked CPL 0. */
export function invalidateProcessContext(cpu: Cpu, kind: bigint, low: bigint, address: bigint): void {
  if (kind > 3n || low >> 12n !== 0n) generalProtection();
  if (kind < 2n) checkDescriptor(cpu, kind, low, address);
  const pcid = Number(low & 0xfffn);
  switch (Number(kind)) {
    case kinds.address:
      cpu.tlb.invalidateOf(pcid, signedNumber(address));
      return;
    case kinds.context:
      cpu.tlb.flush(false, "INVPCID", pcid);
      return;
    case kinds.everything:
      cpu.tlb.flush(true, "INVPCID");
      return;
    case kinds.allContexts:
      cpu.tlb.flush(false, "INVPCID");
  }
}

/** Only the first two types look at PCID and address. Without CR4.PCIDE there is only PCID 0. */
function checkDescriptor(cpu: Cpu, kind: bigint, low: bigint, address: bigint): void {
  if (low !== 0n && (cpu.cr4 & CR4.PCIDE) === 0) generalProtection();
  if (kind === 0n && !cpu.isCanonical(signedNumber(address))) generalProtection();
}
