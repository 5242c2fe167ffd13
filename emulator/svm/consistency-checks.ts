import { physicalAddressBits } from "../mmu/physical.ts";
import { bitsOf, hex } from "../vmx/bit-layout.ts";
import { isPat } from "../vmx/entry-checks-host.ts";
import { eventType } from "./exit-information.ts";
import { isIntercepted } from "./intercepts.ts";
import { iopmBytes, msrpmBytes } from "./permission-maps.ts";
import { virtualInterrupt } from "./virtual-interrupt.ts";
import { type Vmcb, wordOf } from "./vmcb.ts";
import { type CleanGroup, placeText, type VmcbField, vmcbFields } from "./vmcb-fields.ts";

/** One check that VMRUN makes of the VMCB. */
export interface ConsistencyCheck {
  readonly id: string;
  /** The field that is at fault if it fails. */
  readonly field: VmcbField;
  /** What must hold, as a sentence. */
  readonly sentence: string;
  readonly holds: (vmcb: Vmcb) => boolean;
}

const cr0 = { PE: 1n, NW: 1n << 29n, CD: 1n << 30n, PG: 1n << 31n } as const;
const pae = 0x20n;
const efer = { LME: 0x100n, LMA: 0x400n, SVME: 0x1000n } as const;
/** Bits of EFER and CR4 that our processor has. */
const eferBits = 0x1d01n;
const cr4Bits = 0x371fffn;
/** Attributes of CS: L and D of its descriptor. */
const codeIsLong = 0x200;
const codeIs32 = 0x400;
const addressEnd = 1n << BigInt(physicalAddressBits);

const check = (id: string, field: VmcbField, sentence: string, holds: (v: Vmcb) => boolean): ConsistencyCheck => ({
  id,
  field,
  sentence,
  holds,
});
const has = (v: Vmcb, field: VmcbField, mask: bigint): boolean => (v.get(field) & mask) !== 0n;
const pagedLong = (v: Vmcb): boolean => has(v, "efer", efer.LME) && has(v, "cr0", cr0.PG);
const nested = (v: Vmcb): boolean => v.bit("nestedControl", 0);
const inMemory = (v: Vmcb, field: VmcbField, bytes: number): boolean =>
  (v.get(field) & ~0xfffn) + BigInt(bytes) <= addressEnd;

const is64 = (v: Vmcb): boolean => has(v, "efer", efer.LMA) && (v.number("csAttributes") & codeIsLong) !== 0;
const injects = (v: Vmcb): boolean => v.words[injection]! >>> 31 === 1;
const injectedType = (v: Vmcb): number => Number(bitsOf(v.get("eventInjection"), 10, 8));
const injectedVector = (v: Vmcb): number => v.number("eventInjection") & 0xff;
const types = new Set<number>(Object.values(eventType));
const injection = wordOf("eventInjection");
const [OF, BR] = [4, 5];

/** An exception, and one that can happen in the guest's mode: INTO and BOUND do not exist in 64-bit code. */
const isPossible = (v: Vmcb): boolean => {
  if (injectedType(v) !== eventType.exception) return true;
  const vector = injectedVector(v);
  if (vector === 2 || vector > 31) return false;
  return !is64(v) || (vector !== OF && vector !== BR);
};

