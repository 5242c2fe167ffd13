import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "./cpu.ts";
import {
  type Descriptor,
  dplOf,
  is32BitCode,
  is64BitCode,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isSystem,
  isWritableData,
  limitOf,
  nullSegment,
  rplOf,
  segmentFrom,
  selectorError,
  systemType,
  typeOf,
} from "./descriptor.ts";
import { refuse, vector } from "./fault.ts";
import { descriptorAt, markAccessed, readDescriptor, requireDescriptor } from "./segmentation.ts";
import { Frame, setStackPointer, stackBitsOf, stackPointer } from "./stack.ts";
import { CS, DS, ES, FS, GS, SS, TR } from "./state.ts";
import { requireTask, switchTask } from "./task-switch.ts";

/** An exception or interrupt as the tables of the guest see it. */
export interface Delivery {
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** INT n, INT3 or INTO (not INT1): the gate's DPL is checked and error codes have EXT = 0. */
  readonly software: boolean;
  /** Offset pushed as the return address. */
  readonly returnTo: number;
  /** Bytes of the instruction that asked for it; 0 if none did. */
  readonly length: number;
  /** The pushed image has RF set (exceptions of the fault class). */
  readonly setResume: boolean;
}

const cleared = (...names: Parameters<typeof flagMask>[0][]): number =>
  ~names.reduce((mask, n) => mask | flagMask(n), 0);
const RF = flagMask("RF");
const afterRealInterrupt = cleared("IF", "TF", "AC", "RF");
const afterTrapGate = cleared("TF", "VM", "RF", "NT");
const afterInterruptGate = cleared("TF", "VM", "RF", "NT", "IF");

const pushedFlags = (cpu: Cpu, event: Delivery): number => cpu.flags | (event.setResume ? RF : 0);

/**
 * Delivers through the interrupt table of the present mode (SDM Vol. 2, INT n; Vol. 3, 6.12 to 6.14). Throws the fault of
 * the first check that fails; nothing but stack memory below the stack pointer and accessed bits has then changed.
 */
export function deliverThroughTable(cpu: Cpu, event: Delivery): void {
  if (!cpu.protectedMode) deliverReal(cpu, event);
  else if (cpu.longMode) deliverLong(cpu, event);
  else deliverProtected(cpu, event);
}

function deliverReal(cpu: Cpu, event: Delivery): void {
  const { idtr } = cpu;
  const at = event.vector * 4;
  if (at + 3 > idtr.limit) refuse(vector.GP, event.vector * 8 + 2 + (event.software ? 0 : 1));
  const entry = cpu.readSystem(idtr.base + at, 4);
  const frame = Frame.current(cpu);
  frame.push(pushedFlags(cpu, event) & 0xffff, 2);
  frame.push(cpu.selector(CS), 2);
  frame.push(event.returnTo, 2);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
  cpu.eflags &= afterRealInterrupt;
  const selector = entry >>> 16;
  cpu.setSegment(CS, { ...cpu.segment(CS), selector, base: selector << 4 });
  cpu.rip = entry & 0xffff;
}

/** A gate of the IDT after the checks that do not depend on its target. */
interface Gate {
  /** It leads to a task: `selector` is that of its TSS, and nothing else counts. */
  readonly task: boolean;
  readonly selector: number;
  readonly offset: number;
  /** Interrupt gates clear IF, trap gates do not. */
  readonly interrupt: boolean;
  /** Bytes of each pushed word: 2, 4 or 8. */
  readonly bytes: 2 | 4 | 8;
  /** Interrupt stack table index, 0 for none. */
  readonly ist: number;
}

const { taskGate, interruptGate16, trapGate16, interruptGate32, trapGate32 } = systemType;
const legacyGates = new Set<number>([taskGate, interruptGate16, trapGate16, interruptGate32, trapGate32]);
const longGates = new Set<number>([interruptGate32, trapGate32]);

