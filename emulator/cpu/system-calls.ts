import { flagMask } from "../../isa/flags.ts";
import type { Decoded } from "../../isa/operands.ts";
import { type VmxCall, vmxCalls } from "../../isa/system.ts";
import { depositBits, extractBits } from "./bit-scattering.ts";
import type { Cpu, SystemTable } from "./cpu.ts";
import { answerCpuid, lineBytes } from "./cpuid.ts";
import { readDebug, writeDebug } from "./debug-registers.ts";
import { farCall, farJump, farReturn } from "./far-transfer.ts";
import { fastEnter, fastExit, swapGs, systemCall, systemReturn } from "./fast-system-calls.ts";
import { refuse, vector } from "./fault.ts";
import { flagsImage, popFlagsMask, setStatusFlag } from "./flags.ts";
import { executeVector } from "./fpu/vector.ts";
import { executeX87 } from "./fpu/x87.ts";
import { enter, leave, popAll, pushAll } from "./frame-instructions.ts";
import { interruptReturn } from "./interrupt-return.ts";
import { castShadow, halt, setInterruptFlag, shadow, timeStamp } from "./interrupts.ts";
import { layout } from "./layout.ts";
import { clearTaskSwitched, loadMachineStatus, writeCr0, writeCr3, writeCr4 } from "./modes.ts";
import type { Fault } from "./monitor.ts";
import { monitorLine, monitorWait } from "./monitor-wait.ts";
import { readMsr, writeMsr } from "./msr.ts";
import { portIn, portOut } from "./ports.ts";
import { invalidateProcessContext } from "./process-contexts.ts";
import { randomNumber } from "./random-numbers.ts";
import { accessRights, loadLdt, loadSegmentRegister, loadTask, segmentLimit, verify } from "./segmentation.ts";
import { Frame, setStackPointer } from "./stack.ts";
import { CR4, CS, ES, LDTR, SS, segmentOf, signedNumber, TR, unsigned64 } from "./state.ts";
import {
  acceptedFlags,
  checkVirtual8086,
  clearVirtualFlag,
  extended,
  hasVirtualFlag,
  redirectInterrupt,
  setVirtualFlag,
  shownFlags,
} from "./virtual-interrupts.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;

/** A software interrupt is delivered by the instruction itself, which thereby retires, unless its gate faults. */
function softwareEvent(cpu: Cpu, decoded: Decoded, number: number, source: Fault["source"]): void {
  const event: Fault = { kind: "fault", vector: number, errorCode: undefined, source, length: decoded.length };
  if (!cpu.deliver(event)) cpu.f64[layout.unretired >> 3]! += 1;
}

function moveToSegment(cpu: Cpu, segment: number, selector: number): void {
  if (segment === CS || segment > 5) refuse(vector.UD);
  loadSegmentRegister(cpu, segment, selector);
  if (segment === SS) castShadow(cpu, shadow.movSs);
}

function popSegment(cpu: Cpu, decoded: Decoded, segment: number): void {
  const { stackBits } = cpu;
  const frame = Frame.current(cpu);
  // Only the selector's two bytes are read; the stack pointer moves by the operand size.
  const selector = frame.pop(2);
  frame.skip(decoded.operandSize / 8 - 2);
  moveToSegment(cpu, segment, selector);
  setStackPointer(cpu, stackBits, frame.pointer);
}

function softwareInterrupt(cpu: Cpu, decoded: Decoded, number: number): void {
  if (cpu.virtual8086) {
    if (redirectInterrupt(cpu, number)) return;
    if (cpu.iopl < 3) refuse(vector.GP, 0);
  }
  softwareEvent(cpu, decoded, number, "software");
}

/** What PUSHF pushes. */
function pushedFlags(cpu: Cpu, { operandSize }: Decoded): bigint {
  checkVirtual8086(cpu, operandSize);
  const image = flagsImage(cpu) & ~(flagMask("RF") | flagMask("VM"));
  return BigInt(extended(cpu) ? shownFlags(image) : image);
}

