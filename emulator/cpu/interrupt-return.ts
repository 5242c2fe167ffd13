import { flagMask } from "../../isa/flags.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "./cpu.ts";
import { rplOf, virtual8086Segment } from "./descriptor.ts";
import { nmiBlocked } from "./exceptions.ts";
import {
  checkTarget,
  dropInnerSegments,
  loadCode,
  loadRealCode,
  returnStack,
  returnTarget,
  runsWide,
} from "./far-transfer.ts";
import { hardwareFault, vector } from "./fault.ts";
import { statusMask } from "./flags.ts";
import { markAccessed } from "./segmentation.ts";
import { Frame, loadStackPointer, setStackPointer } from "./stack.ts";
import { CS, DS, ES, FS, GS, SS, TR } from "./state.ts";
import { requireTask, switchTask } from "./task-switch.ts";
import { acceptedFlags, checkVirtual8086, extended } from "./virtual-interrupts.ts";

const VM = flagMask("VM");
const IF = flagMask("IF");
const IOPL = flagMask("IOPL");
const NT = flagMask("NT");
const virtualInterrupt = flagMask("VIF") | flagMask("VIP");
const always = statusMask | flagMask("TF") | flagMask("DF") | flagMask("NT");
const with32 = flagMask("RF") | flagMask("AC") | flagMask("ID");

/** Flags that IRET takes from the stack at the privilege it started with (SDM Vol. 2, IRET). */
function returnedFlags(cpu: Cpu, bytes: number): number {
  let mask = always | (bytes > 2 ? with32 : 0);
  if (cpu.cpl <= cpu.iopl) mask |= IF;
  if (cpu.cpl === 0) mask |= IOPL | (bytes > 2 ? virtualInterrupt : 0);
  return mask;
}

/** IRET, IRETD, IRETQ. */
export function interruptReturn(cpu: Cpu, decoded: Decoded): void {
  const bytes = decoded.operandSize / 8;
  // Also if it faults (SDM Vol. 3, 6.7.1).
  unblockNmi(cpu);
  if (cpu.realAddressing) returnReal(cpu, bytes);
  else if ((cpu.eflags & NT) !== 0) returnToTask(cpu, decoded);
  else returnProtected(cpu, bytes);
  cpu.unblockedNmi = false;
}

function unblockNmi(cpu: Cpu): void {
  cpu.unblockedNmi = false;
  if ((cpu.interruptibility & nmiBlocked) === 0 || cpu.monitor?.nmiBlocking?.() === "kept") return;
  cpu.interruptibility &= ~nmiBlocked;
  cpu.unblockedNmi = true;
  cpu.attention = true;
}

/** With NT: to the task that the back link of this one's TSS names. */
function returnToTask(cpu: Cpu, { length }: Decoded): void {
  if (cpu.longMode) throw hardwareFault(vector.GP, 0);
  const selector = cpu.readSystem(cpu.base(TR), 2);
  const descriptor = requireTask(cpu, selector, true, vector.TS);
  switchTask(cpu, { selector, descriptor, source: "iret", returnTo: cpu.next, length });
}

function returnReal(cpu: Cpu, bytes: number): void {
  checkVirtual8086(cpu, bytes * 8);
  const frame = Frame.current(cpu);
  const offset = frame.pop(bytes);
  const selector = frame.pop(bytes) & 0xffff;
  const flags = frame.pop(bytes);
  const mask = always | IF | (bytes > 2 ? with32 : 0) | (cpu.virtual8086 ? 0 : IOPL);
  const after = extended(cpu) ? acceptedFlags(cpu.flags, flags, mask) : (cpu.flags & ~mask) | (flags & mask);
  loadRealCode(cpu, selector, offset);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
  cpu.flags = after;
}

interface Popped {
  readonly offset: number;
  readonly selector: number;
  readonly flags: number;
}

function returnProtected(cpu: Cpu, bytes: number): void {
  const frame = Frame.current(cpu);
  const popped: Popped = {
    offset: frame.pop(bytes),
    selector: frame.pop(bytes) & 0xffff,
    flags: frame.pop(bytes),
  };
  if (!cpu.longMode && bytes === 4 && (popped.flags & VM) !== 0 && cpu.cpl === 0) {
    returnToVirtual8086(cpu, popped, frame);
    return;
  }
  const code = returnTarget(cpu, popped.selector);
  const cpl = rplOf(popped.selector);
  const mask = returnedFlags(cpu, bytes);
  const flags = (cpu.flags & ~mask) | (popped.flags & mask);
  // From 64-bit code the stack is always switched, even to the same level.
  if (cpl > cpu.cpl || cpu.bits === 64) {
    const pointer = frame.popExact(bytes);
    const wide = runsWide(cpu, code);
    const stack = returnStack(cpu, frame.pop(bytes) & 0xffff, cpl, wide);
    checkTarget(cpu, code, popped.offset);
    const outer = cpl > cpu.cpl;
    if (stack.descriptor) markAccessed(cpu, stack.descriptor);
    cpu.setSegment(SS, stack.segment);
    loadCode(cpu, popped.selector, code, cpl, popped.offset);
    loadStackPointer(cpu, pointer);
    if (outer) dropInnerSegments(cpu, cpl);
  } else {
    checkTarget(cpu, code, popped.offset);
    const { stackBits } = cpu;
    loadCode(cpu, popped.selector, code, cpl, popped.offset);
    setStackPointer(cpu, stackBits, frame.pointer);
  }
  cpu.flags = flags;
}

/** IRETD at CPL 0 with VM set in the image: all segments come from the stack, as paragraphs. */
function returnToVirtual8086(cpu: Cpu, popped: Popped, frame: Frame): void {
  const pointer = frame.pop(4);
  const stack = frame.pop(4) & 0xffff;
  const data = [ES, DS, FS, GS].map((segment) => ({ segment, selector: frame.pop(4) & 0xffff }));
  if (popped.offset > 0xffff) throw hardwareFault(vector.GP, 0);
  for (const { segment, selector } of data) cpu.writeSegment(segment, virtual8086Segment(selector));
  cpu.writeSegment(CS, virtual8086Segment(popped.selector));
  cpu.writeSegment(SS, virtual8086Segment(stack));
  setStackPointer(cpu, 32, pointer);
  cpu.next = popped.offset;
  cpu.flags = popped.flags;
  cpu.setCpl(3);
}
