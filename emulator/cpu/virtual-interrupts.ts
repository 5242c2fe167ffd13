import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "./cpu.ts";
import { systemType } from "./descriptor.ts";
import { generalProtection } from "./fault.ts";
import { accessBits } from "./layout.ts";
import { Frame, setStackPointer } from "./stack.ts";
import { CR4, CS, TR } from "./state.ts";

const IF = flagMask("IF");
const TF = flagMask("TF");
const RF = flagMask("RF");
const VIF = flagMask("VIF");
const VIP = flagMask("VIP");
const IOPL = flagMask("IOPL");

/** Virtual-8086 mode with CR4.VME and IOPL < 3: IF is VIF for the program (SDM Vol. 3, 21.3). */
export const extended = (cpu: Cpu): boolean => cpu.virtual8086 && (cpu.cr4 & CR4.VME) !== 0 && cpu.iopl < 3;

/** Whether CLI and STI act on VIF: virtual-8086 mode with extensions, or CPL 3 with CR4.PVI, and in both IOPL < 3. */
export function hasVirtualFlag(cpu: Cpu): boolean {
  if (cpu.virtual8086) return extended(cpu);
  return cpu.cpl === 3 && cpu.iopl < 3 && (cpu.cr4 & CR4.PVI) !== 0;
}

/** A virtual interrupt is both wanted and waiting: no instruction executes before the monitor has been told, by #GP(0). */
export function virtualInterruptDue(cpu: Cpu): boolean {
  if ((cpu.eflags & (VIF | VIP)) !== (VIF | VIP)) return false;
  return cpu.virtual8086 ? (cpu.cr4 & CR4.VME) !== 0 : cpu.cpl === 3 && (cpu.cr4 & CR4.PVI) !== 0;
}

/** CLI where `hasVirtualFlag`. */
export function clearVirtualFlag(cpu: Cpu): void {
  cpu.eflags &= ~VIF;
}

/** STI where `hasVirtualFlag`: an interrupt that waits is the monitor's to deliver. */
export function setVirtualFlag(cpu: Cpu): void {
  if ((cpu.eflags & VIP) !== 0) generalProtection();
  cpu.eflags |= VIF;
}

/** PUSHF, POPF, INT n and IRET in virtual-8086 mode need IOPL 3, or the extensions and an operand size of 16 bits. */
export function checkVirtual8086(cpu: Cpu, bits: number): void {
  if (cpu.virtual8086 && cpu.iopl < 3 && !(bits === 16 && extended(cpu))) generalProtection();
}

/** Flags as a program with `extended` sees them: IOPL 3, and VIF in the place of IF. */
export const shownFlags = (flags: number): number => (flags & ~IF) | IOPL | ((flags & VIF) !== 0 ? IF : 0);

/** Flags after POPF or IRET by such a program: IF goes to VIF, and IF itself and IOPL stay. #GP(0) for TF, or IF with VIP. */
export function acceptedFlags(before: number, popped: number, mask: number): number {
  if ((popped & TF) !== 0 || ((popped & IF) !== 0 && (before & VIP) !== 0)) generalProtection();
  const kept = ~mask | IF | IOPL;
  return (before & kept & ~VIF) | (popped & ~kept) | ((popped & IF) !== 0 ? VIF : 0);
}

/** Whether INT n of a virtual-8086 program goes to its own handler: CR4.VME and a 0 in the TSS's redirection bitmap. */
function isRedirected(cpu: Cpu, number: number): boolean {
  if ((cpu.cr4 & CR4.VME) === 0) return false;
  const task = cpu.segment(TR);
  const type = task.access & accessBits.type;
  if ((type !== systemType.tss32 && type !== systemType.busyTss32) || task.limit < 0x67) generalProtection();
  const at = cpu.readSystem(task.base + 0x66, 2) - 32 + (number >> 3);
  if (at < 0 || at > task.limit) generalProtection();
  return (cpu.readSystem(task.base + at, 1) & (1 << (number & 7))) === 0;
}

/** INT n in virtual-8086 mode: true if it went through the program's own interrupt table (SDM Vol. 3, table 21-2). */
export function redirectInterrupt(cpu: Cpu, number: number): boolean {
  if (!isRedirected(cpu, number)) return false;
  const frame = Frame.current(cpu);
  const flags = cpu.flags & ~RF;
  frame.push(extended(cpu) ? shownFlags(flags) : flags, 2);
  frame.push(cpu.selector(CS), 2);
  frame.push(cpu.next, 2);
  const entry = cpu.readLinear(number * 4, 4);
  setStackPointer(cpu, 16, frame.pointer);
  const cleared = TF | RF | (cpu.iopl < 3 ? VIF : IF);
  cpu.eflags &= ~cleared;
  const selector = entry >>> 16;
  cpu.setSegment(CS, { ...cpu.segment(CS), selector, base: selector << 4 });
  cpu.next = entry & 0xffff;
  return true;
}
