import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { vector } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../cpu/monitor.ts";
import { CS } from "../../cpu/state.ts";
import type { WalkOutcome } from "../../cpu/walk-outcome.ts";
import { haltText, tripleFaultText } from "../../stop-texts.ts";
import type { Outlook } from "../../trace/event.ts";
import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { Dispatcher, type ExitBody, type Pending } from "../dispatcher.ts";
import { walkShadowed } from "../memory/shadow-walk.ts";
import { type Place, TranslationCache } from "../translation/cache.ts";
import { type Cause, Causes } from "../translation/causes.ts";
import { Continuation, type SavedContinuation } from "../translation/continuation.ts";
import { translationOutlook } from "../translation/outlook.ts";
import type { Passage } from "../translation/passage.ts";
import { slot } from "../translation/places.ts";
import { crossingOf, describeCallout, describeFault, describeMiss } from "../translation/reasons.ts";
import { dataSegment } from "../translation/segments.ts";
import { type Origin, type SavedTranslations, Translations } from "../translation/translations.ts";
import type { TranslatedUnit } from "../translation/view.ts";
import { GuestShadows, type SavedShadows } from "./guest-shadows.ts";
import { GuestWork, interruptName } from "./guest-work.ts";
import { savedFault } from "./saved-fault.ts";
import { describeInterrupt, describeNmi, describeTrap } from "./trap-reasons.ts";
import { VirtualCpu, type VirtualRegisters } from "./virtual-cpu.ts";

const IF = flagMask("IF");

interface Saved {
  readonly pending: Pending | null;
  readonly cause: Cause;
  readonly inside: boolean;
  readonly waiting: boolean;
  readonly heldBack: boolean;
  readonly virtual: VirtualRegisters;
  readonly continuation: SavedContinuation;
  readonly nextPage: number;
  readonly shadows: SavedShadows;
  readonly translations: SavedTranslations;
}

/**
 * A VMM by binary translation (Adams and Agesen, ASPLOS 2006): the guest's kernel runs as translated code at ring 1, from a cache in
 * the VMM's memory; its processes run directly. Shadow page and descriptor tables are those of trap and emulate.
 *
 * What is translated are 32-bit kernels in ring 0. The VMM interprets everything else: see `reasonToInterpret`.
 */
export class BinaryTranslation implements Monitor {
  readonly #cpu: Cpu;
  readonly #context: VmmContext;
  readonly #allocator: Allocator;
  readonly #virtual: VirtualCpu;
  readonly #shadows: GuestShadows;
  readonly #dispatcher: Dispatcher<BinaryTranslation>;
  readonly #translations: Translations;
  readonly #work: GuestWork;
  readonly #continuation: Continuation;
  readonly #causes: Causes;
  #cause: Cause = { kind: "unplaced" };
  /** The guest had interrupts disabled when the last one came. */
  #heldBack = false;

  constructor(context: VmmContext) {
    this.#context = context;
    const { cpu } = context;
    this.#cpu = cpu;
    const memory = new HostMemory(cpu);
    const allocator = new Allocator(memory, context);
    const virtual = new VirtualCpu(cpu);
    const isTraced = (page: number): boolean => this.#translations.holdsCode(page);
    const shadows = new GuestShadows({ context, memory, allocator, virtual, isTraced });
    shadows.descriptors.addTranslationSegments(dataSegment);
    const cache = new TranslationCache(cpu, memory, allocator, shadows.descriptors);
    const translations = new Translations({
      cpu,
      cache,
      record: (body) => context.record(body),
      hostOf: (physical) => allocator.hostOf(physical),
      traced: (page) => shadows.paging.protectPage(page),
    });
    const handlers = { cause: (vmm: BinaryTranslation) => vmm.#causes.handle(vmm.#cause) };
    this.#dispatcher = new Dispatcher(context, "binary-translation", handlers, crossingOf);
    const completed = (instructions: number) => this.#dispatcher.completed(instructions);
    const work = new GuestWork({ context, completed, flushed: (what) => this.#causes.flushed(what) });
    this.#allocator = allocator;
    this.#virtual = virtual;
    this.#shadows = shadows;
    this.#translations = translations;
    this.#work = work;
    this.#causes = new Causes({ cpu, shadows, translations, work });
    this.#continuation = new Continuation({ context, cache, virtual, shadows, translations, work, completed });
    cpu.memoryObserver.translatedWritten = (physical, bytes) => this.#written(physical, bytes);
    this.#withMonitor(() => this.#continuation.begin());
  }

  /** The tables are read through the monitor, which the machine installs only after it was made. */
  #withMonitor(act: () => void): void {
    const { monitor } = this.#cpu;
    this.#cpu.monitor = this;
    act();
    this.#cpu.monitor = monitor;
  }

  get #passage(): Passage {
    return this.#continuation.passage;
  }

  /** Where in the cache the processor is; undefined where it is in the guest's own code. */
  get #placeInCache(): Place | undefined {
    return this.#passage.inCache ? this.#translations.cache.at(this.#cpu.rip) : undefined;
  }

