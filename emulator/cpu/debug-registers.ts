import type { Cpu } from "./cpu.ts";
import { hardwareFault, unsupported, vector } from "./fault.ts";
import { layout } from "./layout.ts";
import { CR4 } from "./state.ts";

/** DR4 and DR5 are DR6 and DR7, or do not exist with CR4.DE. */
function real(cpu: Cpu, number: number): number {
  if (number > 7 || ((number === 4 || number === 5) && (cpu.cr4 & CR4.DE) !== 0)) throw hardwareFault(vector.UD);
  return number === 4 || number === 5 ? number + 2 : number;
}

/** DR7.GD: any MOV of a debug register is a debug exception, with DR6.BD. */
function checkGeneralDetect(cpu: Cpu): void {
  if ((cpu.r32[(layout.debug >> 2) + 14]! & 0x2000) === 0) return;
  cpu.r32[(layout.debug >> 2) + 14]! &= ~0x2000;
  throw { ...hardwareFault(vector.DB), debug: 0x2000 };
}

/** MOV from a debug register. */
export function readDebug(cpu: Cpu, number: number): bigint {
  const at = real(cpu, number);
  checkGeneralDetect(cpu);
  return cpu.r64[(layout.debug >> 3) + at]!;
}

/** MOV to a debug register. */
export function writeDebug(cpu: Cpu, number: number, value: bigint): void {
  const at = real(cpu, number);
  checkGeneralDetect(cpu);
  setDebugRegister(cpu, at, value);
}

/** Writes DR0–DR3, DR6 or DR7. Breakpoints by DR7 are not implemented: switching one on stops the machine by name. */
export function setDebugRegister(cpu: Cpu, at: number, value: bigint): void {
  if (at >= 6 && value >> 32n !== 0n) throw hardwareFault(vector.GP, 0);
  if (at === 7 && (value & 0xffn) !== 0n) throw unsupported("breakpoints by debug registers (DR7)");
  cpu.r64[(layout.debug >> 3) + at] = fixed(at, value);
}

/** With the bits that always read as 0 or 1. */
function fixed(number: number, value: bigint): bigint {
  if (number === 6) return (value & 0xe00fn) | 0xffff_0ff0n;
  if (number === 7) return (value & 0xffff_23ffn) | 0x400n;
  return value;
}

/** DR6 and DR7 after a reset. */
export const debugAfterReset = { dr6: 0xffff_0ff0n, dr7: 0x400n } as const;
