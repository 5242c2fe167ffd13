import type { CpuidResult } from "../../cpu/cpuid.ts";

const none: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const word = (text: string): number =>
  (text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24)) >>> 0;

/** Feature bits in KVM's numbering: PV_UNHALT (hypercall KICK_CPU) and PV_SCHED_YIELD. */
const features = (1 << 7) | (1 << 13);

/** The leaves of the VMM itself: 40000000h with the signature "RingsideVMM " in EBX, ECX, EDX; 40000001h with features in EAX. */
export function hypervisorCpuid(leaf: number): CpuidResult | undefined {
  if (leaf < 0x4000_0000 || leaf > 0x4fff_ffff) return undefined;
  if (leaf === 0x4000_0000) return { eax: 0x4000_0001, ebx: word("Ring"), ecx: word("side"), edx: word("VMM ") };
  return leaf === 0x4000_0001 ? { ...none, eax: features } : none;
}
