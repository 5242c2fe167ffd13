import { flagMask } from "../../isa/flags.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "./cpu.ts";
import { lineBytes } from "./cpuid.ts";
import { generalProtection } from "./fault.ts";
import { layout } from "./layout.ts";
import { segmentOf, signedNumber } from "./state.ts";

const armedWord = layout.monitorArmed >> 2;
const lineWord = layout.monitorLine >> 3;
const sinceWord = layout.monitorSince >> 3;
const copyWord = layout.monitorCopy >> 3;
const words = lineBytes / 8;
const off = 0;
const armed = 1;
const waiting = 2;

const line = (cpu: Cpu): BigUint64Array =>
  new BigUint64Array(cpu.bytes.buffer, cpu.physical.ramBase + cpu.f64[lineWord]!, words);

/**
 * MONITOR: watches the line of memory that holds the address, by remembering what is in it. Memory that is not RAM is not
 * watched, for it is not write-back.
 */
export function monitorLine(cpu: Cpu, decoded: Decoded, address: bigint, hints: number): void {
  if (hints !== 0) generalProtection();
  const offset = cpu.bits === 64 ? signedNumber(address) : Number(address);
  const linear = cpu.linearOf(segmentOf(decoded.segment ?? "ds"), offset, 1, false);
  const physical = cpu.translate(linear, "read");
  cpu.r32[armedWord] = cpu.physical.isRam(physical) ? armed : off;
  if (cpu.r32[armedWord] === off) return;
  cpu.f64[lineWord] = physical - (physical % lineBytes);
  cpu.r64.set(line(cpu), copyWord);
}

export const isMonitorArmed = (cpu: Cpu): boolean => cpu.r32[armedWord] === armed;

/** MWAIT waits in the activity state of HLT. */
const halted = 1;

/**
 * MWAIT: waits as HLT does, until the watched line has changed, an interrupt comes, or time has passed for another reason:
 * the manual lets the wait end at any time. With interrupts disabled, or other processors there whose stores would have to
 * end it, it does not wait at all. Bit 0 of ECX asks to end at masked interrupts, as it does anyway.
 */
export function monitorWait(cpu: Cpu, extensions: number): void {
  if ((extensions & ~1) !== 0) generalProtection();
  const alone = cpu.r32[layout.processors >> 2]! <= 1;
  const waits = alone && isMonitorArmed(cpu) && (cpu.eflags & flagMask("IF")) !== 0 && !hasChanged(cpu);
  cpu.r32[armedWord] = waits ? waiting : off;
  if (!waits) return;
  cpu.f64[sinceWord] = cpu.f64[layout.extraCycles >> 3]!;
  cpu.activity = halted;
  cpu.attention = true;
}

function hasChanged(cpu: Cpu): boolean {
  const now = line(cpu);
  for (let n = 0; n < words; n++) if (now[n] !== cpu.r64[copyWord + n]) return true;
  return false;
}

/** At an instruction boundary: ends a wait whose reason has come. */
export function reviewMonitorWait(cpu: Cpu): void {
  if (cpu.r32[armedWord] !== waiting) return;
  const passed = cpu.f64[layout.extraCycles >> 3] !== cpu.f64[sinceWord];
  if (passed || hasChanged(cpu)) endMonitorWait(cpu);
}

/** Ends a wait, if there is one: what is no activity state of the VMCS does not outlive a VM exit. */
export function endMonitorWait(cpu: Cpu): void {
  if (cpu.r32[armedWord] !== waiting) return;
  cpu.r32[armedWord] = off;
  if (cpu.activity === halted) cpu.activity = 0;
}
