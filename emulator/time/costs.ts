import type { CostProfile } from "../../isa/costs.ts";

/** Nothing takes time but instructions. */
export const freeCrossings: CostProfile = {
  ...{ name: "free", title: "Crossings take no time", source: "no measurement" },
  ...{ exit: 0, entry: 0, vmread: 0, vmwrite: 0, trap: 0, callout: 0, translation: 0 },
  ...{ pageFault: 0, exception: 0, portAccess: 0 },
};

/**
 * Cycles of virtual time per clock of the PIT (1,193,182 Hz on a PC). Virtual time has no real frequency; 100 cycles a
 * clock makes a processor of 119.3 MHz with one instruction per cycle, so a 100 Hz tick comes every 1.19 million cycles.
 */
export const cyclesPerTimerClock = 100;

const timerClocksPerSecond = 1_193_182;
/** Cycles of virtual time in a second as the PC's timers measure it. */
export const cyclesPerSecond = timerClocksPerSecond * cyclesPerTimerClock;
