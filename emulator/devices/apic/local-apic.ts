/** The local APIC of one processor in xAPIC mode (SDM Vol. 3, chapter 11). Registers are 32 bits wide at 16-byte steps. */
import type { LocalSource } from "../../trace/event.ts";
import type { Clock } from "../device.ts";
import type { ApicAgent, ApicBus, ApicMessage } from "./apic-bus.ts";
import { deliveryMode } from "./apic-bus.ts";
import { ApicTimer, divisorOf } from "./apic-timer.ts";
import { afterReset, localRegister as at, localVectors, masked, type Registers } from "./local-apic-state.ts";
import { VectorSet } from "./vector-set.ts";

/** What reaches the processor other than by its interrupt input. */
export interface ProcessorSignals {
  nmi(): void;
  init(): void;
  /** Start-up: the processor that waits for it begins in real mode at `vector` << 12. */
  startUp(vector: number): void;
  /** The interrupt input may have changed. */
  changed(): void;
}

export interface LocalApicWiring {
  readonly id: number;
  readonly bus: ApicBus;
  readonly clock: Clock;
  readonly signals: ProcessorSignals;
}

/** Version 14h, six local vectors. */
const version = 0x0005_0014;
const enabledBit = 0x100;
const sentIllegalVector = 0x20;
const receivedIllegalVector = 0x40;
const illegalRegister = 0x80;
/** Vectors 0–15 are reserved. */
const firstVector = 16;

export class LocalApic implements ApicAgent {
  readonly id: number;
  readonly #wiring: LocalApicWiring;
  readonly #timer: ApicTimer;
  readonly #requests = new VectorSet();
  readonly #inService = new VectorSet();
  readonly #level = new VectorSet();
  #registers = afterReset();
  /** As IA32_APIC_BASE says. */
  #on = true;

  constructor(wiring: LocalApicWiring) {
    this.id = wiring.id;
    this.#wiring = wiring;
    this.#timer = new ApicTimer(wiring.clock);
    this.reset();
    wiring.bus.add(this);
  }

