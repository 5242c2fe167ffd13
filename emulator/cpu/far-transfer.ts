import type { Decoded } from "../../isa/operands.ts";
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
  realSegment,
  rplOf,
  segmentFrom,
  selectorError,
  systemType,
  typeOf,
  virtual8086Segment,
} from "./descriptor.ts";
import { enterInnerStack, type InnerStack, readLongTaskStack, taskStack } from "./event-delivery.ts";
import { refuse, vector } from "./fault.ts";
import { accessBits } from "./layout.ts";
import { descriptorAt, markAccessed, readDescriptor, requireDescriptor } from "./segmentation.ts";
import { Frame, loadStackPointer, setStackPointer, stackPointer } from "./stack.ts";
import { CS, DS, ES, FS, GS, SS } from "./state.ts";
import { requireTask, switchTask } from "./task-switch.ts";

/** Whether code of this descriptor runs as 64-bit code now. */
export const runsWide = (cpu: Cpu, code: Descriptor): boolean => cpu.longMode && is64BitCode(code);

/** #GP(0) unless the offset lies in the code segment (or is canonical, in 64-bit code). */
export function checkTarget(cpu: Cpu, code: Descriptor, offset: number): void {
  if (runsWide(cpu, code) ? !cpu.isCanonical(offset) : offset < 0 || offset > limitOf(code)) refuse(vector.GP, 0);
}

/** Size of each word a far call or return moves: the operand size. */
const wordBytes = (decoded: Decoded): number => decoded.operandSize / 8;

/** The offset as the operand size gives it, signed where it has 64 bits. */
function targetOffset(decoded: Decoded, offset: bigint): number {
  return decoded.operandSize === 64
    ? Number(BigInt.asIntN(64, offset))
    : Number(BigInt.asUintN(decoded.operandSize, offset));
}

export function loadCode(cpu: Cpu, selector: number, code: Descriptor, cpl: number, offset: number): void {
  markAccessed(cpu, code);
  cpu.setSegment(CS, segmentFrom((selector & ~3) | cpl, code));
  cpu.setCpl(cpl);
  cpu.next = offset;
}

/** Far transfer in real-address and virtual-8086 mode: the selector is a paragraph. */
export function loadRealCode(cpu: Cpu, selector: number, offset: number): void {
  if (offset > cpu.limit(CS)) refuse(vector.GP, 0);
  cpu.setSegment(CS, cpu.virtual8086 ? virtual8086Segment(selector) : realSegment(selector, cpu.segment(CS)));
  cpu.next = offset;
}

/** Privilege check of a code segment named directly by JMP or CALL. */
function checkDirect(cpu: Cpu, code: Descriptor, selector: number): void {
  const error = selectorError(selector);
  const dpl = dplOf(code);
  if (isConforming(code) ? dpl > cpu.cpl : rplOf(selector) > cpu.cpl || dpl !== cpu.cpl) refuse(vector.GP, error);
  if (cpu.longMode && is64BitCode(code) && is32BitCode(code)) refuse(vector.GP, error);
  if (!isPresent(code)) refuse(vector.NP, error);
}

function targetDescriptor(cpu: Cpu, selector: number): Descriptor {
  if (isNull(selector)) refuse(vector.GP, 0);
  return requireDescriptor(cpu, selector);
}

const { callGate16, callGate32, taskGate, tss16, tss32 } = systemType;

/** A system descriptor named by JMP or CALL: a call gate to go on with, or a task, which is switched to. */
function throughSystem(
  cpu: Cpu,
  decoded: Decoded,
  d: Descriptor,
  selector: number,
  transfer: "jump" | "call",
): CallGate | undefined {
  const error = selectorError(selector);
  const type = typeOf(d);
  const task = !cpu.longMode && (type === taskGate || type === tss16 || type === tss32);
  const gate = type === callGate32 || (type === callGate16 && !cpu.longMode);
  if (!task && !gate) refuse(vector.GP, error);
  if (dplOf(d) < cpu.cpl || dplOf(d) < rplOf(selector)) refuse(vector.GP, error);
  if (gate || type === taskGate) {
    if (!isPresent(d)) refuse(vector.NP, error);
    if (gate) return openGate(cpu, d, selector, transfer);
  }
  const taskSelector = type === taskGate ? d.low >>> 16 : selector;
  const descriptor = type === taskGate ? requireTask(cpu, taskSelector, false, vector.GP) : d;
  const { next: returnTo } = cpu;
  switchTask(cpu, { selector: taskSelector, descriptor, source: transfer, returnTo, length: decoded.length });
  return undefined;
}

interface CallGate {
  readonly selector: number;
  readonly offset: number;
  readonly bytes: 2 | 4 | 8;
  /** Words copied from the caller's stack. */
  readonly parameters: number;
  readonly code: Descriptor;
}

