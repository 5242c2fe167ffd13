import { flagMask } from "../../isa/flags.ts";
import { waitForSipi } from "./context.ts";
import type { Boundary, Cpu } from "./cpu.ts";
import { debugCause, instructionBreakpoint } from "./debug-registers.ts";
import { nmiBlocked, shutdown } from "./exceptions.ts";
import { hardwareFault, vector } from "./fault.ts";
import { layout } from "./layout.ts";
import { endMonitorWait, reviewMonitorWait } from "./monitor-wait.ts";
import { virtualInterruptDue } from "./virtual-interrupts.ts";
import { virtualTime } from "./virtual-time.ts";

const IF = flagMask("IF");
const TF = flagMask("TF");
const RF = flagMask("RF");

/** Interruptibility: blocking by STI and by MOV SS, each until one more instruction has executed. */
export const shadow = { sti: 1, movSs: 2 } as const;
const anyShadow = shadow.sti | shadow.movSs;
/** The processor's own marks beside it: RF, a single step, the shadow was there at the boundary before. */
const resumeSeen = 1 << 29;
export const stepArmed = 1 << 30;
const shadowSeen = 1 << 31;

/** The instruction after this boundary has not executed, and will be begun anew: what has been noted there is noted again. */
export function repeatBoundary(cpu: Cpu): void {
  cpu.interruptibility &= ~(stepArmed | shadowSeen | resumeSeen);
  cpu.attention = true;
}

/** Holds interrupts off until the instruction after the next boundary is done. Repeating MOV SS does not prolong it. */
export function castShadow(cpu: Cpu, kind: number): void {
  if ((cpu.interruptibility & kind) === 0) cpu.interruptibility = (cpu.interruptibility & ~shadowSeen) | kind;
  cpu.attention = true;
}

/** STI: interrupts are recognized after the following instruction, if they were off before. */
export function setInterruptFlag(cpu: Cpu): void {
  if ((cpu.eflags & IF) !== 0) return;
  cpu.eflags |= IF;
  castShadow(cpu, shadow.sti);
}

/**
 * What happens between two instructions (SDM Vol. 3, table 6-2): single step, the monitor's windows and injections, external
 * interrupts, waiting. Lowers `attention` where the next boundary has nothing to look at; who changes that raises it again.
 */
export function atBoundary(cpu: Cpu): Boundary {
  if (cpu.activity === shutdown) return "shutdown";
  if (cpu.activity !== 0) reviewMonitorWait(cpu);
  cpu.attention = cpu.activity !== 0 || cpu.breaksOnInstructions;
  // INIT and start-up messages, which do not come this way, are all that it listens to.
  if (cpu.activity === waitForSipi) return "idle";
  const blocked = ageShadow(cpu);
  ageResumeFlag(cpu);
  if (cpu.monitor?.beforeTraps?.()) return "stepped";
  const traps = debugTraps(cpu, blocked);
  if (traps !== 0) return debugException(cpu, traps);
  if (cpu.monitor?.atBoundary()) return "stepped";
  if (takeNmi(cpu, blocked) || takeInterrupt(cpu, blocked)) return "stepped";
  if (cpu.activity !== 0) return "idle";
  if (virtualInterruptDue(cpu)) {
    cpu.deliver(hardwareFault(vector.GP, 0));
    return "stepped";
  }
  const breakpoints = cpu.breaksOnInstructions && !heldByMovSs(cpu, blocked) ? instructionBreakpoint(cpu) : 0;
  return breakpoints !== 0 ? debugException(cpu, breakpoints) : "run";
}

function debugException(cpu: Cpu, causes: number): Boundary {
  cpu.deliver({ ...hardwareFault(vector.DB), debug: causes });
  return "stepped";
}

const heldByMovSs = (cpu: Cpu, blocked: boolean): boolean => blocked && (cpu.interruptibility & shadow.movSs) !== 0;

/** Whether interrupts are held off at this boundary; the shadow ends at the one after. */
function ageShadow(cpu: Cpu): boolean {
  const state = cpu.interruptibility;
  if ((state & anyShadow) === 0) return false;
  if ((state & shadowSeen) !== 0) {
    cpu.interruptibility = state & ~(anyShadow | shadowSeen);
    return false;
  }
  cpu.interruptibility = state | shadowSeen;
  cpu.attention = true;
  return true;
}

/** RF lasts for one instruction, also one that it was set for by IRET. */
function ageResumeFlag(cpu: Cpu): void {
  if ((cpu.eflags & RF) === 0) return;
  if ((cpu.interruptibility & resumeSeen) !== 0) {
    cpu.eflags &= ~RF;
    cpu.interruptibility &= ~resumeSeen;
  } else {
    cpu.interruptibility |= resumeSeen;
    cpu.attention = true;
  }
}

/**
 * What DR6 says of the debug traps that come now, 0 if none: breakpoints that the instruction met, and a trap after each
 * instruction that began with TF set. MOV SS holds them back.
 */
function debugTraps(cpu: Cpu, blocked: boolean): number {
  const pending = layout.pendingDebug >> 2;
  const due = cpu.r32[pending]! | ((cpu.interruptibility & stepArmed) !== 0 ? debugCause.step : 0);
  if (due !== 0 && !heldByMovSs(cpu, blocked)) {
    cpu.interruptibility &= ~stepArmed;
    cpu.r32[pending] = 0;
    return due;
  }
  if ((cpu.eflags & TF) !== 0) cpu.interruptibility |= stepArmed;
  if (due !== 0 || (cpu.eflags & TF) !== 0) cpu.attention = true;
  return 0;
}

/** Mid-way through a repeated instruction RF is set (SDM Vol. 3, 18.3.1.1). */
export function markMidRepeat(cpu: Cpu): void {
  cpu.eflags |= RF;
  cpu.interruptibility &= ~resumeSeen;
  cpu.attention = true;
}

/** NMIs wait while one is handled, and behind MOV SS. */
function takeNmi(cpu: Cpu, blocked: boolean): boolean {
  const pending = layout.pendingNmi >> 2;
  if (cpu.r32[pending] === 0) return false;
  if ((cpu.interruptibility & nmiBlocked) !== 0 && cpu.monitor?.nmiBlocking?.() !== "virtual") return false;
  if (heldByMovSs(cpu, blocked)) {
    cpu.attention = true;
    return false;
  }
  cpu.r32[pending] = 0;
  if (cpu.monitor?.onNmi()) return true;
  cpu.interrupt(vector.NMI);
  return true;
}

function takeInterrupt(cpu: Cpu, blocked: boolean): boolean {
  if (!cpu.bus.interruptPending()) return false;
  if (blocked) {
    cpu.attention = true;
    return false;
  }
  if (cpu.monitor) {
    if (cpu.monitor.onInterrupt()) return true;
    if (cpu.monitor.ownsInterrupts || !cpu.bus.interruptPending()) return false;
  }
  if ((cpu.eflags & IF) === 0) return false;
  cpu.interrupt(cpu.bus.acknowledgeInterrupt());
  return true;
}

/** HLT: waits for an interrupt at the following instruction. */
export function halt(cpu: Cpu): void {
  endMonitorWait(cpu);
  cpu.activity = 1;
  cpu.attention = true;
}

/** Virtual time as the time-stamp counter shows it. */
export function timeStamp(cpu: Cpu): bigint {
  return BigInt.asUintN(64, BigInt(Math.floor(virtualTime(cpu))) + cpu.r64[layout.tscOffset >> 3]!);
}