function popFlags(cpu: Cpu, { operandSize }: Decoded, image: bigint): void {
  checkVirtual8086(cpu, operandSize);
  const mask = popFlagsMask(cpu, operandSize === 8 ? 16 : operandSize);
  const popped = Number(image & 0xffff_ffffn) & ~flagMask("RF");
  cpu.flags = extended(cpu) ? acceptedFlags(cpu.flags, popped, mask) : (cpu.flags & ~mask) | (popped & mask);
}

function setAlignmentCheck(cpu: Cpu, value: boolean): void {
  cpu.eflags = value ? cpu.eflags | flagMask("AC") : cpu.eflags & ~flagMask("AC");
  cpu.refreshAfterPrivilege();
}

const controlOffsets = new Map([
  [0, layout.cr0],
  [2, layout.cr2],
  [3, layout.cr3],
  [4, layout.cr4],
  [8, layout.cr8],
]);

/** MOV from a control register; CR0 and CR4 as the monitor shows them. */
function readControl(cpu: Cpu, number: number): bigint {
  const virtual = number === 8 ? cpu.monitor?.taskPriority?.() : undefined;
  if (virtual !== undefined) return BigInt(virtual);
  const offset = controlOffsets.get(number) ?? refuse(vector.UD);
  const value = cpu.r64[offset >> 3]!;
  return cpu.monitor && (number === 0 || number === 4) ? cpu.monitor.readControl(number, value) : value;
}

function writeControl(cpu: Cpu, number: number, value: bigint): void {
  const write = controlWriters.get(number) ?? refuse(vector.UD);
  write(cpu, value);
}

const controlWriters = new Map<number, (cpu: Cpu, value: bigint) => void>([
  [0, writeCr0],
  [2, writePageFaultAddress],
  [3, writeCr3],
  [4, writeCr4],
  [8, setTaskPriority],
]);

function writePageFaultAddress(cpu: Cpu, value: bigint): void {
  cpu.r64[layout.cr2 >> 3] = value;
}

/** CR8: bits 7:4 of the local APIC's task priority. */
export function setTaskPriority(cpu: Cpu, value: bigint): void {
  if (value > 15n) refuse(vector.GP, 0);
  if (cpu.monitor?.setTaskPriority?.(Number(value))) return;
  cpu.r64[layout.cr8 >> 3] = value;
  cpu.bus.setTaskPriority?.(Number(value));
}

function loadTable(cpu: Cpu, base: bigint, load: (base: number) => void): void {
  const address = signedNumber(base);
  if (cpu.bits === 64 && !cpu.isCanonical(address)) refuse(vector.GP, 0);
  load(address);
}

/** Linear address of a memory operand, from its effective address. */
function operandLinear(cpu: Cpu, decoded: Decoded, address: bigint): { segment: number; offset: number } {
  const operand = decoded.operands.find((o) => o.kind === "memory");
  const segment = segmentOf(operand?.segment ?? "ds");
  return { segment, offset: cpu.bits === 64 ? signedNumber(address) : Number(address) };
}

function invalidatePage(cpu: Cpu, decoded: Decoded, address: bigint): void {
  const { segment, offset } = operandLinear(cpu, decoded, address);
  const linear = cpu.bases[segment]! + offset;
  if (cpu.bits !== 64) cpu.invalidatePage(cpu.wrap(linear));
  else if (cpu.isCanonical(linear)) cpu.invalidatePage(linear);
}

/** RDFSBASE and its kin (SDM Vol. 2): only in 64-bit code, if CR4.FSGSBASE is set. */
function checkSegmentBases(cpu: Cpu): void {
  if ((cpu.cr4 & CR4.FSGSBASE) === 0) refuse(vector.UD);
}

function writeSegmentBase(cpu: Cpu, segment: number, base: bigint): void {
  checkSegmentBases(cpu);
  const address = signedNumber(base);
  if (!cpu.isCanonical(address)) refuse(vector.GP, 0);
  cpu.setSegment(segment, { ...cpu.segment(segment), base: address });
}

/** MOVDIR64B: all is read before anything is written, and both checked before that. */
function moveLine(cpu: Cpu, decoded: Decoded, destination: bigint, source: bigint): void {
  const { segment, offset } = operandLinear(cpu, decoded, source);
  const to = cpu.bits === 64 ? signedNumber(destination) : Number(destination);
  const parts = Array.from({ length: lineBytes / 8 }, (_, n) => 8 * n);
  if (((cpu.bases[ES]! + to) & (lineBytes - 1)) !== 0) refuse(vector.GP, 0);
  const values = parts.map((part) => cpu.load64(segment, offset + part));
  for (const part of parts) cpu.prepareStore(ES, to + part, 8);
  for (const [n, value] of values.entries()) cpu.store64(ES, to + parts[n]!, value);
}

