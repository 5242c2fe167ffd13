/** One virtual processor of a VM: its local APIC and monitor, and its state while it is not in the emulated core. */

import { flagMask } from "../../isa/flags.ts";
import { ProcessorContext, type SavedContext, waitForSipi } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import type { Monitor } from "../cpu/monitor.ts";
import { CS } from "../cpu/state.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import type { LocalApic } from "../devices/apic/local-apic.ts";
import { noSignals, type Signals } from "./signals.ts";

const IF = flagMask("IF");

/** What is known of a processor that is not in the core, without looking at its state. */
interface Aside {
  /** Its virtual time. */
  readonly cycle: number;
  /** Where the guest is: the linear instruction pointer, unsigned or signed canonical, and the address bits of its code. */
  readonly linear: number;
  readonly bits: 16 | 32 | 64;
}

/** What a snapshot says of one; objects in it are never changed. */
export interface SavedProcessor {
  readonly apic: unknown;
  readonly aside: (Aside & { readonly context: SavedContext }) | undefined;
  readonly asleep: boolean;
  readonly signals: Signals;
  readonly monitor: unknown;
}

export class Processor {
  readonly id: number;
  readonly apic: LocalApic;
  /** What it is while it is not in the core. */
  readonly context = new ProcessorContext();
  /** Undefined while it is in the core. */
  aside: Aside | undefined;
  /** Halted, or waiting for its start: nothing to do until something comes. */
  asleep = false;
  signals = noSignals();
  /** Of the VMM under which it runs. */
  monitor: Monitor | undefined;

  constructor(id: number, apic: LocalApic) {
    this.id = id;
    this.apic = apic;
  }

  /** Puts it aside, if it is in the core. */
  putAside(cpu: Cpu): void {
    if (this.aside) return;
    const linear = linearIn(cpu, this.monitor);
    this.context.putAside(cpu);
    this.aside = { cycle: virtualTime(cpu), linear, bits: cpu.bits };
  }

  /** Makes the core, which is free, this processor. */
  takeUp(cpu: Cpu): void {
    const { cycle } = this.aside!;
    this.aside = undefined;
    if (this.monitor) cpu.monitor = this.monitor;
    this.context.takeUp(cpu);
    cpu.f64[layout.extraCycles >> 3]! += cycle - virtualTime(cpu);
  }

  /** The linear instruction pointer of its guest. */
  linear(cpu: Cpu): number {
    return this.aside?.linear ?? linearIn(cpu, this.monitor);
  }

  /** A field of its state block: float64, or 4 bytes. */
  float64(cpu: Cpu, offset: number): number {
    return this.aside ? this.context.float64(offset) : cpu.f64[offset >> 3]!;
  }
  int32(cpu: Cpu, offset: number): number {
    return this.aside ? this.context.int32(offset) : cpu.r32[offset >> 2]!;
  }

  /** Whether an interrupt would wake it while it sleeps: it does not wait for its start, and has interrupts enabled. */
  isInterruptible(cpu: Cpu): boolean {
    if (this.int32(cpu, layout.activity) === waitForSipi) return false;
    return (this.int32(cpu, layout.eflags) & IF) !== 0 || this.int32(cpu, layout.interruptsLeave) !== 0;
  }

  save(): SavedProcessor {
    const { apic, aside, context, asleep, signals, monitor } = this;
    return {
      apic: apic.save(),
      aside: aside && { ...aside, context: context.save() },
      asleep,
      signals: { ...signals },
      monitor: monitor?.save(),
    };
  }

  restore({ apic, aside, asleep, signals, monitor }: SavedProcessor): void {
    this.apic.restore(apic);
    if (aside) this.context.restore(aside.context);
    this.aside = aside && { cycle: aside.cycle, linear: aside.linear, bits: aside.bits };
    this.asleep = asleep;
    this.signals = { ...signals };
    this.monitor?.restore(monitor);
  }
}

/** Where the guest of the processor in the core is. */
function linearIn(cpu: Cpu, monitor: Monitor | undefined): number {
  const place = monitor?.guestPlace;
  if (place) return place.linear;
  const linear = cpu.bases[CS]! + cpu.rip;
  return cpu.bits === 64 ? linear : linear >>> 0;
}
