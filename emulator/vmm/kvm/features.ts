import type { CpuidResult } from "../../cpu/cpuid.ts";
import { word } from "../text-word.ts";

/** A feature of KVM's paravirtual interface: its bit in EAX of leaf 40000001h, and whether it is there. */
interface Feature {
  readonly bit: number;
  readonly name: string;
  readonly there: boolean;
}

const feature = <N extends string>(bit: number, name: N, there = false): Feature & { readonly name: N } => ({
  bit,
  name,
  there,
});

/** KVM_FEATURE_* (Linux, arch/x86/include/uapi/asm/kvm_para.h). */
export const features = [
  feature(0, "CLOCKSOURCE", true),
  feature(1, "NOP_IO_DELAY"),
  feature(2, "MMU_OP"),
  feature(3, "CLOCKSOURCE2", true),
  feature(4, "ASYNC_PF"),
  feature(5, "STEAL_TIME", true),
  feature(6, "PV_EOI"),
  feature(7, "PV_UNHALT", true),
  feature(9, "PV_TLB_FLUSH", true),
  feature(10, "ASYNC_PF_VMEXIT"),
  feature(11, "PV_SEND_IPI", true),
  feature(12, "POLL_CONTROL", true),
  feature(13, "PV_SCHED_YIELD", true),
  feature(14, "ASYNC_PF_INT"),
  feature(15, "MSI_EXT_DEST_ID"),
  feature(16, "HC_MAP_GPA_RANGE"),
  feature(17, "MIGRATION_CONTROL"),
  feature(24, "CLOCKSOURCE_STABLE_BIT", true),
] as const satisfies readonly Feature[];

/** Name of a feature, as the options of the hypervisor have it too. */
export type FeatureName = (typeof features)[number]["name"];

const first = 0x4000_0000;
const none: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const bitsWithout = (names: readonly string[]): number =>
  features.reduce((mask, { bit, name, there }) => (there && !names.includes(name) ? mask | (1 << bit) : mask), 0);

/**
 * CPUID 40000000h with the signature "KVMKVMKVM" in EBX, ECX, EDX, and 40000001h with the features in EAX; undefined for others.
 * `without` names features that are not shown.
 */
export function kvmCpuid(leaf: number, without: readonly string[] = []): CpuidResult | undefined {
  if (leaf < first || leaf > 0x4fff_ffff) return undefined;
  if (leaf === first) return { eax: first + 1, ebx: word("KVMK"), ecx: word("VMKV"), edx: word("M\0\0\0") };
  return leaf === first + 1 ? { ...none, eax: bitsWithout(without) } : none;
}
