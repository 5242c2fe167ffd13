/**
 * The virtual processors of a VM. One at a time is in the emulated core; the state of the others lies aside. Each has its own
 * virtual time. Without a scheduler, the one that is furthest behind runs next, for a turn of `turnCycles`, so that they advance
 * together and always in the same order; with one, `host-schedule.ts` gives the turns.
 */

import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import type { Monitor } from "../cpu/monitor.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import type { ApicBus } from "../devices/apic/apic-bus.ts";
import { LocalApic } from "../devices/apic/local-apic.ts";
import type { FlushCause } from "../mmu/translation-events.ts";
import type { RunState } from "../schedule/vcpu.ts";
import type { VirtualCpus, Vmm } from "../vmm/index.ts";
import type { DomainView } from "../vmm/xen/domain-view.ts";
import { Processor, type SavedProcessor } from "./processor.ts";
import { giveMonitors, startProcessors } from "./processor-start.ts";
import { ProcessorTimers } from "./processor-timers.ts";
import { noSignals, type Signals, settleSignals } from "./signals.ts";

/** Cycles of a turn: how far one processor may be ahead of the others. */
export const turnCycles = 10_000;
export const mostProcessors = 64;

export interface ProcessorsWiring {
  readonly cpu: Cpu;
  readonly count: number;
  readonly bus: ApicBus;
  /** Something has come for the processor in the core: the run is to look at it. */
  readonly attend: () => void;
}

/** Whoever shares out physical CPUs to the processors; by number. */
export interface Scheduling {
  /** Cycles until the processor in the core has to make way. */
  readonly turnLeft: number;
  /** Something has come for a processor that was asleep. */
  wake(vcpu: number): void;
  /** As `VirtualCpus.yield`. */
  yield(vcpu: number, why: string, to: number | undefined): void;
  state(vcpu: number): RunState;
  stolen(vcpu: number): number;
}

interface Saved {
  readonly current: number;
  readonly turnEnd: number;
  readonly latest: number;
  readonly vmm: unknown;
  readonly processors: readonly SavedProcessor[];
}

export class Processors implements VirtualCpus {
  readonly #cpu: Cpu;
  readonly #attend: () => void;
  readonly #all: readonly Processor[];
  #current: Processor;
  /** Virtual time at which the present turn ends. */
  #turnEnd = Number.POSITIVE_INFINITY;
  /** The latest time any processor has reached. */
  #latest = 0;
  #vmm: Vmm | undefined;
  /** The processor in the core keeps it: all others are frozen. Whoever sets it keeps it in snapshots. */
  held = false;
  #scheduling: Scheduling | undefined;
  readonly timers: ProcessorTimers;

  constructor({ cpu, count, bus, attend }: ProcessorsWiring) {
    this.#cpu = cpu;
    this.#attend = attend;
    this.#all = Array.from({ length: count }, (_, id) => this.#create(id, bus));
    this.#current = this.#all[0]!;
    this.#current.apic.passOn8259();
    this.timers = new ProcessorTimers({
      cpu,
      all: this.#all,
      cycleOf: (processor) => this.#cycleOf(processor),
      come: (processor) => this.#come(processor),
    });
  }

