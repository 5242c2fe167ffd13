import type { HostConfiguration } from "../configuration/machine-configuration.ts";
import { pseudoRandom } from "../schedule/pseudo-random.ts";
import { turnCycles } from "../virtual-machine/processors.ts";

/** Cycles of a turn of a vCPU none of whose siblings runs: 0.84 ms. */
const loneTurnCycles = 100_000;

/**
 * Cycles of a turn in the core: few where several vCPUs of one VM run side by side, which would notice. With a seed, from a half to
 * one and a half of that.
 */
export function quantum({ quantum: set, seed = 0 }: HostConfiguration, running: number, turn: number): number {
  const cycles = set ?? (running <= 1 ? loneTurnCycles : turnCycles);
  return seed === 0 ? cycles : Math.ceil(cycles / 2) + pseudoRandom(Math.imul(seed, 0x9e37_79b1) + turn).below(cycles);
}
