import { flagMask } from "../../../isa/flags.ts";
import { init, startUp } from "../../cpu/context.ts";
import type { Cpu } from "../../cpu/cpu.ts";

const IF = flagMask("IF");

/** Plain JSON. */
export interface SavedIdle {
  readonly waits: "interrupt" | "start-up" | null;
  readonly initDue: boolean;
  readonly startUpDue: number | null;
}

/** What a virtual processor waits for, its VMM having given the processor away, and the INIT and start-up messages that came for it. */
export class Idle {
  /** An interrupt, after HLT; or a start-up message, at first on all but the boot processor, and after INIT. */
  #waits: "interrupt" | "start-up" | undefined;
  /** INIT has come, and is served at the next instruction boundary. */
  #initDue = false;
  /** Vector of the start-up message behind it. */
  #startUpDue: number | undefined;
  readonly #cpu: Cpu;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  get waiting(): boolean {
    return this.#waits !== undefined;
  }

  get waitsForInterrupt(): boolean {
    return this.#waits === "interrupt";
  }

  get waitsForStart(): boolean {
    return this.#waits === "start-up";
  }

  /** Waits behind HLT, where the guest will go on. True if an interrupt is there already, so that it need not. */
  begin(rip: bigint, rflags: number): boolean {
    const cpu = this.#cpu;
    if (cpu.bus.interruptPending() && (rflags & IF) !== 0) return true;
    cpu.rip = Number(BigInt.asIntN(64, rip));
    cpu.activity = 1;
    cpu.attention = true;
    this.#waits = "interrupt";
    return false;
  }

  /** Whether an interrupt of the machine wakes it. */
  get wakes(): boolean {
    return this.#waits === "interrupt" && (this.#cpu.eflags & IF) !== 0;
  }

  end(): void {
    this.#cpu.activity = 0;
    this.#waits = undefined;
  }

  // INIT and start-up messages, which the VMM emulates: those of the machine never reach a guest.

  /** The processor is one that has not been started yet. */
  awaitStart(): void {
    this.#waits = "start-up";
  }

  /** INIT comes: it is to be served at the next boundary. One that waits for its start already stays as it is. */
  initialize(): void {
    if (this.waitsForStart) return;
    this.#initDue = true;
    this.#cpu.attention = true;
  }

  get initDue(): boolean {
    return this.#initDue;
  }

  /** Serves INIT: the processor's state is the guest's after it. True if a start-up message has come since. */
  reset(): boolean {
    init(this.#cpu);
    this.#initDue = false;
    this.#waits = "start-up";
    return this.#startUpDue !== undefined;
  }

  /** A start-up message comes. True if it is one to be served now, by `start`. */
  startUp(vector: number): boolean {
    if (!this.waitsForStart && !this.#initDue) return false;
    this.#startUpDue = vector;
    return this.waitsForStart;
  }

  /** The processor begins where the message said; gives that address. */
  start(): number {
    const vector = this.#startUpDue!;
    this.#startUpDue = undefined;
    this.#waits = undefined;
    startUp(this.#cpu, vector);
    this.#cpu.attention = true;
    return vector << 12;
  }

  save(): SavedIdle {
    return { waits: this.#waits ?? null, initDue: this.#initDue, startUpDue: this.#startUpDue ?? null };
  }

  restore({ waits, initDue, startUpDue }: SavedIdle): void {
    this.#waits = waits ?? undefined;
    this.#initDue = initDue;
    this.#startUpDue = startUpDue ?? undefined;
  }
}
