/** Virtual time of the host: whole microseconds, in cycles of which a second has 119,318,200 (`time/costs.ts`). */
import { cyclesPerSecond } from "../time/costs.ts";

/** Cycles and microseconds that are the same time, as whole numbers: products of times with them stay exact for hours. */
const divisor = (function greatest(a: number, b: number): number {
  return b === 0 ? a : greatest(b, a % b);
})(cyclesPerSecond, 1_000_000);
const cycles = cyclesPerSecond / divisor;
const microseconds = 1_000_000 / divisor;

/** The first cycle that is not before a time in microseconds. */
export const cyclesAt = (time: number): number => Math.ceil((time * cycles) / microseconds);

/** Whole microseconds that have passed at a cycle. */
export const microsecondsAt = (cycle: number): number => Math.floor((cycle * microseconds) / cycles);
