import { flagMask } from "../../../isa/flags.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { stepArmed } from "../../cpu/interrupts.ts";

const TF = flagMask("TF");

/** A step under way. Plain JSON. */
export interface Step {
  /** Linear address of the page that is writable for its time. */
  readonly linear: number;
  /** The guest's own TF. */
  readonly trapFlag: boolean;
}

/**
 * Lets the guest run natively for one instruction, with TF set behind its back: how the VMM lets a write to a traced page
 * happen, and gets control back right after it.
 */
export class SingleStep {
  step: Step | undefined;
  readonly #cpu: Cpu;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  begin(linear: number): void {
    const cpu = this.#cpu;
    const trapFlag = this.step?.trapFlag ?? (cpu.eflags & TF) !== 0;
    this.step = { linear, trapFlag };
    cpu.eflags |= TF;
    cpu.attention = true;
  }

  /** Puts the guest's own TF in place of the one that is set behind its back. */
  hide(): void {
    if (this.step && !this.step.trapFlag) this.#cpu.eflags &= ~TF;
  }

  /** Undoes `hide`: the TF there is now is the guest's own. */
  restore(): void {
    if (!this.step) return;
    this.step = { ...this.step, trapFlag: (this.#cpu.eflags & TF) !== 0 };
    this.#cpu.eflags |= TF;
  }

  /** The step is over, or will not happen; what it was. The guest has its own TF again. */
  end(): Step | undefined {
    const { step } = this;
    if (!step) return undefined;
    if (!step.trapFlag) this.#cpu.eflags &= ~TF;
    this.#cpu.interruptibility &= ~stepArmed;
    this.step = undefined;
    return step;
  }
}
