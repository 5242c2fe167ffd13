import type { Cpu } from "../cpu/cpu.ts";
import { tlbBank } from "../cpu/layout.ts";
import { vmmLinear } from "../vmm/cpu/shadow-descriptors.ts";

const pageBytes = 4096;
const vmmPage = vmmLinear / pageBytes;

/**
 * Pages outside of the guest's memory that the processor would write for it now, asking nobody: translations in the TLB.
 * Popek and Goldberg's resource control wants none. A software VMM's own tables, in its part of the address space, are not
 * counted.
 */
export function writableOutside({ tlb }: Cpu, guestBase: number, guestBytes: number): number {
  const first = guestBase / pageBytes;
  const end = first + guestBytes / pageBytes;
  let outside = 0;
  for (const bank of [tlbBank.supervisorWrite, tlbBank.userWrite])
    for (const { linear, host } of tlb.pages(bank)) {
      const isVmms = linear >= vmmPage && linear < 2 ** 32 / pageBytes;
      if (!isVmms && (host < first || host >= end)) outside++;
    }
  return outside;
}
