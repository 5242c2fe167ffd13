import { init, startUp } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import type { Processor } from "./processor.ts";

/** What has come for a processor that takes effect when it is in the core. */
export interface Signals {
  nmi: boolean;
  init: boolean;
  startUp: number | null;
}

export const noSignals = (): Signals => ({ nmi: false, init: false, startUp: null });

/** What has come for the processor in the core takes effect, between two instructions. */
export function settleSignals(cpu: Cpu, processor: Processor): void {
  const { signals } = processor;
  processor.signals = noSignals();
  if (signals.init) initialize(cpu, processor);
  if (signals.startUp !== null) start(cpu, processor, signals.startUp);
  if (signals.nmi) cpu.nonMaskableInterrupt();
}

/** VMX operation holds INIT off, or it makes a guest leave. A VMM's guest is the VMM's to reset. */
function initialize(cpu: Cpu, processor: Processor): void {
  const { monitor } = processor;
  if (monitor) {
    monitor.initialize?.();
    return;
  }
  const held = cpu.vmx?.holdsInit();
  if (held === "pending") processor.signals.init = true;
  else if (held === undefined) init(cpu);
}

function start(cpu: Cpu, { monitor }: Processor, vector: number): void {
  if (monitor) monitor.startUp?.(vector);
  else if (!cpu.vmx?.onStartUp(vector)) startUp(cpu, vector);
}
