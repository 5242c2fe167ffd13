import type { Cpu } from "../../cpu/cpu.ts";
import { LDTR } from "../../cpu/state.ts";
import type { VirtualRegisters } from "./virtual-cpu.ts";

/** Whether the guest has other descriptor tables than before, or other rights to them. */
export function descriptorsChanged(cpu: Cpu, { gdtr, ldtr, cpl }: VirtualRegisters): boolean {
  const now = cpu.segment(LDTR);
  return (
    cpu.gdtr.base !== gdtr.base ||
    cpu.gdtr.limit !== gdtr.limit ||
    now.selector !== ldtr.selector ||
    now.base !== ldtr.base ||
    now.limit !== ldtr.limit ||
    cpu.cpl !== cpl
  );
}
