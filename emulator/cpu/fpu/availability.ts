import type { Cpu } from "../cpu.ts";
import { hardwareFault, vector } from "../fault.ts";
import { layout } from "../layout.ts";
import { CR0, CR4 } from "../state.ts";

/** Bit of the status word: an unmasked exception is pending. */
const errorSummary = 0x80;

const refuse = (number: number): never => {
  throw hardwareFault(number);
};

/**
 * Raises the pending unmasked exception. Without CR0.NE the processor would signal FERR# and freeze until an interrupt of
 * the chip set; that line is not there, and the exception is raised as #MF all the same.
 */
export function checkPending(cpu: Cpu): void {
  if ((cpu.u32[layout.x87Status >> 2]! & errorSummary) !== 0) refuse(vector.MF);
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

export function checkSse(cpu: Cpu): void {
  if ((cpu.cr0 & CR0.EM) !== 0 || (cpu.cr4 & CR4.OSFXSR) === 0) refuse(vector.UD);
  if ((cpu.cr0 & CR0.TS) !== 0) refuse(vector.NM);
}
