import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault, vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { endMonitorWait } from "../../cpu/monitor-wait.ts";
import { linearAddress } from "../../vmx/instruction-facts.ts";
import type { VmmContext } from "../context.ts";
import { mostIterations } from "../io/emulated.ts";
import { faultAddress } from "./saved-fault.ts";
import { instructionAt } from "./trap-reasons.ts";

const IF = flagMask("IF");
const RF = flagMask("RF");
const TF = flagMask("TF");
const blockedByStiOrMovSs = 3;

/** What an instruction that was emulated did to the guest's translations. */
export type Flushed = { readonly page: number } | { readonly all: "CR3" | "INVPCID" };

export interface GuestWorkWiring {
  readonly context: VmmContext;
  /** Instructions have been completed for the guest. */
  readonly completed: (instructions: number) => void;
  /** What the guest's TLB forgets, its shadow forgets too. */
  readonly flushed: (what: Flushed) => void;
}

export const interruptName = (number: number): string => `interrupt ${number.toString(16).toUpperCase()}h`;

function flushOf({ cpu }: VmmContext, { row, operands }: Decoded): Flushed | undefined {
  const [operand] = operands;
  if (row.mnemonic === "invlpg" && operand?.kind === "memory")
    return { page: faultAddress(linearAddress(cpu, operand)) };
  if (row.mnemonic === "invpcid") return { all: "INVPCID" };
  const loadsCr3 =
    row.mnemonic === "mov" && operand?.kind === "register" && operand.class === "control" && operand.number === 3;
  return loadsCr3 ? { all: "CR3" } : undefined;
}

/** Debug traps come between the iterations of a repeated instruction: of TF after each, of breakpoints after one that met them. */
const isTrapDue = ({ eflags, u32 }: Cpu): boolean => (eflags & TF) !== 0 || u32[layout.pendingDebug >> 2] !== 0;

/**
 * What a VMM without hardware support does in the guest's stead: it executes instructions at the level the guest believes to
 * have, and delivers exceptions and interrupts through the guest's own tables. The guest's own registers must be loaded.
 */
export class GuestWork {
  /** The guest waits in HLT. */
  waiting = false;
  readonly #wiring: GuestWorkWiring;
  /** The delivery under way ended in a triple fault. */
  #tripleFault = false;

  constructor(wiring: GuestWorkWiring) {
    this.#wiring = wiring;
  }

  tripleFault(): void {
    this.#tripleFault = true;
  }

  /** Emulates the instruction at RIP; what it raises is the guest's. What was done; undefined if the guest does not go on. */
  emulate(): string | undefined {
    const { context, completed, flushed } = this.#wiring;
    const { cpu } = context;
    const decoded = instructionAt(cpu);
    const name = decoded?.row.mnemonic.toUpperCase() ?? "the instruction";
    const start = cpu.rip;
    const flush = decoded && flushOf(context, decoded);
    const repeated = decoded !== undefined && decoded.repeat !== "none";
    try {
      let done = 0;
      do {
        context.interpret();
        completed(1);
        done++;
      } while (repeated && cpu.rip === start && done < mostIterations && !isTrapDue(cpu));
    } catch (thrown) {
      if (isFault(thrown)) return this.deliver(thrown);
      throw thrown;
    }
    if (repeated && cpu.rip !== start) cpu.eflags &= ~RF;
    if (flush) flushed(flush);
    // MWAIT ends at once, as it may: the VMM waits for nobody.
    endMonitorWait(cpu);
    return cpu.activity === 0 ? `emulated ${name}` : this.#halted();
  }

  #halted(): string | undefined {
    const { cpu } = this.#wiring.context;
    if ((cpu.eflags & IF) !== 0 && cpu.bus.interruptPending()) {
      cpu.activity = 0;
      return "emulated HLT: an interrupt was already waiting";
    }
    this.waiting = true;
    return undefined;
  }

  /** Passes an exception on to the guest, through its own IDT. */
  deliver(fault: Fault): string | undefined {
    const { context, completed } = this.#wiring;
    const name = fault.source === "software" ? interruptName(fault.vector) : vectorName(fault.vector);
    this.#recordInjection(fault.vector, name, fault.errorCode);
    this.#tripleFault = false;
    const delivered = context.cpu.deliver(fault);
    // A software interrupt is delivered by its instruction, which thereby retires.
    if (delivered && fault.source !== "hardware") completed(1);
    return this.#tripleFault ? undefined : `delivered ${name} to the guest`;
  }

  deliverNmi(): string {
    this.#recordInjection(vector.NMI, "NMI", undefined);
    this.#wiring.context.cpu.interrupt(vector.NMI);
    return "delivered the NMI to the guest";
  }

  /** An interrupt waits, and the guest can take it. */
  get isInterruptDue(): boolean {
    const { cpu } = this.#wiring.context;
    const blocked = (cpu.interruptibility & blockedByStiOrMovSs) !== 0;
    return !blocked && (cpu.eflags & IF) !== 0 && cpu.bus.interruptPending();
  }

  /** Delivers a waiting interrupt if the guest can take it: its number. */
  offerInterrupt(): number | undefined {
    const { cpu } = this.#wiring.context;
    if (!this.isInterruptDue) return undefined;
    const number = cpu.bus.acknowledgeInterrupt();
    this.#recordInjection(number, interruptName(number), undefined);
    cpu.interrupt(number);
    return number;
  }

  #recordInjection(number: number, name: string, errorCode: number | undefined): void {
    const code = errorCode === undefined ? {} : { errorCode };
    this.#wiring.context.record({ kind: "inject", vector: number, name, ...code });
  }
}
