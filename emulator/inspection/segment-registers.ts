import type { Cpu } from "../cpu/cpu.ts";
import {
  type Descriptor,
  dplOf,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  nullSegment,
  realSegment,
  rplOf,
  segmentFrom,
  virtual8086Segment,
} from "../cpu/descriptor.ts";
import { CS, LDTR, SS } from "../cpu/state.ts";

/** Reads bytes at linear addresses without changing anything; undefined where nothing is mapped. */
export type Peek = (linear: bigint, length: number) => (number | undefined)[];

/** Gives a segment register a selector from outside, under the rules of a load at the present privilege: true, or why not. */
export function setSegmentSelector(cpu: Cpu, segment: number, selector: number, peek: Peek): true | string {
  if (cpu.virtual8086) cpu.setSegment(segment, virtual8086Segment(selector));
  else if (!cpu.protectedMode) cpu.setSegment(segment, realSegment(selector, cpu.segment(segment)));
  else return setProtected(cpu, segment, selector, peek);
  return true;
}

function setProtected(cpu: Cpu, segment: number, selector: number, peek: Peek): true | string {
  const mayBeNull = segment !== CS && (segment !== SS || (cpu.bits === 64 && cpu.cpl < 3));
  if (isNull(selector) && mayBeNull) {
    cpu.setSegment(segment, nullSegment(selector, cpu.cpl));
    return true;
  }
  const descriptor = isNull(selector) ? undefined : readDescriptor(cpu, selector, peek);
  if (!descriptor) return `Selector ${hex(selector)} is not in the descriptor table.`;
  const problem = problemOf(cpu, segment, selector, descriptor);
  if (problem) return `Descriptor ${hex(selector)} ${problem}.`;
  cpu.setSegment(segment, segmentFrom(selector, descriptor));
  return true;
}

const hex = (selector: number): string => `${selector.toString(16).toUpperCase()}h`;

/** What keeps a descriptor from being loaded (SDM Vol. 2, MOV and JMP), completing "The descriptor …". */
function problemOf(cpu: Cpu, segment: number, selector: number, d: Descriptor): string | undefined {
  const { cpl } = cpu;
  if (!isPresent(d)) return "is not present";
  if (isSystem(d)) return "is a system descriptor";
  if (segment === CS) {
    if (!isCode(d)) return "is not a code segment";
    if (isConforming(d) ? dplOf(d) > cpl : dplOf(d) !== cpl || rplOf(selector) > cpl)
      return `is not one of privilege level ${cpl}`;
    return undefined;
  }
  if (segment === SS) {
    if (!isWritableData(d)) return "is not a writable data segment";
    return dplOf(d) !== cpl || rplOf(selector) !== cpl ? `is not one of privilege level ${cpl}` : undefined;
  }
  if (!isReadable(d)) return "cannot be read";
  const guarded = !isConforming(d) && dplOf(d) < Math.max(cpl, rplOf(selector));
  return guarded ? `needs privilege level ${dplOf(d)}` : undefined;
}

function readDescriptor(cpu: Cpu, selector: number, peek: Peek): Descriptor | undefined {
  const local = (selector & 4) !== 0;
  const table = local ? cpu.segment(LDTR) : cpu.gdtr;
  const offset = selector & 0xfff8;
  if (offset + 7 > table.limit) return undefined;
  const bytes = peek(BigInt(table.base + offset), 8);
  if (bytes.includes(undefined)) return undefined;
  const view = new DataView(Uint8Array.from(bytes as number[]).buffer);
  return { address: table.base + offset, low: view.getInt32(0, true), high: view.getInt32(4, true) };
}
