/** The processor in the core as snapshots keep it: its state block, with what counts for the whole machine, and its TLB. */

import type { Cpu } from "./cpu.ts";
import { layout } from "./layout.ts";

/** Never changed once made. */
export interface SavedCore {
  readonly block: Float64Array;
  /** As `Tlb.keep` gives it. */
  readonly tlb: Int32Array;
}

const blockWords = layout.end >> 3;

/** @param before what was kept the last time: the TLB is the same object if it is the same */
export function saveCore(cpu: Cpu, before: SavedCore | undefined): SavedCore {
  return { block: cpu.f64.slice(0, blockWords), tlb: cpu.tlb.keep(before?.tlb) };
}

/** Before anything else of the machine is restored but memory. */
export function restoreCore(cpu: Cpu, { block, tlb }: SavedCore): void {
  cpu.f64.set(block);
  cpu.reload({ words: tlb, length: tlb.length });
}
