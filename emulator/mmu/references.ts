import { CR4, type State } from "../cpu/state.ts";
import type { PageSizeCode } from "./tlb.ts";

/** Levels that a page of each size code saves, because an entry of a higher level maps it. */
const saved = [0, 1, 1, 2] as const;

function levels({ cr4, longMode }: State): number {
  if (!longMode) return 2; // 32-bit paging; with PAE the PDPTEs are in registers
  return (cr4 & CR4.LA57) !== 0 ? 5 : 4;
}

/**
 * Entries that a processor reads to translate an address of a page when nothing of it is cached: n of the guest's tables, and
 * under nested paging of m levels (n + 1)(m + 1) - 1.
 */
export function walkReferences(state: State, size: PageSizeCode): number {
  const guest = state.paging ? levels(state) - saved[size] : 0;
  const nested = state.monitor?.nestedLevels ?? 0;
  return (guest + 1) * (nested + 1) - 1;
}
