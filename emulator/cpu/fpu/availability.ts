import type { Cpu } from "../cpu.ts";
import { refuse, vector } from "../fault.ts";
import { layout } from "../layout.ts";
import { CR0, CR4 } from "../state.ts";

/** Bit of the status word: an unmasked exception is pending. */
const errorSummary = 0x80;

/**
 * Whether the instruction can go on in spite of a pending unmasked exception. With CR0.NE it is raised as #MF. Without, the
 * chip set is told (FERR#), and unless it answers by IGNNE# the processor stops before the instruction until an interrupt
 * comes: the instruction is simply tried again.
 */
export function isReady(cpu: Cpu): boolean {
  if ((cpu.u32[layout.x87Status >> 2]! & errorSummary) === 0) return true;
  if ((cpu.cr0 & CR0.NE) !== 0) refuse(vector.MF);
  if (cpu.bus.coprocessorError?.(true)) return true;
  cpu.next = cpu.rip;
  cpu.f64[layout.unretired >> 3]! += 1;
  return false;
}

/** Tells the chip set that no exception is pending any more, if that is so. */
export function reportCleared(cpu: Cpu): void {
  const pending = (cpu.u32[layout.x87Status >> 2]! & errorSummary) !== 0;
  if (!pending && (cpu.cr0 & CR0.NE) === 0) cpu.bus.coprocessorError?.(false);
}

/** x87 instructions: #NM if they are to be emulated or belong to another task (SDM Vol. 3, 2.5, table 2-2). */
export function checkX87(cpu: Cpu): void {
  if ((cpu.cr0 & (CR0.EM | CR0.TS)) !== 0) refuse(vector.NM);
}

/** FWAIT alone asks for both MP and TS. */
export function checkWait(cpu: Cpu): void {
  if ((cpu.cr0 & (CR0.MP | CR0.TS)) === (CR0.MP | CR0.TS)) refuse(vector.NM);
}

export function checkMmx(cpu: Cpu): void {
  if ((cpu.cr0 & CR0.EM) !== 0) refuse(vector.UD);
  if ((cpu.cr0 & CR0.TS) !== 0) refuse(vector.NM);
}

export const mayUseSse = (cpu: Cpu): boolean => (cpu.cr0 & (CR0.EM | CR0.TS)) === 0 && (cpu.cr4 & CR4.OSFXSR) !== 0;

export function checkSse(cpu: Cpu): void {
  if (mayUseSse(cpu)) return;
  if ((cpu.cr0 & CR0.EM) !== 0 || (cpu.cr4 & CR4.OSFXSR) === 0) refuse(vector.UD);
  if ((cpu.cr0 & CR0.TS) !== 0) refuse(vector.NM);
}