function readGate(cpu: Cpu, event: Delivery, ext: number): Gate {
  const { idtr, longMode } = cpu;
  const code = event.vector * 8 + 2;
  const size = longMode ? 16 : 8;
  if (event.vector * size + size - 1 > idtr.limit) refuse(vector.GP, code + ext);
  const d = descriptorAt(cpu, idtr.base + event.vector * size);
  const type = typeOf(d);
  if (!isSystem(d) || !(longMode ? longGates : legacyGates).has(type)) refuse(vector.GP, code + ext);
  if (event.software && dplOf(d) < cpu.cpl) refuse(vector.GP, code);
  if (!isPresent(d)) refuse(vector.NP, code + ext);
  const low = ((d.high & 0xffff_0000) | (d.low & 0xffff)) >>> 0;
  const upper = longMode ? descriptorAt(cpu, d.address + 8).low : 0;
  const wide = type === interruptGate32 || type === trapGate32;
  return {
    task: type === taskGate,
    selector: d.low >>> 16,
    offset: upper * 2 ** 32 + (wide ? low : low & 0xffff),
    interrupt: type === interruptGate16 || type === interruptGate32,
    bytes: longMode ? 8 : wide ? 4 : 2,
    ist: longMode ? d.high & 7 : 0,
  };
}

/** The handler's code segment, checked; the privilege level it runs at. */
function gateTarget(cpu: Cpu, selector: number, ext: number): { code: Descriptor; cpl: number } {
  if (isNull(selector)) refuse(vector.GP, ext);
  const code = requireDescriptor(cpu, selector, vector.GP, ext);
  const error = selectorError(selector) | ext;
  if (!isCode(code) || dplOf(code) > cpu.cpl) refuse(vector.GP, error);
  if (cpu.longMode && (!is64BitCode(code) || is32BitCode(code))) refuse(vector.GP, error);
  if (!isPresent(code)) refuse(vector.NP, error);
  const cpl = isConforming(code) ? cpu.cpl : dplOf(code);
  if (cpu.virtual8086 && cpl !== 0) refuse(vector.GP, error);
  return { code, cpl };
}

function deliverProtected(cpu: Cpu, event: Delivery): void {
  const ext = event.software ? 0 : 1;
  const gate = readGate(cpu, event, ext);
  if (gate.task) {
    deliverToTask(cpu, event, gate.selector, ext);
    return;
  }
  const { code, cpl } = gateTarget(cpu, gate.selector, ext);
  if (gate.offset > limitOf(code)) refuse(vector.GP, ext);
  const inner = cpl < cpu.cpl ? taskStack(cpu, cpl, ext) : undefined;
  const frame = inner ? inner.frame : Frame.current(cpu, ext);
  const flags = pushedFlags(cpu, event);
  const old = cpu.virtual8086;
  if (old) for (const segment of [GS, FS, DS, ES]) frame.push(cpu.selector(segment), gate.bytes);
  if (inner) {
    frame.push(cpu.selector(SS), gate.bytes);
    frame.push(stackPointer(cpu, gate.bytes === 2 ? 16 : 32), gate.bytes);
  }
  frame.push(flags, gate.bytes);
  frame.push(cpu.selector(CS), gate.bytes);
  frame.push(event.returnTo, gate.bytes);
  if (event.errorCode !== undefined) frame.push(event.errorCode, gate.bytes);

  markAccessed(cpu, code);
  if (inner) enterInnerStack(cpu, inner, cpl);
  else setStackPointer(cpu, cpu.stackBits, frame.pointer);
  cpu.eflags &= gate.interrupt ? afterInterruptGate : afterTrapGate;
  if (old) for (const segment of [GS, FS, DS, ES]) cpu.writeSegment(segment, nullSegment(0));
  cpu.setSegment(CS, segmentFrom((gate.selector & ~3) | cpl, code));
  cpu.setCpl(cpl);
  if (old) cpu.refresh();
  cpu.rip = gate.offset;
}

/** A task gate: the handler is a task, nested in the interrupted one. */
function deliverToTask(cpu: Cpu, event: Delivery, selector: number, ext: number): void {
  const descriptor = requireTask(cpu, selector, false, vector.GP, ext);
  const { returnTo, errorCode, length } = event;
  const savedFlags = event.setResume ? RF : 0;
  switchTask(cpu, { selector, descriptor, source: "gate", returnTo, savedFlags, errorCode, ext, length });
}

/** A stack taken from the TSS for a more privileged level. */
export interface InnerStack {
  readonly selector: number;
  readonly descriptor: Descriptor;
  readonly frame: Frame;
  /** ESP as the TSS gives it: its upper half stays where the stack has 16 bits. */
  readonly initial: number;
}

