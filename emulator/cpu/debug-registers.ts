import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "./cpu.ts";
import { hardwareFault, vector } from "./fault.ts";
import { layout } from "./layout.ts";
import { CR4, CS, signedNumber } from "./state.ts";

/** What DR6 says of a debug exception beside B3–B0: access to a debug register, single step, task switch. */
export const debugCause = { access: 1 << 13, step: 1 << 14, task: 1 << 15 } as const;

/** Bits of DR7. */
const generalDetect = 1 << 13;
const localEnables = 0x155;
const enables = 0xff;

const dr6 = (layout.debug >> 2) + 12;
const dr7 = (layout.debug >> 2) + 14;
const RF = flagMask("RF");

type Condition = "execute" | "write" | "port" | "read-write";
const conditions: readonly Condition[] = ["execute", "write", "port", "read-write"];
/** By the LEN field. */
const lengths = [1, 2, 8, 4] as const;

/** What DR0–DR3 and DR7 describe. */
export interface Breakpoint {
  readonly enabled: boolean;
  /** Its bit of DR6. */
  readonly bit: number;
  readonly condition: Condition;
  /** First linear address (signed in IA-32e mode), or first port. */
  readonly first: number;
  readonly last: number;
}

/** DR0–DR3 as DR7 describes them now; none if it enables none (SDM Vol. 3, 18.2.4). I/O breakpoints need CR4.DE. */
export function breakpointsOf(cpu: Cpu): Breakpoint[] {
  const control = cpu.r32[dr7]!;
  if ((control & enables) === 0) return [];
  const found: Breakpoint[] = [];
  for (let n = 0; n < 4; n++) {
    const condition = conditions[(control >> (16 + 4 * n)) & 3]!;
    if (condition === "port" && (cpu.cr4 & CR4.DE) === 0) continue;
    const length = condition === "execute" ? 1 : lengths[(control >> (18 + 4 * n)) & 3]!;
    const address = cpu.r64[(layout.debug >> 3) + n]!;
    const linear = cpu.longMode ? signedNumber(address) : Number(BigInt.asUintN(32, address));
    const first = linear - (((linear % length) + length) % length);
    const enabled = ((control >> (2 * n)) & 3) !== 0;
    found.push({ enabled, bit: 1 << n, condition, first, last: first + length - 1 });
  }
  return found;
}

/** Bits of DR6 for what an access meets: also what is not enabled, if anything is that it meets. */
function met(breakpoints: readonly Breakpoint[], condition: Condition, first: number, bytes: number): number {
  let bits = 0;
  let counts = false;
  for (const { enabled, bit, condition: wanted, first: from, last } of breakpoints) {
    const applies = wanted === condition || (wanted === "read-write" && condition === "write");
    if (!applies || first > last || first + bytes - 1 < from) continue;
    bits |= bit;
    counts ||= enabled;
  }
  return counts ? bits : 0;
}

/** Notes a debug trap, which comes after the instruction. */
export function raiseDebugTrap(cpu: Cpu, bits: number): void {
  if (bits === 0) return;
  cpu.r32[layout.pendingDebug >> 2]! |= bits;
  cpu.attention = true;
}

/** An instruction reads or writes memory while data breakpoints are enabled. */
export function meetData(cpu: Cpu, breakpoints: readonly Breakpoint[], linear: number, bytes: number, write: boolean) {
  raiseDebugTrap(cpu, met(breakpoints, write ? "write" : "read-write", linear, bytes));
}

/** An instruction has read or written a port. */
export function meetPort(cpu: Cpu, port: number, bytes: number): void {
  if (cpu.breakpoints.length > 0) raiseDebugTrap(cpu, met(cpu.breakpoints, "port", port, bytes));
}

/** Bits of DR6 if an instruction breakpoint holds back the instruction at RIP. */
export function instructionBreakpoint(cpu: Cpu): number {
  if ((cpu.eflags & RF) !== 0) return 0;
  const linear = cpu.bases[CS]! + cpu.rip;
  return met(cpu.breakpoints, "execute", cpu.bits === 64 ? linear : linear >>> 0, 1);
}

/** What the delivery of #DB does to DR6 and DR7: what was met, and general detect off (SDM Vol. 3, 18.2.3 and 18.2.4). */
export function enterDebugException(cpu: Cpu, causes: number): void {
  cpu.r32[dr6] = (cpu.r32[dr6]! & ~0xf) | causes;
  cpu.r32[dr7]! &= ~generalDetect;
}

/** A task switch turns off the breakpoints that are local to a task, and LE. */
export function dropLocalBreakpoints(cpu: Cpu): void {
  if ((cpu.r32[dr7]! & localEnables) === 0) return;
  cpu.r32[dr7]! &= ~localEnables;
  cpu.refreshBreakpoints();
}

/** DR4 and DR5 are DR6 and DR7, or do not exist with CR4.DE. */
export const debugRegisterExists = (cpu: Cpu, number: number): boolean =>
  number <= 7 && ((number !== 4 && number !== 5) || (cpu.cr4 & CR4.DE) === 0);

function real(cpu: Cpu, number: number): number {
  if (!debugRegisterExists(cpu, number)) throw hardwareFault(vector.UD);
  return number === 4 || number === 5 ? number + 2 : number;
}

/** DR7.GD: any MOV of a debug register is a debug exception, with DR6.BD. */
function checkGeneralDetect(cpu: Cpu): void {
  if ((cpu.r32[dr7]! & generalDetect) === 0) return;
  throw { ...hardwareFault(vector.DB), debug: debugCause.access };
}

/** Whether MOV of a debug register (with a value: to it) raises no exception. */
export const acceptsDebug = (cpu: Cpu, number: number, value?: bigint): boolean =>
  debugRegisterExists(cpu, number) &&
  (cpu.r32[dr7]! & generalDetect) === 0 &&
  (value === undefined || (number & 7) < 4 || value >> 32n === 0n);

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

/** Writes DR0–DR3, DR6 or DR7. */
export function setDebugRegister(cpu: Cpu, at: number, value: bigint): void {
  if (at >= 6 && value >> 32n !== 0n) throw hardwareFault(vector.GP, 0);
  cpu.r64[(layout.debug >> 3) + at] = fixed(at, value);
  cpu.refreshBreakpoints();
}

/** With the bits that always read as 0 or 1. */
function fixed(number: number, value: bigint): bigint {
  if (number === 6) return (value & 0xe00fn) | 0xffff_0ff0n;
  if (number === 7) return (value & 0xffff_23ffn) | 0x400n;
  return value;
}

/** DR6 and DR7 after a reset. */
export const debugAfterReset = { dr6: 0xffff_0ff0n, dr7: 0x400n } as const;
