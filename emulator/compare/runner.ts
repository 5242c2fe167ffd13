import { type Observation, observationWords } from "../inspection/observation.ts";
import type { Machine } from "../machine.ts";
import type { StopReason } from "../trace/event.ts";

/** Runs without a retired instruction after which a guest is taken to be stuck in faults or exits. */
const stuckAfter = 100_000;

/** A machine that is driven by retired instructions, which count alike under every technique, instead of by steps. */
export class Runner {
  readonly machine: Machine;
  /** What the guest could find out right before the instruction that retired last. */
  readonly before: Observation = new Uint32Array(observationWords);
  /** Linear address of that instruction, and instructions retired before it. */
  address = 0n;
  count = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  get instructions(): number {
    return this.machine.instructions;
  }

  get end(): StopReason | undefined {
    return this.machine.stopped?.reason;
  }

  /** Runs until at least so many instructions have retired. False if the guest stops, or is stuck, before. */
  advanceTo(instructions: number): boolean {
    const { machine } = this;
    for (let stuck = 0; machine.instructions < instructions; ) {
      const before = machine.instructions;
      if (machine.run({ steps: instructions - before }).kind === "stopped") return machine.instructions >= instructions;
      stuck = machine.instructions === before ? stuck + 1 : 0;
      if (stuck > stuckAfter) return false;
    }
    return true;
  }

  /** Takes steps until one more instruction has retired; `before`, `address` and `count` tell of it. False at the end. */
  next(): boolean {
    const { machine } = this;
    for (let steps = 0; steps < stuckAfter; steps++) {
      machine.observe(this.before);
      this.address = machine.linearRip;
      this.count = machine.instructions;
      const stop = machine.step();
      if (machine.instructions !== this.count) return true;
      if (stop.kind === "stopped") return false;
    }
    return false;
  }

  /** As `next`, for the instruction after so many: false if the guest ends before it, or if it is part of a larger stride. */
  nextAfter(instructions: number): boolean {
    if (!this.advanceTo(instructions)) return false;
    while (this.machine.instructions <= instructions) if (!this.next()) return false;
    return this.count === instructions;
  }

  /**
   * Goes on to right before the next instruction retires: what is delivered between two instructions, which may take a step
   * of its own or be part of another, has been delivered then.
   */
  settle(): void {
    const { machine } = this;
    const count = machine.instructions;
    for (let steps = 0; steps < stuckAfter && !machine.stopped; steps++) {
      const { now } = machine;
      machine.step();
      if (machine.instructions !== count) {
        machine.goTo(now);
        return;
      }
    }
  }
}