/** SS:ESP for privilege level `cpl` from the TSS, checked (#TS naming the TSS or SS, #SS for a stack not present). */
export function taskStack(cpu: Cpu, cpl: number, ext: number): InnerStack {
  const { selector, initial } = readTaskStack(cpu, cpl, ext);
  if (isNull(selector)) refuse(vector.TS, ext);
  const error = selectorError(selector) | ext;
  const descriptor = readDescriptor(cpu, selector) ?? refuse(vector.TS, error);
  if (rplOf(selector) !== cpl || dplOf(descriptor) !== cpl || !isWritableData(descriptor)) refuse(vector.TS, error);
  if (!isPresent(descriptor)) refuse(vector.SS, error);
  const segment = segmentFrom(selector, descriptor);
  const bits = stackBitsOf(segment);
  const pointer = bits === 16 ? initial & 0xffff : initial;
  const frame = new Frame(cpu, { segment, bits, pointer, user: cpl === 3, errorCode: error });
  return { selector, descriptor, frame, initial };
}

function readTaskStack(cpu: Cpu, cpl: number, ext: number): { selector: number; initial: number } {
  const task = cpu.segment(TR);
  const wide = (task.access & 8) !== 0;
  const at = wide ? 4 + cpl * 8 : 2 + cpl * 4;
  if (at + (wide ? 5 : 3) > task.limit) refuse(vector.TS, selectorError(task.selector) | ext);
  const initial = cpu.readSystem(task.base + at, wide ? 4 : 2);
  return { selector: cpu.readSystem(task.base + at + (wide ? 4 : 2), 2), initial };
}

/** Makes an inner stack the processor's own. */
export function enterInnerStack(cpu: Cpu, inner: InnerStack, cpl: number): void {
  markAccessed(cpu, inner.descriptor);
  const segment = segmentFrom((inner.selector & ~3) | cpl, inner.descriptor);
  cpu.setSegment(SS, segment);
  if (stackBitsOf(segment) === 16) setStackPointer(cpu, 32, inner.initial);
  setStackPointer(cpu, stackBitsOf(segment), inner.frame.pointer);
}

function deliverLong(cpu: Cpu, event: Delivery): void {
  const ext = event.software ? 0 : 1;
  const gate = readGate(cpu, event, ext);
  const { code, cpl } = gateTarget(cpu, gate.selector, ext);
  const top = longStack(cpu, gate.ist, cpl, ext);
  if (!cpu.isCanonical(gate.offset)) refuse(vector.GP, ext);
  const frame = new Frame(cpu, {
    segment: cpu.segment(SS),
    bits: 64,
    pointer: top - (top & 15),
    user: cpl === 3,
    errorCode: ext,
  });
  frame.push(cpu.selector(SS), 8);
  frame.push(cpu.r64[4]!, 8);
  frame.push(pushedFlags(cpu, event), 8);
  frame.push(cpu.selector(CS), 8);
  frame.push(event.returnTo, 8);
  if (event.errorCode !== undefined) frame.push(event.errorCode, 8);

  markAccessed(cpu, code);
  setStackPointer(cpu, 64, frame.pointer);
  if (cpl < cpu.cpl) cpu.setSegment(SS, nullSegment(cpl, cpl));
  cpu.eflags &= gate.interrupt ? afterInterruptGate : afterTrapGate;
  cpu.setSegment(CS, segmentFrom((gate.selector & ~3) | cpl, code));
  cpu.setCpl(cpl);
  cpu.rip = gate.offset;
}

/** Stack pointer a 64-bit gate starts from: the IST's, the TSS's for an inner level, or the present one. */
function longStack(cpu: Cpu, ist: number, cpl: number, ext: number): number {
  if (ist === 0 && cpl === cpu.cpl) return stackPointer(cpu, 64);
  return readLongTaskStack(cpu, ist === 0 ? 4 + 8 * cpl : 28 + 8 * ist, ext);
}

/** A 64-bit stack pointer from the TSS: RSP0–2 from offset 4, IST1–7 from offset 36. */
export function readLongTaskStack(cpu: Cpu, at: number, ext: number): number {
  const task = cpu.segment(TR);
  if (at + 7 > task.limit) refuse(vector.TS, selectorError(task.selector) | ext);
  const low = cpu.readSystem(task.base + at, 4);
  return (cpu.readSystem(task.base + at + 4, 4) | 0) * 2 ** 32 + low;
}
