/**
 * What crossing between guest and VMM costs, in cycles of virtual time, on top of the one cycle that every step takes.
 * A profile prices the crossings only; it is no model of caches or pipelines.
 */
export interface CostProfile {
  readonly name: string;
  readonly title: string;
  /** Guest to VMM, one way: VM exit, or the exception that ring deprivileging traps by. */
  readonly exit: number;
  /** VMM to guest, one way: VM entry, or the IRET that resumes a deprivileged guest. */
  readonly entry: number;
  /** One VMREAD and one VMWRITE by the VMM. */
  readonly vmread: number;
  readonly vmwrite: number;
  /** Where the numbers are from. */
  readonly source: string;
}

/**
 * Adams and Agesen measured entry, exit, VMREAD and VMWRITE on the first two (ASPLOS 2006, table 1). For the later ones
 * the round trip is known (Agesen et al., USENIX ATC 2012; exit one way from the page-fault exit in "Hardware and
 * Software Support for Virtualization", table 4.3), the entry is their difference, and VMREAD and VMWRITE are taken as
 * they were on the Core 2, scaled by the exit. Haswell's round trip is not published there: its entry is the Sandy
 * Bridge's, 784 - 507.
 */
const profiles = [
  {
    name: "unit",
    title: "One cycle for an exit, one for an entry",
    exit: 1,
    entry: 1,
    vmread: 0,
    vmwrite: 0,
    source: "no measurement: counts crossings",
  },
  {
    name: "P4-2005",
    title: "Pentium 4 672 (2005)",
    exit: 1931,
    entry: 2409,
    vmread: 178,
    vmwrite: 171,
    source: "Adams and Agesen, ASPLOS 2006, table 1",
  },
  {
    name: "Core2-2006",
    title: "Core 2 (2006)",
    exit: 1186,
    entry: 937,
    vmread: 52,
    vmwrite: 44,
    source: "Adams and Agesen, ASPLOS 2006, table 1",
  },
  {
    name: "Westmere-2010",
    title: "Westmere (2010)",
    exit: 569,
    entry: 192,
    vmread: 25,
    vmwrite: 21,
    source: "Agesen et al., USENIX ATC 2012, round trip 761; exit 569 one way",
  },
  {
    name: "Haswell-2013",
    title: "Haswell (2013)",
    exit: 512,
    entry: 277,
    vmread: 22,
    vmwrite: 19,
    source: "page-fault exit 512 one way; entry as on Sandy Bridge (round trip 784, exit 507)",
  },
] as const satisfies readonly CostProfile[];

export const costProfiles: readonly CostProfile[] = profiles;

/** Crossings that take no time. */
export const freeCrossings: CostProfile = {
  ...{ name: "free", title: "Crossings take no time", source: "no measurement" },
  ...{ exit: 0, entry: 0, vmread: 0, vmwrite: 0 },
};

/** The profile used where none is named: the newest processor that is measured. */
export const defaultCosts = "Haswell-2013";

export const costProfile = (name: string): CostProfile | undefined => costProfiles.find((p) => p.name === name);

/**
 * Cycles of virtual time per clock of the PIT (1,193,182 Hz on a PC). Virtual time has no real frequency; 100 cycles a
 * clock makes a processor of 119.3 MHz with one instruction per cycle, so a 100 Hz tick comes every 1.19 million cycles.
 */
export const cyclesPerTimerClock = 100;

const timerClocksPerSecond = 1_193_182;
/** Cycles of virtual time in a second as the PC's timers measure it. */
export const cyclesPerSecond = timerClocksPerSecond * cyclesPerTimerClock;
