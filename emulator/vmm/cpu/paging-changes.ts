import type { Cpu } from "../../cpu/cpu.ts";
import { CR0, CR4, EFER } from "../../cpu/state.ts";
import type { VirtualRegisters } from "./virtual-cpu.ts";

/** Changes of these bits change how the guest's tables are read, or flush its TLB. */
export const pagingBits = {
  cr0: CR0.PG | CR0.WP,
  cr4: CR4.PSE | CR4.PAE | CR4.PGE | CR4.PCIDE | CR4.SMEP | CR4.SMAP,
  efer: EFER.NXE | EFER.LMA,
} as const;

/** Do the guest's own registers, now in the processor, ask for another paging than before? CR3 apart. */
export const pagingChanged = ({ cr0, cr4, efer }: Cpu, before: VirtualRegisters): boolean =>
  ((cr0 ^ before.cr0) & pagingBits.cr0) !== 0 ||
  ((cr4 ^ before.cr4) & pagingBits.cr4) !== 0 ||
  ((efer ^ before.efer) & pagingBits.efer) !== 0;
