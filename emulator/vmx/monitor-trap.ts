import { layout } from "../cpu/layout.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { eventType } from "./qualification.ts";

const word = layout.monitorTrap >> 2;

/** What the next boundary does. */
const state = {
  /** It is one after an instruction or a delivery: the guest leaves if the control is 1. */
  due: 0,
  /** It is the one of the entry itself, with nothing done yet. */
  entered: 1,
  /** The guest entered halted: there is nothing before it is woken. */
  asleep: 2,
  /** The VMM has injected the exit itself. */
  injected: 3,
} as const;

/** VM entry: an event that is injected is what the exit comes after, and else an instruction (SDM Vol. 3, 26.5.2). */
export function armMonitorTrap({ cpu, vmcs }: NonRootGuest): void {
  const info = vmcs.number("entryInterruptionInfo");
  const injects = info >>> 31 === 1;
  const exit = injects && ((info >> 8) & 7) === eventType.other;
  const on = inForce(vmcs, controls.monitorTrapFlag);
  cpu.r32[word] = exit ? state.injected : on && !injects ? state.entered : state.due;
  if (on || exit) cpu.attention = true;
}

/** Ahead of the debug traps of a boundary: true if the guest left. */
export function leaveByMonitorTrap(guest: NonRootGuest): boolean {
  const { cpu, vmcs } = guest;
  const now = cpu.r32[word];
  if (now !== state.injected) {
    if (!inForce(vmcs, controls.monitorTrapFlag)) return false;
    cpu.attention = true;
    const sleeps = cpu.activity !== 0 && now !== state.due;
    cpu.r32[word] = sleeps ? state.asleep : state.due;
    if (sleeps || now === state.entered) return false;
  }
  cpu.r32[word] = state.due;
  const { why } = now === state.injected ? injectedExit : guest.decide({ reason: "MONITOR_TRAP_FLAG" });
  guest.leave({ reason: "MONITOR_TRAP_FLAG", what: "after one instruction of the guest", why, beforeTraps: true });
  return true;
}

const injectedExit = {
  why: {
    sentence: "The VMM injected a pending MTF VM exit, which comes before the guest's first instruction.",
    rule: "VM-entry interruption information 4016h: type 7 (other event), vector 0",
    source: "SDM Vol. 3, 27.6.2: Injection of Pending MTF VM Exits",
  },
} as const;
