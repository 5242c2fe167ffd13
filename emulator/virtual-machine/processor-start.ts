import { init } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import type { Vmm } from "../vmm/index.ts";
import type { Processor } from "./processor.ts";

/** The first of the processors is in the core, with its state: the others start from RESET and wait. */
export function startProcessors(cpu: Cpu, [boot, ...others]: readonly Processor[]): void {
  cpu.r32[layout.processors >> 2] = 1 + others.length;
  if (others.length === 0) return;
  boot!.context.putAside(cpu);
  for (const processor of others) {
    init(cpu);
    cpu.r32[layout.apicId >> 2] = processor.id;
    putAsideAtStart(cpu, processor);
    processor.asleep = true;
  }
  boot!.context.takeUp(cpu);
}

/** Once the processors have their start states, the first being in the core: gives each its monitor. */
export function giveMonitors(cpu: Cpu, [boot, ...others]: readonly Processor[], vmm: Vmm): void {
  boot!.monitor = vmm.monitor(boot!.id);
  cpu.monitor = boot!.monitor;
  if (others.length === 0) return;
  boot!.context.putAside(cpu);
  for (const processor of others) {
    cpu.monitor = undefined;
    processor.context.takeUp(cpu);
    processor.monitor = vmm.monitor(processor.id);
    putAsideAtStart(cpu, processor);
  }
  cpu.monitor = boot!.monitor;
  boot!.context.takeUp(cpu);
}

function putAsideAtStart(cpu: Cpu, processor: Processor): void {
  processor.aside = undefined;
  processor.putAside(cpu);
  processor.aside = { ...processor.aside!, cycle: 0 };
}
