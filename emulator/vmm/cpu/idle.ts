import { flagMask } from "../../../isa/flags.ts";
import type { Cpu } from "../../cpu/cpu.ts";

const IF = flagMask("IF");

/** A virtual processor that waits after HLT: its VMM has given the processor away until an interrupt comes. */
export class Idle {
  waiting = false;
  readonly #cpu: Cpu;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** Waits behind HLT, where the guest will go on. True if an interrupt is there already, so that it need not. */
  begin(rip: bigint, rflags: number): boolean {
    const cpu = this.#cpu;
    if (cpu.bus.interruptPending() && (rflags & IF) !== 0) return true;
    cpu.rip = Number(BigInt.asIntN(64, rip));
    cpu.activity = 1;
    cpu.attention = true;
    this.waiting = true;
    return false;
  }

  /** Whether an interrupt of the machine wakes it. */
  get wakes(): boolean {
    return (this.#cpu.eflags & IF) !== 0;
  }

  end(): void {
    this.#cpu.activity = 0;
    this.waiting = false;
  }
}
