import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import type { Why } from "../trace/event.ts";
import type { Vmcb } from "./vmcb.ts";
import { placeText } from "./vmcb-fields.ts";

/** The filter's counter, and the cycle of the last PAUSE plus 1 (0: none since VMRUN): VT-x has its own use for these words. */
const counterWord = layout.pauseFirst >> 3;
const lastWord = layout.pauseLast >> 3;

const source = "APM Vol. 2, 15.14.4: Pause Intercept Filtering";

/** VMRUN: the counter begins anew. */
export function loadPauseFilter(cpu: Cpu, vmcb: Vmcb): void {
  cpu.f64[counterWord] = vmcb.number("pauseFilterCount");
  cpu.f64[lastWord] = 0;
}

/**
 * What the filter says to a PAUSE that is intercepted: undefined if it lets it leave the guest, else the counter from now on. A count
 * of 0 filters nothing; with a threshold, only those count that follow another one within so many cycles.
 */
function counterAfter(cpu: Cpu, vmcb: Vmcb): number | undefined {
  const count = vmcb.number("pauseFilterCount");
  if (count === 0) return undefined;
  const threshold = vmcb.number("pauseFilterThreshold");
  const last = cpu.f64[lastWord]!;
  if (threshold !== 0 && (last === 0 || virtualTime(cpu) + 1 - last > threshold)) return count;
  const left = cpu.f64[counterWord]!;
  return left === 0 ? undefined : left - 1;
}

/** Why an intercepted PAUSE stays in the guest; undefined if it does not. Changes nothing. */
export function filtered(cpu: Cpu, vmcb: Vmcb): Why | undefined {
  const counter = counterAfter(cpu, vmcb);
  if (counter === undefined) return undefined;
  return {
    sentence: "The PAUSE filter lets PAUSE execute: the guest does not spin for long yet.",
    rule: `${placeText("pauseFilterCount")} = ${vmcb.number("pauseFilterCount")}, of which ${counter} are left; ${placeText("pauseFilterThreshold")} = ${vmcb.number("pauseFilterThreshold")} cycles`,
    source,
  };
}

/** A PAUSE that the filter keeps in the guest is executed. */
export function notePause(cpu: Cpu, vmcb: Vmcb): void {
  cpu.f64[counterWord] = counterAfter(cpu, vmcb) ?? 0;
  cpu.f64[lastWord] = virtualTime(cpu) + 1;
}
