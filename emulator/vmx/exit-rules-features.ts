import type { Why } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import { controlRule, isOn } from "./controls.ts";
import { type Decision, manual } from "./exit-decision.ts";
import type { PauseTimes } from "./pause-loop.ts";
import { type FunctionCall, functionFault } from "./vm-functions.ts";
import type { Vmcs } from "./vmcs.ts";

/** PAUSE exiting, or else PAUSE-loop exiting at CPL 0 by the time between executions. */
export function pauseRule(vmcs: Vmcs, { cpl, sinceLast, sinceFirst }: PauseTimes): Decision {
  const why = (sentence: string, rule: string): Why => ({ sentence, rule, source: manual.conditional });
  const loop = controlRule(vmcs, "pauseLoopExiting");
  if (isOn(vmcs, "pauseExiting"))
    return {
      exits: true,
      why: why("PAUSE leaves the guest, which may be spinning on a lock.", controlRule(vmcs, "pauseExiting")),
    };
  if (!isOn(vmcs, "pauseLoopExiting"))
    return { exits: false, why: why("PAUSE runs natively.", `${controlRule(vmcs, "pauseExiting")}; ${loop}`) };
  if (cpl !== 0) return { exits: false, why: why("PAUSE loops are looked for at CPL 0 only.", `${loop}; CPL ${cpl}`) };
  const gap = vmcs.number("pauseLoopGap");
  const window = vmcs.number("pauseLoopWindow");
  if (sinceLast === undefined || sinceFirst === undefined)
    return { exits: false, why: why("It is the first PAUSE since the entry: a loop may begin.", loop) };
  const gapRule = `${sinceLast} cycles since the last PAUSE, PLE_Gap 4020h = ${gap}`;
  if (sinceLast > gap)
    return { exits: false, why: why("The PAUSE before is too long ago: a new loop may begin.", `${loop}; ${gapRule}`) };
  const exits = sinceFirst > window;
  const sentence = exits ? "The guest spins for longer than the VMM lets it." : "The guest does not spin for long yet.";
  const windowRule = `${sinceFirst} since the first of the loop, PLE_Window 4022h = ${window}`;
  return { exits, why: why(sentence, `${loop}; ${gapRule}; ${windowRule}`) };
}

/** VMFUNC: an exit unless the function is enabled and its argument good. */
export function functionRule(vmcs: Vmcs, call: FunctionCall): Decision {
  const fault = functionFault(vmcs.get("vmFunctionControls"), call);
  const sentence = fault
    ? `VMFUNC leaves the guest: ${fault}.`
    : `VMFUNC switches to entry ${call.index} of the EPTP list without the VMM.`;
  const rule = `${controlRule(vmcs, "vmFunctions")}; VM-function controls 2018h = ${hex(vmcs.get("vmFunctionControls"))}`;
  return { exits: fault !== undefined, why: { sentence, rule, source: manual.functions } };
}

/** An accessed or dirty flag of EPT is to be set. */
export const logRule = (vmcs: Vmcs, index: number): Decision => ({
  exits: index > 511,
  why: {
    sentence:
      index > 511
        ? "An accessed or dirty flag of EPT is to be set, and the page-modification log is full."
        : "The page-modification log has room.",
    rule: `${controlRule(vmcs, "pml")}; PML index 0812h = ${index}`,
    source: manual.log,
  },
});