  /** Power-on and INIT. */
  reset(): void {
    this.#registers = afterReset();
    for (const set of [this.#requests, this.#inService, this.#level]) set.clear();
    this.#timer.reset();
  }

  /** Off, it is not there: the processor hears the 8259 directly. On again, it is as after power-on. */
  switch(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    this.reset();
    this.#wiring.signals.changed();
  }

  /** As firmware leaves it on the processor that boots: enabled, with the 8259 at LINT0 and NMI at LINT1 (virtual wire mode). */
  passOn8259(): void {
    this.#registers.spurious = enabledBit | 0xf;
    this.#registers.local[at.lint0] = deliveryMode.external << 8;
    this.#registers.local[at.lint1] = deliveryMode.nmi << 8;
  }

  // What the processor sees.

  /** The vector it should be interrupted with now; -1 if none. */
  get pending(): number {
    if (!this.enabled) return -1;
    const vector = this.#requests.highest;
    return vector >= 0 && this.#passes(vector) ? vector : -1;
  }

  #passes(vector: number): boolean {
    return vector >> 4 > this.processorPriority >> 4;
  }

  /** It is there: not switched off in IA32_APIC_BASE. */
  get on(): boolean {
    return this.#on;
  }

  /** Whether the 8259's interrupts pass to the processor. */
  get passesExternal(): boolean {
    if (!this.#on) return true;
    const entry = this.#registers.local[at.lint0]!;
    return (entry & masked) === 0 && ((entry >> 8) & 7) === deliveryMode.external;
  }

  /** Interrupt acknowledge. The spurious vector if the interrupt has gone meanwhile. */
  acknowledge(): number {
    const vector = this.pending;
    if (vector < 0) return this.#registers.spurious & 0xff;
    this.#requests.set(vector, false);
    this.#inService.set(vector, true);
    return vector;
  }

  get taskPriority(): number {
    return this.#registers.taskPriority;
  }
  /** Also written as CR8 (bits 7:4). */
  set taskPriority(value: number) {
    this.#registers.taskPriority = value & 0xff;
    this.#wiring.signals.changed();
  }

  /** PPR: the higher of the task's priority and that of the interrupt in service. */
  get processorPriority(): number {
    const { taskPriority } = this.#registers;
    const service = Math.max(0, this.#inService.highest) & 0xf0;
    return (taskPriority & 0xf0) >= service ? taskPriority : service;
  }

  setDeadline(cycle: number): void {
    this.#timer.setDeadline(cycle);
  }
  get deadline(): number {
    return this.#timer.deadline;
  }

  // The bus.

  get enabled(): boolean {
    return (this.#registers.spurious & enabledBit) !== 0;
  }

  get priority(): number {
    return this.processorPriority;
  }

  isLogically(destination: number): boolean {
    const own = this.#registers.logicalDestination >>> 24;
    if (this.#registers.destinationFormat >>> 28 === 0xf) return (own & destination) !== 0;
    const sameCluster = destination >> 4 === own >> 4 || destination >> 4 === 0xf;
    return sameCluster && (own & destination & 0xf) !== 0;
  }

  accept({ mode, vector, level }: ApicMessage): void {
    const { signals } = this.#wiring;
    if (!this.#on) return;
    if (mode === deliveryMode.nmi) signals.nmi();
    else if (mode === deliveryMode.init) {
      this.reset();
      signals.init();
    } else if (mode === deliveryMode.startUp) signals.startUp(vector);
    else if (mode === deliveryMode.fixed || mode === deliveryMode.lowest) this.#request(vector, level);
  }

  #request(vector: number, level: boolean): void {
    if (!this.enabled) return;
    if (vector < firstVector) {
      const own = this.#registers.local[at.error]! & 0xff;
      this.#registers.seen |= receivedIllegalVector;
      if (own >= firstVector) this.#raiseLocal(at.error);
      return;
    }
    this.#requests.set(vector, true);
    this.#level.set(vector, level);
    this.#wiring.signals.changed();
  }

  #noteError(bit: number): void {
    this.#registers.seen |= bit;
    this.#raiseLocal(at.error);
  }

  /** Interrupts by a local vector, unless it is masked. */
  #raiseLocal(offset: number): void {
    const entry = this.#registers.local[offset]!;
    if (entry & masked) return;
    const mode = offset === at.timer || offset === at.error ? deliveryMode.fixed : (entry >> 8) & 7;
    if (mode === deliveryMode.nmi) this.#wiring.signals.nmi();
    else if (mode === deliveryMode.fixed) this.#request(entry & 0xff, false);
  }

  /** What has a vector that no IRQ has. */
  sourceOf(vector: number): LocalSource {
    const has = (offset: number): boolean => (this.#registers.local[offset]! & (masked | 0xff)) === vector;
    if (has(at.timer)) return "local timer";
    return has(at.error) ? "local error" : "message";
  }

  // Time.

  nextDeadline(): number | undefined {
    return this.#timer.nextDeadline();
  }

  /** Whether an expiration of the timer interrupts at once: nothing of its priority or above holds it back. */
  get timerInterrupts(): boolean {
    return this.#interrupts(at.timer);
  }

  #interrupts(offset: number): boolean {
    const entry = this.#registers.local[offset]!;
    if (!this.enabled || entry & masked) return false;
    const vector = entry & 0xff;
    // A reserved vector is an error, which may have a vector of its own.
    return vector >= firstVector ? this.#passes(vector) : offset !== at.error && this.#interrupts(at.error);
  }

  /** Whether a message interrupts the processor at once, if it lets interrupts come. */
  interruptedBy({ mode, vector }: ApicMessage): boolean {
    if (!this.#on) return false;
    if (mode === deliveryMode.nmi || mode === deliveryMode.init) return true;
    const isInterrupt = mode === deliveryMode.fixed || mode === deliveryMode.lowest;
    if (!isInterrupt || !this.enabled) return false;
    return vector >= firstVector ? this.#passes(vector) : this.#interrupts(at.error);
  }

  tick(): void {
    if (this.#timer.expire()) this.#raiseLocal(at.timer);
  }

  // Registers.

  /** Reads the register at an offset into its page; unsigned. */
  read(offset: number): number {
    if (!this.#on) return 0xffff_ffff;
    const group = offset & 0xf80;
    const word = (offset >> 4) & 7;
    if (group === at.inService) return this.#inService.words[word]!;
    if (group === at.triggerMode) return this.#level.words[word]!;
    if (group === at.requests) return this.#requests.words[word]!;
    const registers = this.#registers;
    switch (offset) {
      case at.id:
        return (this.id << 24) >>> 0;
      case at.version:
        return version;
      case at.taskPriority:
        return registers.taskPriority;
      case at.arbitration:
      case at.processorPriority:
        return this.processorPriority;
      case at.endOfInterrupt:
        return 0;
      case at.logicalDestination:
        return registers.logicalDestination;
      case at.destinationFormat:
        return registers.destinationFormat;
      case at.spurious:
        return registers.spurious;
      case at.errors:
        return registers.errors;
      case at.command:
        return registers.command;
      case at.commandHigh:
        return registers.commandHigh;
      case at.initialCount:
        return this.#timer.initial;
      case at.currentCount:
        return this.#timer.current;
      case at.divide:
        return registers.divide;
      default:
        return registers.local[offset] ?? this.#illegal();
    }
  }

  #illegal(): number {
    this.#noteError(illegalRegister);
    return 0;
  }

  write(offset: number, value: number): void {
    if (!this.#on) return;
    const registers = this.#registers;
    switch (offset) {
      case at.taskPriority:
        this.taskPriority = value;
        break;
      case at.endOfInterrupt:
        this.#endOfInterrupt();
        break;
      case at.logicalDestination:
        registers.logicalDestination = (value & 0xff00_0000) >>> 0;
        break;
      case at.destinationFormat:
        registers.destinationFormat = (value | 0x0fff_ffff) >>> 0;
        break;
      case at.spurious:
        this.#writeSpurious(value & 0x3ff);
        break;
      case at.errors:
        registers.errors = registers.seen;
        registers.seen = 0;
        break;
      case at.command:
        registers.command = value & 0xc_dfff & ~0x1000;
        this.#send(value);
        break;
      case at.commandHigh:
        registers.commandHigh = (value & 0xff00_0000) >>> 0;
        break;
      case at.initialCount:
        this.#timer.setInitial(value >>> 0);
        break;
      case at.divide:
        registers.divide = value & 0xb;
        this.#timer.setDivisor(divisorOf(value));
        break;
      case at.id:
      case at.version:
      case at.processorPriority:
      case at.currentCount:
        break; // read-only
      default:
        this.#writeLocal(offset, value);
    }
    this.#wiring.signals.changed();
  }

  #writeLocal(offset: number, value: number): void {
    const bits = localVectors[offset];
    if (bits === undefined) {
      this.#illegal();
      return;
    }
    // While disabled by software, local vectors stay masked.
    this.#registers.local[offset] = (value & bits) | (this.enabled ? 0 : masked);
    if (offset === at.timer) this.#timer.setMode((value >> 17) & 3);
  }

  #writeSpurious(value: number): void {
    const was = this.enabled;
    this.#registers.spurious = value;
    if (!was || this.enabled) return;
    for (const offset of Object.keys(localVectors)) this.#registers.local[Number(offset)]! |= masked;
  }

  #endOfInterrupt(): void {
    const vector = this.#inService.highest;
    if (vector < 0) return;
    this.#inService.set(vector, false);
    if (this.#level.has(vector)) this.#wiring.bus.endOfInterrupt(vector);
  }

  /** A write to the low half of the interrupt command register sends. */
  #send(command: number): void {
    const mode = (command >> 8) & 7;
    const vector = command & 0xff;
    const asserts = (command & 0x4000) !== 0;
    // INIT level de-assert only synchronises arbitration IDs, which nothing here depends on.
    if (mode === deliveryMode.init && !asserts) return;
    if ((mode === deliveryMode.fixed || mode === deliveryMode.lowest) && vector < firstVector) {
      this.#noteError(sentIllegalVector);
      return;
    }
    const { bus } = this.#wiring;
    const message: ApicMessage = {
      mode,
      vector,
      level: false,
      destination: this.#registers.commandHigh >>> 24,
      logical: (command & 0x800) !== 0,
    };
    const shorthand = (command >> 18) & 3;
    if (shorthand === 0) bus.send(message);
    else if (shorthand === 1) bus.deliver([this], message);
    else bus.deliver(shorthand === 2 ? bus.agents : bus.agents.filter((agent) => agent !== this), message);
  }

  save(): unknown {
    return {
      on: this.#on,
      registers: { ...this.#registers, local: { ...this.#registers.local } },
      sets: [this.#requests, this.#inService, this.#level].map(({ words }) => [...words]),
      timer: this.#timer.save(),
    };
  }

  restore(state: unknown): void {
    const saved = state as {
      on: boolean;
      registers: Registers;
      sets: number[][];
      timer: ReturnType<ApicTimer["save"]>;
    };
    this.#on = saved.on;
    this.#registers = { ...saved.registers, local: { ...saved.registers.local } };
    for (const [n, set] of [this.#requests, this.#inService, this.#level].entries()) set.words.set(saved.sets[n]!);
    this.#timer.restore(saved.timer);
  }
}
