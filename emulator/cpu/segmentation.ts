import type { Cpu } from "./cpu.ts";
import {
  accessOf,
  baseOf,
  type Descriptor,
  dplOf,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  limitOf,
  nullSegment,
  realSegment,
  rplOf,
  segmentFrom,
  segmentType,
  selectorError,
  systemType,
  typeOf,
  virtual8086Segment,
} from "./descriptor.ts";
import { refuse, vector } from "./fault.ts";
import { accessBits } from "./layout.ts";
import { LDTR, type Segment, SS, TR } from "./state.ts";

/** Reads the descriptor a selector names; undefined if it lies beyond its table's limit. May #PF. */
export function readDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  const inLdt = (selector & 4) !== 0;
  if (inLdt && (cpu.access(LDTR) & accessBits.unusable) !== 0) return undefined;
  const table = inLdt ? cpu.segment(LDTR) : cpu.gdtr;
  if ((selector | 7) > table.limit) return undefined;
  return descriptorAt(cpu, table.base + (selector & 0xfff8));
}

export function descriptorAt(cpu: Cpu, linear: number): Descriptor {
  const address = cpu.wrap(linear);
  const low = cpu.readSystem(address, 4) | 0;
  return { address, low, high: cpu.readSystem(address + 4, 4) | 0 };
}

/** The descriptor of a selector, or an exception naming the selector if it lies beyond the table. */
export function requireDescriptor(cpu: Cpu, selector: number, number: number = vector.GP, ext = 0): Descriptor {
  return readDescriptor(cpu, selector) ?? refuse(number, selectorError(selector) | ext);
}

/** Sets the accessed bit in the table, as loading a segment register does. */
export function markAccessed(cpu: Cpu, d: Descriptor): void {
  if ((typeOf(d) & segmentType.accessed) === 0)
    cpu.writeSystem(d.address + 5, 1, ((d.high >>> 8) & 0xff) | segmentType.accessed);
}

/** Loads ES, SS, DS, FS or GS with a selector by the rules of the mode (SDM Vol. 2, MOV to a segment register). */
export function loadSegmentRegister(cpu: Cpu, segment: number, selector: number): void {
  if (!cpu.protectedMode) cpu.setSegment(segment, realSegment(selector, cpu.segment(segment)));
  else if (cpu.virtual8086) cpu.setSegment(segment, virtual8086Segment(selector));
  else if (segment === SS) cpu.setSegment(SS, checkedStackSegment(cpu, selector));
  else cpu.setSegment(segment, checkedDataSegment(cpu, selector));
}

function checkedStackSegment(cpu: Cpu, selector: number): Segment {
  const { cpl } = cpu;
  if (isNull(selector)) {
    if (cpu.bits !== 64 || cpl === 3 || rplOf(selector) !== cpl) refuse(vector.GP, 0);
    return nullSegment(selector, cpl);
  }
  const d = requireDescriptor(cpu, selector);
  const code = selectorError(selector);
  if (rplOf(selector) !== cpl || !isWritableData(d) || dplOf(d) !== cpl) refuse(vector.GP, code);
  if (!isPresent(d)) refuse(vector.SS, code);
  markAccessed(cpu, d);
  return segmentFrom(selector, d);
}

function checkedDataSegment(cpu: Cpu, selector: number): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const d = requireDescriptor(cpu, selector);
  const code = selectorError(selector);
  if (!isReadable(d)) refuse(vector.GP, code);
  if (!isConforming(d) && (rplOf(selector) > dplOf(d) || cpu.cpl > dplOf(d))) refuse(vector.GP, code);
  if (!isPresent(d)) refuse(vector.NP, code);
  markAccessed(cpu, d);
  return segmentFrom(selector, d);
}

/** High half of the base of a 16-byte system descriptor; #GP(selector) if the type field there is not 0. */
function upperBase(cpu: Cpu, d: Descriptor, selector: number): number {
  const upper = descriptorAt(cpu, d.address + 8);
  if ((upper.high & 0x1f00) !== 0) refuse(vector.GP, selectorError(selector));
  return upper.low;
}

/** Base of an LDT or TSS descriptor: 64 bits in 64-bit mode, where it takes two slots of the GDT. */
function systemBase(cpu: Cpu, d: Descriptor, selector: number): number {
  if (cpu.bits !== 64) return baseOf(d);
  const base = upperBase(cpu, d, selector) * 2 ** 32 + baseOf(d);
  if (!cpu.isCanonical(base)) refuse(vector.GP, selectorError(selector));
  return base;
}

