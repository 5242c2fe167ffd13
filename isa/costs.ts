/**
 * What takes cycles of virtual time beyond the one that every step takes: crossing between guest and VMM, and what the
 * bare machine itself takes long for. A profile prices events; it is no model of caches or pipelines.
 */
export interface CostProfile {
  readonly name: string;
  readonly title: string;
  /** VM exit and VM entry, one way each. */
  readonly exit: number;
  readonly entry: number;
  /** One VMREAD and one VMWRITE by the VMM. */
  readonly vmread: number;
  readonly vmwrite: number;
  /** An exception that ring deprivileging traps by, with the IRET that resumes the guest. */
  readonly trap: number;
  /** Out of the translation cache into the VMM, and back: a jump, no exception. */
  readonly callout: number;
  /** Translating one guest instruction. */
  readonly translation: number;
  /** Delivery of an exception through the guest's own IDT, with its IRET: of #PF, and of any other. */
  readonly pageFault: number;
  readonly exception: number;
  /** An access to a port that reaches a device of the bare machine. */
  readonly portAccess: number;
  /** Where the numbers are from. */
  readonly source: string;
}

/**
 * Adams and Agesen (ASPLOS 2006) measured entry, exit, VMREAD and VMWRITE on the first two processors (table 1), and
 * nanobenchmarks on the first (figure 4), from which its other prices follow: natively a division fault takes 889 cycles,
 * a page fault 1093, IN 3209; under their software VMM a division fault takes 3223, hence a trap 3223 - 889; a changed page-table
 * entry takes 391 and IN 214 by callouts, hence a callout something like 200.
 *
 * For the later ones the round trip of a VM exit is known (Agesen et al., USENIX ATC 2012; exit one way from the page-fault exit
 * in "Hardware and Software Support for Virtualization", table 4.3); the entry is the difference. Haswell's round trip is
 * not published there: its entry is the Sandy Bridge's, 784 - 507. Nothing is published of VMREAD and VMWRITE, traps and
 * callouts: they are scaled from the last processor that is measured, by the exit or by the round trip. What natively takes
 * long is not published either, and is not priced.
 */
const profiles = [
  {
    name: "unit",
    title: "One cycle for an exit, one for an entry",
    ...{ exit: 1, entry: 1, vmread: 0, vmwrite: 0 },
    ...{ trap: 2, callout: 2, translation: 1, pageFault: 0, exception: 0, portAccess: 0 },
    source: "no measurement: counts crossings",
  },
  {
    name: "P4-2005",
    title: "Pentium 4 672 (2005)",
    ...{ exit: 1931, entry: 2409, vmread: 178, vmwrite: 171 },
    ...{ trap: 2334, callout: 200, translation: 2300, pageFault: 1093, exception: 889, portAccess: 3209 },
    source: "Adams and Agesen, ASPLOS 2006, table 1 and figure 4",
  },
  {
    name: "Core2-2006",
    title: "Core 2 (2006)",
    ...{ exit: 1186, entry: 937, vmread: 52, vmwrite: 44 },
    ...{ trap: 1142, callout: 98, translation: 1125, pageFault: 0, exception: 0, portAccess: 0 },
    source: "Adams and Agesen, ASPLOS 2006, table 1; traps and callouts scaled from the Pentium 4",
  },
  {
    name: "Westmere-2010",
    title: "Westmere (2010)",
    ...{ exit: 569, entry: 192, vmread: 25, vmwrite: 21 },
    ...{ trap: 409, callout: 35, translation: 403, pageFault: 0, exception: 0, portAccess: 0 },
    source: "Agesen et al., USENIX ATC 2012, round trip 761; exit 569 one way; traps and callouts scaled",
  },
  {
    name: "Haswell-2013",
    title: "Haswell (2013)",
    ...{ exit: 512, entry: 277, vmread: 22, vmwrite: 19 },
    ...{ trap: 424, callout: 36, translation: 418, pageFault: 0, exception: 0, portAccess: 0 },
    source:
      "page-fault exit 512 one way; entry as on Sandy Bridge (round trip 784, exit 507); traps and callouts scaled",
  },
] as const satisfies readonly CostProfile[];

export const costProfiles: readonly CostProfile[] = profiles;

/** How a guest comes to its VMM. */
export type Crossing = "exit" | "trap" | "callout";

/** Cycles out to the VMM and back, which are charged at the exit and at the entry. */
export function crossingCost(costs: CostProfile, crossing: Crossing): { readonly out: number; readonly back: number } {
  if (crossing === "exit") return { out: costs.exit, back: costs.entry };
  const out = Math.ceil(costs[crossing] / 2);
  return { out, back: costs[crossing] - out };
}

/** The profile used where none is named: the newest processor that is measured. */
export const defaultCosts = "Haswell-2013";

export const costProfile = (name: string): CostProfile | undefined => costProfiles.find((p) => p.name === name);
