import { layout } from "./layout.ts";
import type { State } from "./state.ts";

const steps = layout.steps >> 3;
const extraCycles = layout.extraCycles >> 3;
const unretired = layout.unretired >> 3;
const emulated = layout.emulated >> 3;
const countsInstructions = layout.countsInstructions >> 2;

/**
 * Virtual time in cycles: one a step, and what was charged beyond that. Where runs under several techniques are to be
 * compared, only retired instructions take time, so that timers strike at the same instructions in each.
 */
export function virtualTime({ f64, r32 }: Pick<State, "f64" | "r32">): number {
  const cycles = f64[steps]! + f64[extraCycles]!;
  return r32[countsInstructions] === 0 ? cycles : cycles - f64[unretired]! + f64[emulated]!;
}