  // What the processor asks.

  get ownsInterrupts(): boolean {
    return !this.#virtual.inside;
  }

  beforeInstruction(): boolean {
    return false;
  }

  why(instruction: Decoded): Outlook {
    return translationOutlook(this.#cpu, instruction, this.#continuation.isInterpreted);
  }

  onException(fault: Fault): boolean {
    if (this.#virtual.inside) return false;
    const { address } = fault;
    const place = this.#placeInCache;
    const cause: Cause = { kind: "fault", fault: savedFault(fault) };
    const entry = address === undefined ? 0 : (this.#shadows.paging.entryFor(Number(address))?.low ?? 0);
    if (!place) this.#enterVmm(cause, describeTrap(this.#cpu, fault, entry));
    else if (fault.vector === vector.UD && place.site.trap) this.#trapped(place);
    else {
      const rip = this.#continuation.leaveCache();
      this.#enterVmm(cause, describeFault(place.unit, rip, fault, entry));
    }
    return true;
  }

  /** One of the translator's own traps. */
  #trapped({ site, unit }: Place): void {
    const rip = this.#continuation.leaveCache();
    if (site.trap === "callout" && unit) {
      const adapted = this.#translations.adaptation.isAdapted(this.#cpu.codeLinear(rip));
      this.#enterVmm({ kind: "callout" }, describeCallout(unit, rip, adapted));
    } else if (site.trap === "exit") this.#enterVmm({ kind: "exit", stub: site.at }, describeMiss(rip, "exit"));
    else this.#enterVmm({ kind: "lookup" }, describeMiss(rip, "lookup"));
  }

  #enterVmm(cause: Cause, body: ExitBody): void {
    this.#cause = cause;
    this.#dispatcher.left(body, "cause");
  }

  onInterrupt(): boolean {
    if (this.#virtual.inside) return false;
    const interruptible = (this.#passage.flags & IF) !== 0;
    if (this.#work.waiting) return interruptible && this.#wake();
    if (!interruptible && this.#heldBack) return false;
    if (this.#continuation.isShadowed) {
      this.#cpu.attention = true;
      return false;
    }
    this.#heldBack = !interruptible;
    this.#continuation.leaveCache();
    this.#enterVmm({ kind: "interrupt" }, describeInterrupt(interruptible));
    return true;
  }

  /** Only the VMM switches tasks, where it emulates the guest. */
  onTaskSwitch(): void {
    this.#shadows.taskSwitched = true;
  }

  onNmi(): boolean {
    if (this.#virtual.inside) return false;
    if (this.#work.waiting) {
      this.#work.waiting = false;
      this.#cpu.activity = 0;
    }
    this.#continuation.leaveCache();
    this.#enterVmm({ kind: "nmi" }, describeNmi);
    return true;
  }

  onTripleFault(): boolean {
    this.#work.tripleFault();
    this.#context.stop("triple-fault", tripleFaultText);
    return true;
  }

  atBoundary(): boolean {
    if (this.#continuation.isInterpreted) return this.#interpretedOne();
    if (this.#work.waiting) {
      if ((this.#virtual.registers.flags & IF) === 0) this.#context.stop("halted", haltText);
      return false;
    }
    const place = this.#placeInCache;
    // Its code was overwritten by somebody else while it ran.
    if (place?.unit && !this.#translations.cache.isAlive(place.unit)) this.#continuation.leaveCache();
    if (!this.#continuation.isUnplaced) return false;
    this.#enterVmm({ kind: "unplaced" }, describeMiss(this.#cpu.rip, "resume"));
    return true;
  }

  #interpretedOne(): boolean {
    const wasLast = this.#continuation.interpretedOne();
    if (wasLast) this.#enterVmm({ kind: "unplaced" }, describeMiss(this.#cpu.rip, "resume"));
    return wasLast;
  }

  /** The shadow tables hold host-physical addresses; the guest's own tables, which the VMM reads for it, guest-physical ones. */
  translate(physical: number, access: Access, { forTable }: NestedAccess): number | undefined {
    if (!this.#virtual.inside) return physical;
    if (access === "write" && !forTable) this.#shadows.wrote(physical);
    return this.#allocator.reachOf(physical);
  }

  memoryWritten(physical: number): void {
    this.#shadows.wrote(physical);
    this.#shadows.settle();
  }

  readControl(_number: 0 | 4, real: bigint): bigint {
    return real;
  }

  #written(physical: number, bytes: number): void {
    this.#translations.written(physical - this.#context.guestBase, bytes);
    if (!this.#virtual.inside) this.#cpu.attention = true;
  }

  countersAt(physical: number): readonly number[] {
    return this.#translations.countersAt(physical);
  }

  // What a debugger asks.

  get guestPlace(): { readonly rip: number; readonly linear: number; readonly starts: boolean } | undefined {
    if (!this.#passage.inCache) return undefined;
    const { site } = this.#translations.cache.at(this.#cpu.rip)!;
    const rip = site.rip === "target" ? this.#translations.cache.data(slot.target) : site.rip;
    return { rip, linear: (this.#passage.segments[CS]!.base + rip) >>> 0, starts: site.starts };
  }

  breakpointsFor(guest: ReadonlySet<bigint>): ReadonlySet<bigint> {
    return this.#translations.breakpointsFor(guest);
  }

  translatedUnits(): readonly TranslatedUnit[] {
    return this.#translations.view();
  }

  viewGuest<T>(look: () => T): T {
    if (!this.#passage.inCache) return this.#virtual.withGuestRegisters(look);
    const cpu = this.#cpu;
    const words = cpu.u32.slice(0, layout.end >> 2);
    const { registers } = this.#virtual;
    this.#passage.leave();
    try {
      return this.#virtual.withGuestRegisters(look);
    } finally {
      cpu.u32.set(words);
      this.#virtual.registers = registers;
      cpu.refresh();
    }
  }

  changeGuest(change: () => true | string, translation: boolean): true | string {
    if (this.#virtual.inside) return change();
    this.#continuation.leaveCache();
    this.#virtual.enter();
    const words = this.#cpu.u32.slice(0, layout.end >> 2);
    let result = change();
    if (this.#virtual.unsupportedMode !== undefined) {
      this.#cpu.u32.set(words);
      result = "Under binary translation a debugger cannot take the guest to or from real, virtual-8086 or long mode.";
    }
    if (translation && result === true) {
      this.#shadows.drop("a debugger changed the guest's paging");
      this.#translations.review();
    }
    this.#continuation.reconsider();
    this.#continuation.leave();
    return result;
  }

  walk(linear: number): WalkOutcome {
    return walkShadowed(this.#cpu, this.#shadows.paging, this.#virtual, linear);
  }

  guestPhysical(linear: number): number | undefined {
    return this.#virtual.withGuestPaging(() => this.#cpu.walker.physicalOf(linear));
  }

  // The VMM.

  addressLineChanged(): void {
    this.#shadows.drop("address line 20 was switched");
  }

  get exitPending(): boolean {
    return this.#dispatcher.pending !== undefined && !this.#work.waiting;
  }

  handleExit(): void {
    this.#virtual.enter();
    let handled: string | undefined;
    try {
      handled = this.#dispatcher.dispatch(this);
      if (handled !== undefined) handled += this.#offerInterrupt() + this.#continuation.place(this.#origin);
    } finally {
      this.#continuation.leave();
    }
    if (handled !== undefined) this.#resumed(handled);
  }

  #resumed(handled: string): void {
    const translated = this.#translations.takeWork();
    this.#dispatcher.resumed(handled, translated * this.#context.costs.translation);
  }

  #offerInterrupt(): string {
    const number = this.#work.offerInterrupt();
    if (number === undefined) return "";
    this.#heldBack = false;
    return `, delivered ${interruptName(number)}`;
  }

  /** An interrupt ends the wait of HLT. */
  #wake(): boolean {
    this.#work.waiting = false;
    this.#cpu.activity = 0;
    this.#virtual.enter();
    let handled = "emulated HLT: idle until an interrupt came";
    try {
      handled += this.#offerInterrupt() + this.#continuation.place(this.#origin);
    } finally {
      this.#continuation.leave();
    }
    this.#resumed(handled);
    return true;
  }

  get #origin(): Origin {
    const cause = this.#cause;
    if (cause.kind === "lookup") return "lookup";
    return cause.kind === "exit" ? this.#translations.cache.exitAt(cause.stub) : undefined;
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      cause: this.#cause,
      inside: this.#virtual.inside,
      waiting: this.#work.waiting,
      heldBack: this.#heldBack,
      virtual: this.#virtual.registers,
      continuation: this.#continuation.save(),
      nextPage: this.#allocator.mark,
      shadows: this.#shadows.save(),
      translations: this.#translations.save(),
    };
  }

  restore(state: unknown): void {
    const saved = state as Saved;
    this.#dispatcher.pending = saved.pending ?? undefined;
    this.#cause = saved.cause;
    this.#virtual.inside = saved.inside;
    this.#work.waiting = saved.waiting;
    this.#heldBack = saved.heldBack;
    this.#virtual.registers = saved.virtual;
    this.#continuation.restore(saved.continuation);
    this.#allocator.release(saved.nextPage);
    this.#shadows.restore(saved.shadows);
    this.#translations.restore(saved.translations);
  }
}