/** Reads a call gate and the code segment behind it. A jump cannot change the privilege, a call can raise it. */
function openGate(cpu: Cpu, d: Descriptor, gateSelector: number, transfer: "jump" | "call"): CallGate {
  const selector = d.low >>> 16;
  const wide = typeOf(d) === callGate32;
  let offset = wide ? ((d.high & 0xffff_0000) | (d.low & 0xffff)) >>> 0 : d.low & 0xffff;
  if (cpu.longMode) {
    const last = (gateSelector & 0xfff8) + 15;
    const table = (gateSelector & 4) !== 0 ? cpu.limit(6) : cpu.gdtr.limit;
    if (last > table) refuse(vector.GP, selectorError(gateSelector));
    const upper = descriptorAt(cpu, d.address + 8);
    if ((upper.high & 0x1f00) !== 0) refuse(vector.GP, selectorError(gateSelector));
    offset += upper.low * 2 ** 32;
  }
  const code = targetDescriptor(cpu, selector);
  const error = selectorError(selector);
  if (!isCode(code) || dplOf(code) > cpu.cpl) refuse(vector.GP, error);
  if (transfer === "jump" && !isConforming(code) && dplOf(code) !== cpu.cpl) refuse(vector.GP, error);
  if (cpu.longMode && (!is64BitCode(code) || is32BitCode(code))) refuse(vector.GP, error);
  if (!isPresent(code)) refuse(vector.NP, error);
  const bytes = cpu.longMode ? 8 : wide ? 4 : 2;
  return { selector, offset, bytes, parameters: cpu.longMode ? 0 : d.high & 0x1f, code };
}

/** JMP far (SDM Vol. 2, JMP). */
export function farJump(cpu: Cpu, decoded: Decoded, selector: number, target: bigint): void {
  const offset = targetOffset(decoded, target);
  if (cpu.realAddressing) {
    loadRealCode(cpu, selector, offset);
    return;
  }
  const d = targetDescriptor(cpu, selector);
  if (isSystem(d)) {
    const gate = throughSystem(cpu, decoded, d, selector, "jump");
    if (!gate) return;
    checkTarget(cpu, gate.code, gate.offset);
    loadCode(cpu, gate.selector, gate.code, cpu.cpl, gate.offset);
    return;
  }
  if (!isCode(d)) refuse(vector.GP, selectorError(selector));
  checkDirect(cpu, d, selector);
  checkTarget(cpu, d, offset);
  loadCode(cpu, selector, d, cpu.cpl, offset);
}

/** CALL far (SDM Vol. 2, CALL). */
export function farCall(cpu: Cpu, decoded: Decoded, selector: number, target: bigint): void {
  const offset = targetOffset(decoded, target);
  if (cpu.realAddressing) {
    if (offset > cpu.limit(CS)) refuse(vector.GP, 0);
    pushReturn(cpu, Frame.current(cpu), wordBytes(decoded), cpu.next);
    loadRealCode(cpu, selector, offset);
    return;
  }
  const d = targetDescriptor(cpu, selector);
  if (isSystem(d)) {
    const gate = throughSystem(cpu, decoded, d, selector, "call");
    if (gate) callThroughGate(cpu, gate);
    return;
  }
  if (!isCode(d)) refuse(vector.GP, selectorError(selector));
  checkDirect(cpu, d, selector);
  checkTarget(cpu, d, offset);
  pushReturn(cpu, Frame.current(cpu), wordBytes(decoded), cpu.next);
  loadCode(cpu, selector, d, cpu.cpl, offset);
}

/** Pushes CS and the return offset on the present stack and moves the stack pointer. */
function pushReturn(cpu: Cpu, frame: Frame, bytes: number, offset: number): void {
  frame.push(cpu.selector(CS), bytes);
  frame.push(offset, bytes);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
}

function callThroughGate(cpu: Cpu, gate: CallGate): void {
  const { code } = gate;
  const dpl = dplOf(code);
  if (isConforming(code) || dpl === cpu.cpl) {
    checkTarget(cpu, code, gate.offset);
    const frame = cpu.longMode ? longFrame(cpu, stackPointer(cpu, 64), cpu.cpl === 3) : Frame.current(cpu);
    frame.push(cpu.selector(CS), gate.bytes);
    frame.push(cpu.next, gate.bytes);
    markAccessed(cpu, code);
    setStackPointer(cpu, cpu.longMode ? 64 : cpu.stackBits, frame.pointer);
    loadCode(cpu, gate.selector, code, cpu.cpl, gate.offset);
  } else if (cpu.longMode) callInnerLong(cpu, gate, dpl);
  else callInner(cpu, gate, dpl);
}

const longFrame = (cpu: Cpu, pointer: number, user: boolean, errorCode = 0): Frame =>
  new Frame(cpu, { segment: cpu.segment(SS), bits: 64, pointer, user, errorCode });

/** A call to an inner level: the new stack gets SS:ESP, the parameters, CS:EIP. */
function callInner(cpu: Cpu, gate: CallGate, cpl: number): void {
  const inner: InnerStack = taskStack(cpu, cpl, 0);
  checkTarget(cpu, gate.code, gate.offset);
  const caller = Frame.current(cpu);
  const parameters = Array.from({ length: gate.parameters }, () => caller.pop(gate.bytes));
  const { frame } = inner;
  frame.push(cpu.selector(SS), gate.bytes);
  frame.push(stackPointer(cpu, gate.bytes === 2 ? 16 : 32), gate.bytes);
  for (const word of parameters.reverse()) frame.push(word, gate.bytes);
  frame.push(cpu.selector(CS), gate.bytes);
  frame.push(cpu.next, gate.bytes);
  enterInnerStack(cpu, inner, cpl);
  loadCode(cpu, gate.selector, gate.code, cpl, gate.offset);
}