/** The checks of the guest state and controls (APM Vol. 2, 15.5.1, 15.20, 15.21.10 and 15.25.4). */
export const consistencyChecks: readonly ConsistencyCheck[] = [
  check("efer.svme", "efer", "EFER.SVME is 1.", (v) => has(v, "efer", efer.SVME)),
  check("cr0.cd-nw", "cr0", "CR0.NW is 1 only with CR0.CD.", (v) => !has(v, "cr0", cr0.NW) || has(v, "cr0", cr0.CD)),
  check("cr0.high", "cr0", "Bits 63:32 of CR0 are 0.", (v) => v.get("cr0") >> 32n === 0n),
  check("cr3.mbz", "cr3", "CR3 is within the physical-address width.", (v) => v.get("cr3") < addressEnd),
  check("cr4.mbz", "cr4", "Reserved bits of CR4 are 0.", (v) => !has(v, "cr4", ~cr4Bits)),
  check("dr6.high", "dr6", "Bits 63:32 of DR6 are 0.", (v) => v.get("dr6") >> 32n === 0n),
  check("dr7.high", "dr7", "Bits 63:32 of DR7 are 0.", (v) => v.get("dr7") >> 32n === 0n),
  check("efer.mbz", "efer", "Reserved bits of EFER are 0.", (v) => !has(v, "efer", ~eferBits)),
  check("efer.lme-pae", "cr4", "With EFER.LME and CR0.PG, CR4.PAE is 1.", (v) => !pagedLong(v) || has(v, "cr4", pae)),
  check("efer.lme-pe", "cr0", "With EFER.LME and CR0.PG, CR0.PE is 1.", (v) => !pagedLong(v) || has(v, "cr0", cr0.PE)),
  check("cs.l-d", "csAttributes", "In long mode the L and D bits of CS are not both 1.", (v) => {
    const both = codeIsLong | codeIs32;
    return !pagedLong(v) || !has(v, "cr4", pae) || (v.number("csAttributes") & both) !== both;
  }),
  check("vmrun.intercept", "vector4", "VMRUN is intercepted.", (v) => isIntercepted(v, "VMRUN")),
  check("iopm.address", "iopmBase", "The I/O permission map lies within the physical-address width.", (v) =>
    inMemory(v, "iopmBase", iopmBytes),
  ),
  check("msrpm.address", "msrpmBase", "The MSR permission map lies within the physical-address width.", (v) =>
    inMemory(v, "msrpmBase", msrpmBytes),
  ),
  check(
    "injection.type",
    "eventInjection",
    "The type of the injected event is 0, 2, 3 or 4.",
    (v) => !injects(v) || types.has(injectedType(v)),
  ),
  check(
    "injection.exception",
    "eventInjection",
    "The vector of an injected exception is one of an exception that the guest's mode can have.",
    (v) => !injects(v) || isPossible(v),
  ),
  check("asid.nonzero", "asid", "The ASID is not 0, which is the host's.", (v) => v.number("asid") !== 0),
  check(
    "vnmi.intercept",
    "virtualInterrupt",
    "With V_NMI_ENABLE, NMIs are intercepted.",
    (v) => !virtualInterrupt.nmiEnabled(v) || isIntercepted(v, "NMI"),
  ),
  check(
    "ncr3.mbz",
    "nestedCr3",
    "With nested paging, the nested CR3 is within the physical-address width.",
    (v) => !nested(v) || v.get("nestedCr3") < addressEnd,
  ),
  check(
    "gpat.types",
    "guestPat",
    "With nested paging, each byte of G_PAT is a memory type.",
    (v) => !nested(v) || isPat(v.get("guestPat")),
  ),
];

const groupOf = (field: VmcbField): CleanGroup | undefined =>
  (vmcbFields[field] as { readonly group?: CleanGroup }).group;

/** Checks of fields that VMRUN always reads, and all others by what makes them necessary again. */
const always = consistencyChecks.filter(({ field }) => groupOf(field) === undefined);

/** The first check that does not hold; undefined if the guest can be run. Where all clean bits are 1, little can have changed. */
export function checkConsistency(vmcb: Vmcb): ConsistencyCheck | undefined {
  const checks = vmcb.number("clean") === 0xffff_ffff ? always : consistencyChecks;
  return checks.find(({ holds }) => !holds(vmcb));
}

/** "VMRUN failed (VMEXIT_INVALID): The ASID is not 0 … Check asid.nonzero: Guest ASID (VMCB 058h) = 0h." */
export function inconsistencyText(vmcb: Vmcb, { id, field, sentence }: ConsistencyCheck): string {
  const value = hex(vmcb.get(field));
  return `VMRUN failed (VMEXIT_INVALID): ${sentence} Check ${id}: ${vmcbFields[field].name} (${placeText(field)}) = ${value}.`;
}
