import { flagMask } from "../../../isa/flags.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { CR0, CR4, EFER } from "../../cpu/state.ts";

const TF = flagMask("TF");
const IF = flagMask("IF");

/** Modes in which the guest is not deprivileged at all. */
function unusualMode({ cr0, cr4, efer, virtual8086 }: Cpu): string | undefined {
  if ((cr0 & CR0.PE) === 0) return "real mode";
  if (virtual8086) return "virtual-8086 mode";
  if ((efer & EFER.LME) !== 0) return "long mode";
  return (cr4 & (CR4.VME | CR4.PVI)) !== 0 ? "virtual interrupts (CR4.VME or CR4.PVI)" : undefined;
}

/**
 * Why the VMM interprets the guest here, instruction by instruction, instead of translating its kernel or running its
 * process directly: completes "interprets …". Undefined where it need not. The guest's own registers must be loaded.
 */
export function reasonToInterpret(cpu: Cpu): string | undefined {
  const mode = unusualMode(cpu);
  if (mode !== undefined) return mode;
  // PUSHF and POPF of a process that runs directly would tell of the real flags, and change nothing.
  if (cpu.cpl === 3)
    return (cpu.eflags & IF) === 0 || cpu.iopl !== 0 ? "a process without interrupts or with I/O privilege" : undefined;
  if (cpu.cpl !== 0) return `ring ${cpu.cpl}`;
  if ((cpu.eflags & TF) !== 0) return "single steps (TF)";
  if (cpu.breakpoints.length > 0) return "a kernel with breakpoints in the debug registers";
  if (cpu.bits !== 32) return "16-bit code";
  return cpu.stackBits === 32 ? undefined : "a kernel with a 16-bit stack";
}