  #create(id: number, bus: ApicBus): Processor {
    const deliver = (change: (signals: Signals) => void) => {
      change(processor.signals);
      this.#come(processor);
    };
    const signals = {
      nmi: () => deliver((s) => Object.assign(s, { nmi: true })),
      init: () => deliver((s) => Object.assign(s, { ...noSignals(), init: true })),
      startUp: (vector: number) => deliver((s) => Object.assign(s, { startUp: vector })),
      changed: () => this.#come(processor),
    };
    const apic: LocalApic = new LocalApic({ id, bus, clock: () => this.#cycleOf(processor), signals });
    const processor = new Processor(id, apic);
    return processor;
  }

  /** To be called once the boot processor has its state: the others start from RESET and wait. */
  start(): void {
    startProcessors(this.#cpu, this.#all);
    if (this.#all.length > 1) this.#turnEnd = turnCycles;
  }

  /** Event channels and grants of a paravirtual guest; undefined for others. */
  domain(vm: string): DomainView | undefined {
    return this.#vmm?.domain?.(vm);
  }

  /** Once the processors have their start states: gives each its monitor. */
  virtualize(vmm: Vmm | undefined): void {
    this.#vmm = vmm;
    if (vmm) giveMonitors(this.#cpu, this.#all, vmm);
  }

  /** From now on they share physical CPUs with others. */
  share(scheduling: Scheduling): void {
    this.#scheduling = scheduling;
  }

  // As their VMM sees them.

  get count(): number {
    return this.#all.length;
  }

  wake(vcpu: number): void {
    this.#come(this.#all[vcpu]!);
  }

  flushTlb(vcpu: number, cause: FlushCause = "VMM"): void {
    const { aside, context } = this.#all[vcpu]!;
    if (!aside) this.#cpu.flushTlb(true, cause);
    else {
      const dropped = context.flushTlb();
      this.#cpu.tlb.observer?.flushed(cause, { global: true, on: vcpu }, dropped);
    }
  }

  /** Where each has a physical CPU of its own, nobody waits for another's. */
  yield(why: string, to?: number): void {
    this.#scheduling?.yield(this.current, why, to);
  }

  state(vcpu: number): RunState {
    return this.#scheduling?.state(vcpu) ?? (this.#all[vcpu]!.asleep ? "blocked" : "running");
  }

  stolen(vcpu: number): number {
    return this.#scheduling?.stolen(vcpu) ?? 0;
  }

  /** Of a processor; undefined where there is no VMM. */
  monitorOf(number: number): Monitor | undefined {
    return this.#all[number]!.monitor;
  }

  /** Of the processor in the core. */
  get monitor(): Monitor | undefined {
    return this.#current.monitor;
  }

  /** A debugger wrote to host-physical memory, where the structures of VMMs are. */
  hostMemoryChanged(): void {
    for (const { monitor } of this.#all) monitor?.hostMemoryChanged?.();
  }

  /** Events of exits from which guests have not been resumed yet. */
  get openExits(): readonly number[] {
    return this.#all.flatMap(({ monitor }) => monitor?.openExit ?? []);
  }

  /** Instructions that the processors executed for the interpreters of VMMs and that are not counted as emulated yet. */
  get interpretedInstructions(): number {
    let count = 0;
    for (const { monitor } of this.#all) count += monitor?.interpretedInstructions ?? 0;
    return count;
  }

  /** Whether a processor has nothing to do. */
  isAsleep(number: number): boolean {
    return this.#all[number]!.asleep;
  }

  /** Number of the processor in the core. */
  get current(): number {
    return this.#current.id;
  }

  /** Those of all processors, by their numbers. */
  get apics(): readonly LocalApic[] {
    return this.#all.map(({ apic }) => apic);
  }

  get apic(): LocalApic {
    return this.#current.apic;
  }

  /** State blocks of the processors that are not in the core. */
  get asides(): readonly Uint8Array[] {
    return this.#all.flatMap(({ aside, context }) => (aside ? [context.block] : []));
  }

  /** Whether the core executes one of these now, and not one of another VM. */
  get inCore(): boolean {
    return this.#current.aside === undefined;
  }

  /** Virtual time of the processor in the core. */
  get cycle(): number {
    return this.#current.aside?.cycle ?? virtualTime(this.#cpu);
  }

  /** Virtual time of a processor as it counts it: of one that waits or sleeps, that of its last instruction. */
  cycleOf(number: number): number {
    return this.#all[number]!.aside?.cycle ?? this.cycle;
  }

  /** The linear instruction pointer of a processor's guest, unsigned or signed canonical; and address bits of the code there. */
  placeOf(number: number): { readonly linear: number; readonly bits: 16 | 32 | 64 } {
    const processor = this.#all[number]!;
    return processor.aside ?? { linear: processor.linear(this.#cpu), bits: this.#cpu.bits };
  }

  /** The same of the processor in the core. */
  get linear(): number {
    return this.#current.linear(this.#cpu);
  }

  /** Virtual time as devices see it, which all processors share: it never goes back. */
  get clock(): number {
    return Math.max(this.#latest, this.cycle);
  }

  #cycleOf(processor: Processor): number {
    if (!processor.aside) return this.cycle;
    const own = processor.aside.cycle;
    return processor.asleep ? Math.max(own, this.clock) : own;
  }

  // Interrupts.

  /** The vector that the local APIC has for the processor in the core; -1 if none. */
  get pendingVector(): number {
    return this.#current.apic.pending;
  }

  /** Whether the processor in the core gets the interrupts of the 8259. */
  get hears8259(): boolean {
    return this.#current.apic.passesExternal;
  }

  /** The 8259 has an interrupt. */
  raise8259(): void {
    for (const processor of this.#all) if (processor.apic.passesExternal) this.#come(processor);
  }

  /** Something may have come for a processor: it is awake, and looks when it is its turn. */
  #come(processor: Processor): void {
    if (processor.asleep && this.#scheduling) this.#scheduling.wake(processor.id);
    else if (processor.asleep && processor.aside) {
      processor.aside = { ...processor.aside, cycle: this.#cycleOf(processor) };
      // The sleeper is behind: it gets the next turn, no later than one that never slept.
      this.#turnEnd = Math.min(this.#turnEnd, this.cycle + turnCycles);
    }
    processor.asleep = false;
    if (processor.aside) return;
    this.#cpu.attention = true;
    this.#cpu.r64[layout.cr8 >> 3] = BigInt(processor.apic.taskPriority >> 4);
    const { signals } = processor;
    if (signals.init || signals.startUp !== null || signals.nmi) this.#attend();
  }

  /** What has come for the processor in the core takes effect, between two instructions. */
  settle(): void {
    settleSignals(this.#cpu, this.#current);
  }

  // Turns.

  /** Cycles until another processor's turn. */
  get turnLeft(): number {
    if (this.held) return Number.POSITIVE_INFINITY;
    return this.#scheduling?.turnLeft ?? this.#turnEnd - this.cycle;
  }

  /** The turn of the processor in the core is over. */
  endTurn(): void {
    this.#turnEnd = 0;
  }

  /** The processor in the core has nothing to do. True if another has. */
  sleep(): boolean {
    this.fallAsleep();
    return this.next();
  }

  /** The processor in the core has nothing to do. */
  fallAsleep(): void {
    this.#current.asleep = true;
  }

  /** Whether one of the processors that an interrupt would wake has such a local APIC. */
  someInterruptible(wanted: (apic: LocalApic) => boolean): boolean {
    return this.#all.some((processor) => processor.isInterruptible(this.#cpu) && wanted(processor.apic));
  }

  /** The lowest priority (PPR) of the processors that an interrupt would wake. */
  get lowestPriority(): number {
    const all = this.#all.filter((processor) => processor.isInterruptible(this.#cpu));
    return Math.min(0xff, ...all.map(({ apic }) => apic.processorPriority));
  }

  /** Time passes for the sleeping processor in the core, to a moment that is not before its own. */
  passTo(cycle: number): void {
    this.doze(cycle);
    this.#current.asleep = false;
  }

  /** As `passTo`; it sleeps on. */
  doze(cycle: number): void {
    this.#cpu.f64[layout.extraCycles >> 3]! += Math.max(0, cycle - this.cycle);
    this.#latest = this.clock;
  }

  /** Gives the turn to the processor that is furthest behind of those that have something to do. False if none has. */
  next(): boolean {
    let next: Processor | undefined;
    for (const processor of this.#all)
      if (!processor.asleep && (!next || this.#cycleOf(processor) < this.#cycleOf(next))) next = processor;
    if (!next) return false;
    this.#latest = this.clock;
    if (next !== this.#current) this.#switchTo(next);
    this.#turnEnd = this.#all.length === 1 ? Number.POSITIVE_INFINITY : this.cycle + turnCycles;
    return true;
  }

  /**
   * Puts a processor into the core, which nobody or another of these is in. That alone changes nothing: when the one that was there is
   * back, all is as it was.
   */
  show(number: number): void {
    const next = this.#all[number]!;
    if (!next.aside) return;
    this.leave();
    this.#current = next;
    next.takeUp(this.#cpu);
  }

  /** While none of these is in the core: the one that was in it last, but for visits. */
  resume(number: number): void {
    if (!this.inCore) this.#current = this.#all[number]!;
  }

  /** The core is free for processors of another VM. */
  leave(): void {
    this.#current.putAside(this.#cpu);
  }

  #switchTo(next: Processor): void {
    this.show(next.id);
    this.#begin();
  }

  /** The processor that has just come into the core is about to run. */
  #begin(): void {
    this.#cpu.attention = true;
    this.#current.monitor?.takenUp?.();
  }

  /** Devices are not behind this time. */
  passTime(cycle: number): void {
    this.#latest = Math.max(this.clock, cycle);
  }

  /** The scheduler gives the turn to the processor in the core, at a time that is not before its own; `stays`: as the turn before. */
  take(cycle: number, stays: boolean): void {
    this.#cpu.f64[layout.extraCycles >> 3]! += Math.max(0, cycle - this.cycle);
    if (!stays) this.#begin();
  }

  save(): Saved {
    return {
      current: this.#current.id,
      turnEnd: this.#turnEnd,
      latest: this.#latest,
      vmm: this.#vmm?.save(),
      processors: this.#all.map((processor) => processor.save()),
    };
  }

  /** After the memory has been restored. Of a VM in the core, the core is this one's again. */
  restore(state: unknown): void {
    const saved = state as Saved;
    this.#current = this.#all[saved.current]!;
    this.#turnEnd = saved.turnEnd;
    this.#latest = saved.latest;
    this.#vmm?.restore(saved.vmm);
    for (const [n, processor] of saved.processors.entries()) this.#all[n]!.restore(processor);
    if (this.inCore && this.#current.monitor) this.#cpu.monitor = this.#current.monitor;
  }
}