/** The checks LLDT and LTR share: a descriptor in the GDT, wholly within its limit. */
function gdtDescriptor(cpu: Cpu, selector: number): Descriptor {
  const last = cpu.bits === 64 ? 15 : 7;
  if ((selector & 4) !== 0 || (selector & 0xfff8) + last > cpu.gdtr.limit) refuse(vector.GP, selectorError(selector));
  return descriptorAt(cpu, cpu.gdtr.base + (selector & 0xfff8));
}

/** LLDT. The row has checked the mode and CPL. */
export function loadLdt(cpu: Cpu, selector: number): void {
  if (isNull(selector)) {
    cpu.setSegment(LDTR, nullSegment(selector));
    return;
  }
  const d = gdtDescriptor(cpu, selector);
  const code = selectorError(selector);
  if (!isSystem(d) || typeOf(d) !== systemType.ldt) refuse(vector.GP, code);
  if (!isPresent(d)) refuse(vector.NP, code);
  const base = systemBase(cpu, d, selector);
  cpu.setSegment(LDTR, { selector, access: accessOf(d), limit: limitOf(d), base });
}

/** LTR. Marks the TSS busy. */
export function loadTask(cpu: Cpu, selector: number): void {
  const code = selectorError(selector);
  if (isNull(selector)) refuse(vector.GP, 0);
  const d = gdtDescriptor(cpu, selector);
  const type = typeOf(d);
  const available = type === systemType.tss32 || (type === systemType.tss16 && !cpu.longMode);
  if (!isSystem(d) || !available) refuse(vector.GP, code);
  if (!isPresent(d)) refuse(vector.NP, code);
  const base = systemBase(cpu, d, selector);
  const access = accessOf(d) | 2;
  cpu.writeSystem(d.address + 5, 1, access & 0xff);
  cpu.setSegment(TR, { selector, access, limit: limitOf(d), base });
}

/** The descriptor LAR, LSL, VERR and VERW look at, if the current privilege may see it; undefined otherwise. */
function visibleDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  if (isNull(selector)) return undefined;
  const d = readDescriptor(cpu, selector);
  if (!d) return undefined;
  if (isConforming(d)) return d;
  return Math.max(cpu.cpl, rplOf(selector)) <= dplOf(d) ? d : undefined;
}

const { tss16, ldt, busyTss16, callGate16, taskGate, tss32, busyTss32, callGate32 } = systemType;
const typesOfLar = new Set<number>([tss16, ldt, busyTss16, callGate16, taskGate, tss32, busyTss32, callGate32]);
const typesOfLarLong = new Set<number>([ldt, tss32, busyTss32, callGate32]);
const typesOfLsl = new Set<number>([tss16, ldt, busyTss16, tss32, busyTss32]);
const typesOfLslLong = new Set<number>([ldt, tss32, busyTss32]);

/** Whether a system descriptor is of such a type and, where it has 16 bytes, whole and well-formed. */
function isVisibleSystem(cpu: Cpu, d: Descriptor, selector: number, types: ReadonlySet<number>): boolean {
  const type = typeOf(d);
  if (!types.has(type)) return false;
  if (cpu.bits !== 64 && !(cpu.longMode && type === callGate32)) return true;
  const table = (selector & 4) !== 0 ? cpu.limit(LDTR) : cpu.gdtr.limit;
  return (selector & 0xfff8) + 15 <= table && (descriptorAt(cpu, d.address + 8).high & 0x1f00) === 0;
}

/** LAR: second doubleword of the descriptor, masked with 00FxFF00h; undefined where LAR clears ZF. */
export function accessRights(cpu: Cpu, selector: number): number | undefined {
  const d = visibleDescriptor(cpu, selector);
  if (!d) return undefined;
  if (isSystem(d) && !isVisibleSystem(cpu, d, selector, cpu.longMode ? typesOfLarLong : typesOfLar)) return undefined;
  return d.high & 0x00ff_ff00;
}

/** LSL: limit in bytes; undefined where LSL clears ZF. */
export function segmentLimit(cpu: Cpu, selector: number): number | undefined {
  const d = visibleDescriptor(cpu, selector);
  if (!d) return undefined;
  if (isSystem(d) && !isVisibleSystem(cpu, d, selector, cpu.longMode ? typesOfLslLong : typesOfLsl)) return undefined;
  return limitOf(d);
}

/** VERR and VERW: whether the segment can be read or written at the current privilege. */
export function verify(cpu: Cpu, selector: number, write: boolean): boolean {
  const d = visibleDescriptor(cpu, selector);
  if (!d || isSystem(d)) return false;
  return write ? isWritableData(d) : isReadable(d);
}