function cpuid(cpu: Cpu): void {
  answerCpuid(cpu, cpu.u32[RAX * 2]!, cpu.u32[RCX * 2]!, cpu.bits === 64);
}

/** LAR and LSL: the result and ZF. */
function lookedUp(cpu: Cpu, found: number | undefined): number {
  setStatusFlag(cpu, "ZF", found !== undefined);
  return (found ?? 0) >>> 0;
}

/** DIV and IDIV of 128 by 64 bits. */
function divide128(cpu: Cpu, divisor: bigint, bits: (width: number, value: bigint) => bigint): void {
  if (divisor === 0n) refuse(vector.DE);
  const dividend = bits(128, (cpu.r64[RDX]! << 64n) | cpu.r64[RAX]!);
  const by = bits(64, divisor);
  const quotient = dividend / by;
  if (bits(64, quotient) !== quotient) refuse(vector.DE);
  cpu.r64[RAX] = BigInt.asUintN(64, quotient);
  cpu.r64[RDX] = BigInt.asUintN(64, dividend % by);
}

function compareExchange16Bytes(cpu: Cpu, decoded: Decoded, address: bigint): void {
  const { segment, offset } = operandLinear(cpu, decoded, address);
  if (((cpu.bases[segment]! + offset) & 15) !== 0) refuse(vector.GP, 0);
  cpu.prepareStore(segment, offset, 8);
  cpu.prepareStore(segment, offset + 8, 8);
  const low = cpu.load64(segment, offset);
  const high = cpu.load64(segment, offset + 8);
  const equal = low === cpu.r64[RAX] && high === cpu.r64[RDX];
  cpu.store64(segment, offset, equal ? cpu.r64[RBX]! : low);
  cpu.store64(segment, offset + 8, equal ? cpu.r64[RCX]! : high);
  if (!equal) {
    cpu.r64[RAX] = low;
    cpu.r64[RDX] = high;
  }
  setStatusFlag(cpu, "ZF", equal);
}

/** VMX instructions that no monitor has taken. */
const vmxTable = Object.fromEntries(
  (Object.keys(vmxCalls) as VmxCall[]).map((call) => [
    call,
    (cpu: Cpu, decoded: Decoded): void => (cpu.vmx ? cpu.vmx.execute(call, decoded) : refuse(vector.UD)),
  ]),
) as Pick<SystemTable, VmxCall>;

