import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import { controls, inForce } from "./controls.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

const firstWord = layout.pauseFirst >> 3;
const lastWord = layout.pauseLast >> 3;

/** Cycles since earlier executions of PAUSE at CPL 0; undefined where there was none since the entry. */
export interface PauseTimes {
  readonly cpl: number;
  readonly sinceLast: number | undefined;
  /** Since the one that counts as the first of the loop. */
  readonly sinceFirst: number | undefined;
}

export function pauseTimes(cpu: Cpu): PauseTimes {
  const since = (word: number): number | undefined =>
    cpu.f64[word] === 0 ? undefined : virtualTime(cpu) + 1 - cpu.f64[word]!;
  return { cpl: cpu.cpl, sinceLast: since(lastWord), sinceFirst: since(firstWord) };
}

/** VM entry: the next PAUSE is the first of a loop. */
export function forgetPauses({ cpu }: NonRootGuest): void {
  cpu.f64[firstWord] = 0;
  cpu.f64[lastWord] = 0;
}

/** A PAUSE that does not leave the guest is executed (SDM Vol. 3, 26.1.3). */
export function notePause({ cpu, vmcs }: NonRootGuest): void {
  if (cpu.cpl !== 0 || !inForce(vmcs, controls.pauseLoopExiting)) return;
  const { sinceLast } = pauseTimes(cpu);
  if (sinceLast === undefined || sinceLast > vmcs.number("pauseLoopGap")) cpu.f64[firstWord] = virtualTime(cpu) + 1;
  cpu.f64[lastWord] = virtualTime(cpu) + 1;
}
