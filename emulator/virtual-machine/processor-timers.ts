import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import type { Processor } from "./processor.ts";

/** What the processors of a VM are to their timers. */
interface Owner {
  readonly cpu: Cpu;
  readonly all: readonly Processor[];
  /** Virtual time of a processor; a sleeper's goes on. */
  cycleOf(processor: Processor): number;
  /** Something may have come for a processor. */
  come(processor: Processor): void;
}

/** The timers of the processors of a VM: of their local APICs, VMX-preemption timers, and those of their monitors. */
export class ProcessorTimers {
  readonly #owner: Owner;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Virtual time of the next timer of a local APIC that the run must not pass: the core's own, or a sleeper's. */
  get deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const processor of this.#owner.all)
      if (!processor.aside || processor.asleep)
        earliest = Math.min(earliest, processor.apic.nextDeadline() ?? earliest);
    return earliest;
  }

  /** Virtual time at which the timer of a sleeper's local APIC wakes it. Infinite where none does. */
  get nextTimerInterrupt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const processor of this.#owner.all)
      if (processor.asleep && processor.apic.timerInterrupts && processor.isInterruptible(this.#owner.cpu))
        earliest = Math.min(earliest, processor.apic.nextDeadline() ?? earliest);
    return earliest;
  }

  /** The cycle at which a preemption timer runs out that the run must not pass: the core's own, or a sleeper's. */
  get preemption(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const processor of this.#owner.all)
      if (!processor.aside || processor.asleep)
        earliest = Math.min(earliest, this.#preemptionOf(processor) ?? earliest);
    return earliest;
  }

  #preemptionOf(processor: Processor): number | undefined {
    const deadline = processor.float64(this.#owner.cpu, layout.preemptionDeadline);
    return deadline === 0 ? undefined : deadline - 1;
  }

  /** Processors whose preemption timer has run out look at it, and wake for it. */
  preempt(): void {
    for (const processor of this.#owner.all) {
      if (processor.aside && !processor.asleep) continue;
      if ((this.#preemptionOf(processor) ?? Number.POSITIVE_INFINITY) > this.#owner.cycleOf(processor)) continue;
      if (!processor.aside) this.#owner.cpu.attention = true;
      else this.#owner.come(processor);
    }
  }

  /** Whether the time of such a timer has come. It counts its processor's own time, which may be behind what devices see. */
  get due(): boolean {
    return this.#owner.all.some(
      (processor) =>
        (!processor.aside || processor.asleep) &&
        (processor.apic.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.#owner.cycleOf(processor),
    );
  }

  /** Timers of local APICs whose time has come. */
  tick(): void {
    for (const processor of this.#owner.all) if (!processor.aside || processor.asleep) processor.apic.tick();
  }

  /** Virtual time of the next timer of a monitor that the run must not pass: the core's own, or a sleeper's. */
  get monitorDeadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const processor of this.#owner.all)
      if (!processor.aside || processor.asleep) earliest = Math.min(earliest, processor.monitor?.deadline ?? earliest);
    return earliest;
  }

  /** Virtual time of the next timer of a monitor that wakes a sleeper. Infinite where none does. */
  get monitorWaking(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { asleep, monitor } of this.#owner.all)
      if (asleep) earliest = Math.min(earliest, monitor?.wakingDeadline ?? earliest);
    return earliest;
  }

  /** Timers of monitors whose time has come. */
  tickMonitors(): void {
    for (const processor of this.#owner.all) {
      if (processor.aside && !processor.asleep) continue;
      const { monitor } = processor;
      if ((monitor?.deadline ?? Number.POSITIVE_INFINITY) > this.#owner.cycleOf(processor)) continue;
      monitor!.tick!(this.#owner.cycleOf(processor));
      this.#owner.come(processor);
    }
  }
}
