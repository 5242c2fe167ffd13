import { inputOfIrq } from "../devices/apic/io-apic.ts";
import type { Board } from "./board.ts";

const never = Number.POSITIVE_INFINITY;

/** Why all processors sleep for good. */
export interface Standstill {
  /** An interrupt would wake one of them. */
  readonly interruptible: boolean;
  /** The lowest processor priority (PPR), 0–255, of the local APICs of those that an interrupt would wake. */
  readonly priority: number;
  /** Names of the devices whose input would make an interrupt. */
  readonly inputs: readonly string[];
}

/** Lets the devices of a board act at their deadlines in virtual time, and time pass while all processors sleep. */
export class DeviceTime {
  readonly #board: Board;
  /** Makes the run under way end after so many steps, if it would not end before. */
  readonly #endRunIn: (steps: number) => void;
  /** The deadline that the present slice of the run ends at; before the first slice there is none to meet. */
  #deadline = Number.NEGATIVE_INFINITY;

  constructor(board: Board, endRunIn: (steps: number) => void) {
    this.#board = board;
    this.#endRunIn = endRunIn;
  }

  /** Virtual time at which a device, the timer of a local APIC or a preemption timer acts next. */
  get #next(): number {
    const { bus, processors } = this.#board;
    return Math.min(
      bus.nextDeadline() ?? never,
      processors.timers.deadline,
      processors.timers.preemption,
      processors.timers.monitorDeadline,
    );
  }

  /** Whatever is due happens; gives the cycles to the next deadline, at most to the end of the processor's turn. */
  serve(): number {
    const { bus, processors } = this.#board;
    while ((bus.nextDeadline() ?? never) <= processors.clock || processors.timers.due) {
      bus.tick();
      processors.timers.tick();
      this.changed();
    }
    processors.timers.tickMonitors();
    processors.settle();
    processors.timers.preempt();
    this.#deadline = this.#next;
    return Math.max(1, Math.min(this.#deadline - processors.cycle, processors.turnLeft));
  }

  /** Deadlines and interrupt lines may be others now. For an earlier deadline the engine returns at the next boundary. */
  changed(): void {
    const { bus, cpu, devices, processors } = this.#board;
    // While the core executes another VM, deadlines and lines are looked at when this one comes back.
    if (processors.inCore && this.#next < this.#deadline) this.#endRunIn(0);
    if (devices.pic.pending) processors.raise8259();
    if (processors.inCore && bus.interruptPending()) cpu.attention = true;
  }

  /**
   * More time passes than the steps taken, as between guest and VMM, and `coming` cycles are about to: a deadline that was to
   * be met at a step comes earlier, and so does the end of the turn.
   */
  passes(coming: number): void {
    const { cycle, turnLeft } = this.#board.processors;
    this.#endRunIn(Math.max(0, Math.ceil(Math.min(this.#deadline - cycle, turnLeft) - coming)));
  }

  /** Whether an interrupt of a device would wake a processor. */
  readonly #deliverable = (irq: number): boolean => {
    const { apicBus, devices, ioApic, processors } = this.#board;
    if (processors.someInterruptible(({ passesExternal }) => passesExternal) && devices.pic.deliverable(irq))
      return true;
    const message = ioApic.messageOf(inputOfIrq(irq));
    if (!message) return false;
    const reached = new Set(apicBus.receivers(message).map(({ id }) => id));
    return processors.someInterruptible((apic) => reached.has(apic.id) && apic.interruptedBy(message));
  };

  /** The processor is halted: it is another's turn, or time passes to the next interrupt. Otherwise why not. */
  idle(): Standstill | undefined {
    const { processors } = this.#board;
    if (processors.sleep()) return undefined;
    const next = this.nextWaking;
    if (typeof next !== "number") return next;
    processors.passTo(next);
    return undefined;
  }

  /** Virtual time at which something comes that may wake a sleeping processor; if nothing ever will, why. */
  get nextWaking(): number | Standstill {
    const { bios, bus, devices, processors } = this.#board;
    const deadline = Math.min(
      bus.nextDeadline(this.#deliverable) ?? never,
      processors.timers.nextTimerInterrupt,
      processors.timers.monitorWaking,
    );
    const interruptible = processors.someInterruptible(() => true);
    // A preemption timer ends a halt whether interrupts do or not.
    const end = Math.min(interruptible ? deadline : never, processors.timers.preemption);
    if (end !== never && !bios?.waitsInVain) return end;
    const inputs = [devices.uart, devices.keyboard].filter(({ listening, irq }) => listening && this.#deliverable(irq));
    return { interruptible, priority: processors.lowestPriority, inputs: inputs.map(({ name }) => name) };
  }
}