function callInnerLong(cpu: Cpu, gate: CallGate, cpl: number): void {
  const frame = longFrame(cpu, readLongTaskStack(cpu, 4 + 8 * cpl, 0), false);
  checkTarget(cpu, gate.code, gate.offset);
  frame.push(cpu.selector(SS), 8);
  frame.push(cpu.r64[4]!, 8);
  frame.push(cpu.selector(CS), 8);
  frame.push(cpu.next, 8);
  setStackPointer(cpu, 64, frame.pointer);
  cpu.setSegment(SS, nullSegment(cpl, cpl));
  loadCode(cpu, gate.selector, gate.code, cpl, gate.offset);
}

/** The code segment a far return or IRET goes back to, checked. */
export function returnTarget(cpu: Cpu, selector: number): Descriptor {
  const code = targetDescriptor(cpu, selector);
  const error = selectorError(selector);
  const rpl = rplOf(selector);
  if (!isCode(code) || rpl < cpu.cpl) refuse(vector.GP, error);
  if (isConforming(code) ? dplOf(code) > rpl : dplOf(code) !== rpl) refuse(vector.GP, error);
  if (cpu.longMode && is64BitCode(code) && is32BitCode(code)) refuse(vector.GP, error);
  if (!isPresent(code)) refuse(vector.NP, error);
  return code;
}

/** The outer stack segment of a return, checked; `wide`: the return goes to 64-bit code, which may run with SS null. */
export function returnStack(cpu: Cpu, selector: number, cpl: number, wide: boolean) {
  const error = selectorError(selector);
  if (isNull(selector)) {
    if (!wide || cpl === 3 || rplOf(selector) !== cpl) refuse(vector.GP, 0);
    return { segment: nullSegment(selector, cpl), descriptor: undefined };
  }
  const d = readDescriptor(cpu, selector) ?? refuse(vector.GP, error);
  if (rplOf(selector) !== cpl || !isWritableData(d) || dplOf(d) !== cpl) refuse(vector.GP, error);
  if (!isPresent(d)) refuse(vector.SS, error);
  return { segment: segmentFrom(selector, d), descriptor: d };
}

/** After a return to an outer level: data segments the new level may not use become null, keeping what is hidden. */
export function dropInnerSegments(cpu: Cpu, cpl: number): void {
  for (const segment of [ES, DS, FS, GS]) {
    const access = cpu.access(segment);
    if ((access & accessBits.unusable) !== 0) continue;
    const conforming = (access & 0x1c) === 0x1c;
    if (!conforming && (access & accessBits.dpl) >> 5 < cpl)
      cpu.setSegment(segment, { ...cpu.segment(segment), selector: 0, access: access | accessBits.unusable });
  }
}

/** RET far, releasing `release` bytes of parameters (SDM Vol. 2, RET). */
export function farReturn(cpu: Cpu, decoded: Decoded, release: number): void {
  const bytes = wordBytes(decoded);
  const frame = Frame.current(cpu);
  const offset = frame.pop(bytes);
  const selector = frame.pop(bytes) & 0xffff;
  if (cpu.realAddressing) {
    frame.skip(release);
    loadRealCode(cpu, selector, offset);
    setStackPointer(cpu, cpu.stackBits, frame.pointer);
    return;
  }
  const code = returnTarget(cpu, selector);
  const cpl = rplOf(selector);
  if (cpl > cpu.cpl) {
    returnOuter(cpu, { selector, code, offset, frame, bytes, release });
    return;
  }
  checkTarget(cpu, code, offset);
  frame.skip(release);
  const { stackBits } = cpu;
  loadCode(cpu, selector, code, cpl, offset);
  setStackPointer(cpu, stackBits, frame.pointer);
}

interface FarReturn {
  readonly selector: number;
  readonly code: Descriptor;
  readonly offset: number;
  readonly frame: Frame;
  readonly bytes: number;
  readonly release: number;
}

function returnOuter(cpu: Cpu, { selector, code, offset, frame, bytes, release }: FarReturn): void {
  const cpl = rplOf(selector);
  frame.skip(release);
  const pointer = frame.popExact(bytes);
  const stackSelector = frame.pop(bytes) & 0xffff;
  const wide = runsWide(cpu, code);
  const stack = returnStack(cpu, stackSelector, cpl, wide);
  checkTarget(cpu, code, offset);
  if (stack.descriptor) markAccessed(cpu, stack.descriptor);
  cpu.setSegment(SS, stack.segment);
  loadCode(cpu, selector, code, cpl, offset);
  loadStackPointer(cpu, pointer + BigInt(release));
  dropInnerSegments(cpu, cpl);
}