/** Every procedure of `isa/system.ts`. */
export const systemTable: SystemTable = {
  loadSegment: (cpu, _, segment, selector) => loadSegmentRegister(cpu, segment, selector),
  moveToSegment: (cpu, _, segment, selector) => moveToSegment(cpu, segment, selector),
  popSegment,
  farJump,
  farCall,
  farReturn,
  softwareInterrupt,
  breakpoint: (cpu, decoded) => softwareEvent(cpu, decoded, vector.BP, "software-exception"),
  overflowTrap: (cpu, decoded) => softwareEvent(cpu, decoded, vector.OF, "software-exception"),
  debugTrap: (cpu, decoded) => softwareEvent(cpu, decoded, vector.DB, "software-exception"),
  interruptReturn,
  pushAll,
  popAll,
  enter,
  leave,
  flagsImage: pushedFlags,
  popFlags,
  setInterruptFlag: (cpu) => (hasVirtualFlag(cpu) ? setVirtualFlag(cpu) : setInterruptFlag(cpu)),
  clearInterruptFlag: (cpu) => {
    if (hasVirtualFlag(cpu)) clearVirtualFlag(cpu);
    else cpu.eflags &= ~flagMask("IF");
  },
  setDirectionFlag: (cpu) => {
    cpu.eflags |= flagMask("DF");
  },
  clearDirectionFlag: (cpu) => {
    cpu.eflags &= ~flagMask("DF");
  },
  setAlignmentCheck: (cpu) => setAlignmentCheck(cpu, true),
  clearAlignmentCheck: (cpu) => setAlignmentCheck(cpu, false),
  gdtBase: (cpu) => unsigned64(cpu.gdtr.base),
  gdtLimit: (cpu) => cpu.gdtr.limit,
  idtBase: (cpu) => unsigned64(cpu.idtr.base),
  idtLimit: (cpu) => cpu.idtr.limit,
  loadGdt: (cpu, _, limit, base) => loadTable(cpu, base, (address) => cpu.setGdtr(address, limit)),
  loadIdt: (cpu, _, limit, base) => loadTable(cpu, base, (address) => cpu.setIdtr(address, limit)),
  ldtSelector: (cpu) => cpu.selector(LDTR),
  loadLdt: (cpu, _, selector) => loadLdt(cpu, selector),
  taskSelector: (cpu) => cpu.selector(TR),
  loadTask: (cpu, _, selector) => loadTask(cpu, selector),
  accessRights: (cpu, _, selector) => lookedUp(cpu, accessRights(cpu, selector)),
  segmentLimit: (cpu, _, selector) => lookedUp(cpu, segmentLimit(cpu, selector)),
  verifyRead: (cpu, _, selector) => setStatusFlag(cpu, "ZF", verify(cpu, selector, false)),
  verifyWrite: (cpu, _, selector) => setStatusFlag(cpu, "ZF", verify(cpu, selector, true)),
  readControl: (cpu, _, number) => readControl(cpu, number),
  writeControl: (cpu, _, number, value) => writeControl(cpu, number, value),
  readDebug: (cpu, _, number) => readDebug(cpu, number),
  writeDebug: (cpu, _, number, value) => writeDebug(cpu, number, value),
  loadMachineStatus: (cpu, _, value) => loadMachineStatus(cpu, value),
  machineStatus: (cpu) => readControl(cpu, 0),
  clearTaskSwitched,
  readMsr: (cpu, _, number) => readMsr(cpu, number),
  writeMsr: (cpu, _, number, value) => writeMsr(cpu, number, value),
  cpuid,
  timeStamp,
  processorId: (cpu) => Number(cpu.r64[layout.tscAux >> 3]! & 0xffff_ffffn),
  // There are no performance counters (CPUID leaf 0Ah) and no extended state (CPUID.1:ECX.XSAVE), hence no CR4.OSXSAVE.
  readCounter: () => refuse(vector.GP, 0),
  readExtendedControl: () => refuse(vector.UD),
  writeExtendedControl: () => refuse(vector.UD),
  portIn: (cpu, _, port, bytes) => portIn(cpu, port, bytes),
  portOut: (cpu, _, port, bytes, value) => portOut(cpu, port, bytes, value),
  halt,
  invalidatePage,
  invalidateContext: (cpu, _, kind, low, address) => invalidateProcessContext(cpu, kind, low, address),
  invalidateCaches: () => {},
  writeBackCaches: () => {},
  pause: () => {},
  ...vmxTable,
  // AMD's.
  vmmcall: () => refuse(vector.UD),
  vmFunction: (cpu) => (cpu.monitor?.vmFunction ? cpu.monitor.vmFunction() : refuse(vector.UD)),
  x87: executeX87,
  vector: executeVector,
  mmx: executeVector,
  systemCall,
  systemReturn,
  fastEnter,
  fastExit,
  swapGs,
  divideUnsigned128: (cpu, _, divisor) => divide128(cpu, divisor, BigInt.asUintN),
  divideSigned128: (cpu, _, divisor) => divide128(cpu, divisor, BigInt.asIntN),
  monitorLine,
  monitorWait: (cpu, _, extensions) => monitorWait(cpu, extensions),
  randomNumber,
  moveLine,
  readSegmentBase: (cpu, _, segment) => {
    checkSegmentBases(cpu);
    return unsigned64(cpu.segment(segment).base);
  },
  writeSegmentBase: (cpu, _, segment, base) => writeSegmentBase(cpu, segment, base),
  depositBits: (_cpu, _decoded, value, mask) => depositBits(value, mask),
  extractBits: (_cpu, _decoded, value, mask) => extractBits(value, mask),
  compareExchange16Bytes,
};
