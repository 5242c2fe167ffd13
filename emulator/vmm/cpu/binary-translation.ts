import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault, vector } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess, VmExit } from "../../cpu/monitor.ts";
import { CR0, CR4, CS, LDTR, type Segment } from "../../cpu/state.ts";
import { haltText, tripleFaultText } from "../../stop-texts.ts";
import type { Outlook } from "../../trace/event.ts";
import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import { hostReservedBytes, type VmmContext } from "../context.ts";
import { Dispatcher, type ExitBody, type Pending } from "../dispatcher.ts";
import { requestOf, ShadowFaults } from "../memory/shadow-faults.ts";
import { type SavedShadow, ShadowPaging } from "../memory/shadow-paging.ts";
import { type Place, TranslationCache } from "../translation/cache.ts";
import { type Left, Passage } from "../translation/passage.ts";
import { slot } from "../translation/places.ts";
import { reasonToInterpret } from "../translation/reason-to-interpret.ts";
import { describeCallout, describeFault, describeMiss } from "../translation/reasons.ts";
import { dataSegment } from "../translation/segments.ts";
import { type Origin, type SavedTranslations, Translations } from "../translation/translations.ts";
import type { TranslatedUnit } from "../translation/view.ts";
import { type Flushed, GuestWork, interruptName } from "./guest-work.ts";
import { ShadowDescriptors, vmmLinear } from "./shadow-descriptors.ts";
import { translationOutlook } from "./trap-outlook.ts";
import { describeInterrupt, describeNmi, describeTrap } from "./trap-reasons.ts";
import { VirtualCpu, type VirtualRegisters } from "./virtual-cpu.ts";

const IF = flagMask("IF");
const vmExit: VmExit = { kind: "exit" };
const pageBytes = 4096;
/** Interruptibility: blocking by STI and by MOV SS. */
const anyShadow = 3;
/** Changes of these CR0 and CR4 bits make old translations invalid. */
const pagingCr0 = CR0.PG | CR0.WP;
const pagingCr4 = CR4.PSE | CR4.PAE | CR4.PGE;
/** Cycles the translator takes for an instruction (Adams and Agesen measured about 2300), unless only crossings are counted. */
const translationCycles = 2300;

/** How the guest runs when the VMM has resumed it. */
type Running =
  /** Its process, directly. */
  | "directly"
  /** Its kernel, as units of the cache. */
  | "translated"
  /** Instruction by instruction, as the VMM's work. */
  | "interpreted"
  /** Its kernel, but nobody has looked yet where its translation is. */
  | "unplaced";

/** Why the VMM has been entered. Plain JSON. */
type Cause =
  | { readonly kind: "unplaced" | "lookup" | "callout" | "interrupt" | "nmi" }
  /** An exit of a unit, by its stub. */
  | { readonly kind: "exit"; readonly stub: number }
  | { readonly kind: "fault"; readonly fault: SavedFault };

type SavedFault = Omit<Fault, "kind" | "errorCode" | "address" | "debug"> & {
  readonly errorCode: number | null;
  readonly address: number | null;
  readonly debug: number | null;
};

interface Saved {
  readonly pending: Pending | null;
  readonly cause: Cause;
  readonly running: Running;
  readonly entry: number;
  readonly inside: boolean;
  readonly waiting: boolean;
  readonly heldBack: boolean;
  readonly virtual: VirtualRegisters;
  readonly segments: readonly Segment[];
  readonly left: Left | null;
  readonly shadowAt: number | null;
  readonly traced: readonly number[];
  readonly descriptorsWritten: boolean;
  readonly interpreted: { readonly from: number; readonly count: number };
  readonly nextPage: number;
  readonly shadow: SavedShadow;
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
  readonly #descriptors: ShadowDescriptors;
  readonly #shadow: ShadowPaging;
  readonly #faults: ShadowFaults;
  readonly #dispatcher: Dispatcher<BinaryTranslation>;
  readonly #passage: Passage;
  readonly #translations: Translations;
  readonly #work: GuestWork;
  #running: Running = "unplaced";
  #cause: Cause = { kind: "unplaced" };
  /** The guest had interrupts disabled when the last one came. */
  #heldBack = false;
  /** Where in the cache the kernel goes on. */
  #entry = 0;
  /** Where the cache was left. */
  #left: Left | undefined;
  /** Offset of an instruction before which no interrupt may come. */
  #shadowAt: number | undefined;
  /** The VMM itself has written to traced pages: one with descriptors, any. */
  #descriptorsWritten = false;
  #tracedWritten = false;
  #taskSwitched = false;
  /** The interpretation under way: retired instructions when it began, and those that are counted as the VMM's since. */
  #interpreted = { from: 0, count: 0 };

  constructor(context: VmmContext) {
    this.#context = context;
    const { cpu } = context;
    this.#cpu = cpu;
    const memory = new HostMemory(cpu);
    this.#allocator = new Allocator(memory, context);
    this.#virtual = new VirtualCpu(cpu);
    this.#descriptors = new ShadowDescriptors(cpu, memory, this.#allocator);
    this.#descriptors.addTranslationSegments(dataSegment);
    const cache = new TranslationCache(cpu, memory, this.#allocator, this.#descriptors);
    this.#shadow = new ShadowPaging({
      cpu,
      memory,
      allocator: this.#allocator,
      own: this.#descriptors.own,
      isTraced: (page) => this.#isTraced(page),
    });
    this.#faults = new ShadowFaults(context, this.#shadow);
    this.#passage = new Passage(cpu, cache, this.#virtual);
    this.#translations = new Translations({
      cpu,
      cache,
      record: (body) => context.record(body),
      hostOf: (physical) => this.#allocator.hostOf(physical),
      traced: (page) => this.#shadow.protectPage(page),
    });
    this.#dispatcher = new Dispatcher(context, "binary-translation", { cause: (vmm) => vmm.#handle() });
    const completed = (instructions: number) => this.#dispatcher.completed(instructions);
    this.#work = new GuestWork({ context, completed, flushed: (what) => this.#flushed(what) });
    cpu.memoryObserver.translatedWritten = (physical, bytes) => this.#written(physical, bytes);
    this.#withMonitor(() => this.#begin());
  }

  /** The tables are read through the monitor, which the machine installs only after it was made. */
  #withMonitor(act: () => void): void {
    const { monitor } = this.#cpu;
    this.#cpu.monitor = this;
    act();
    this.#cpu.monitor = monitor;
  }

  #begin(): void {
    const reason = reasonToInterpret(this.#cpu);
    if (reason !== undefined) this.#interpret(reason);
    else {
      this.#descriptors.synchronize(false);
      this.#leave();
    }
  }

  // What the processor asks.

  get ownsInterrupts(): boolean {
    return !this.#virtual.inside;
  }

  beforeInstruction(): boolean {
    return false;
  }

  why(instruction: Decoded): Outlook {
    return translationOutlook(this.#cpu, instruction);
  }

  onException(fault: Fault): void {
    if (this.#virtual.inside) return;
    const { errorCode, address, debug, vector: number, source, length } = fault;
    const place = this.#passage.inCache ? this.#translations.cache.at(this.#cpu.rip) : undefined;
    const cause: Cause = {
      kind: "fault",
      fault: {
        vector: number,
        source,
        length,
        errorCode: errorCode ?? null,
        address: address === undefined ? null : Number(address),
        debug: debug ?? null,
      },
    };
    const entry = address === undefined ? 0 : (this.#shadow.entryFor(Number(address))?.low ?? 0);
    if (!place) this.#enterVmm(cause, describeTrap(this.#cpu, fault, entry));
    else if (number === vector.UD && place.site.trap) this.#trapped(place);
    else {
      const rip = this.#leaveCache();
      this.#enterVmm(cause, describeFault(place.unit, rip, fault, entry));
    }
    throw vmExit;
  }

  /** One of the translator's own traps. */
  #trapped({ site, unit }: Place): void {
    const rip = this.#leaveCache();
    if (site.trap === "callout" && unit) {
      const adapted = this.#translations.adaptation.isAdapted(this.#cpu.codeLinear(rip));
      this.#enterVmm({ kind: "callout" }, describeCallout(unit, rip, adapted));
    } else if (site.trap === "exit") this.#enterVmm({ kind: "exit", stub: site.at }, describeMiss(rip, "exit"));
    else this.#enterVmm({ kind: "lookup" }, describeMiss(rip, "lookup"));
  }

  /** The guest's state takes the place of the cache's; its instruction pointer. */
  #leaveCache(): number {
    if (this.#passage.inCache) {
      this.#left = this.#passage.leave();
      this.#running = "unplaced";
    }
    return this.#cpu.rip;
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
    if (this.#isShadowed) {
      this.#cpu.attention = true;
      return false;
    }
    this.#heldBack = !interruptible;
    this.#leaveCache();
    this.#enterVmm({ kind: "interrupt" }, describeInterrupt(interruptible));
    return true;
  }

  /** In the cache, in front of or within an instruction that STI or MOV SS keeps interrupts from. */
  get #isShadowed(): boolean {
    const site = this.#passage.inCache ? this.#translations.cache.at(this.#cpu.rip)?.site : undefined;
    return site !== undefined && (site.shadowed || (!site.starts && site.rip === this.#shadowAt));
  }

  /** Only the VMM switches tasks, where it emulates the guest. */
  onTaskSwitch(): void {
    this.#taskSwitched = true;
  }

  onNmi(): boolean {
    if (this.#virtual.inside) return false;
    if (this.#work.waiting) {
      this.#work.waiting = false;
      this.#cpu.activity = 0;
    }
    this.#leaveCache();
    this.#enterVmm({ kind: "nmi" }, describeNmi);
    return true;
  }

  onTripleFault(): boolean {
    this.#work.tripleFault();
    this.#context.stop("triple-fault", tripleFaultText);
    return true;
  }

  atBoundary(): boolean {
    if (this.#running === "interpreted") return this.#interpretedOne();
    if (this.#work.waiting) {
      if ((this.#virtual.registers.flags & IF) === 0) this.#context.stop("halted", haltText(false));
      return false;
    }
    const place = this.#passage.inCache ? this.#translations.cache.at(this.#cpu.rip) : undefined;
    // Its code was overwritten by somebody else while it ran.
    if (place?.unit && !this.#translations.cache.isAlive(place.unit)) this.#leaveCache();
    if (this.#running !== "unplaced") return false;
    this.#enterVmm({ kind: "unplaced" }, describeMiss(this.#cpu.rip, "resume"));
    return true;
  }

  /** The shadow tables hold host-physical addresses; the guest's own tables, which the VMM reads for it, guest-physical ones. */
  translate(physical: number, access: Access, { forTable }: NestedAccess): number | undefined {
    if (!this.#virtual.inside) return physical;
    if (access === "write" && !forTable) this.#wrote(physical);
    return this.#allocator.reachOf(physical);
  }

  memoryWritten(physical: number): void {
    this.#wrote(physical);
    this.#settle();
  }

  /** The VMM wrote guest memory for the guest, or a device or a debugger has. */
  #wrote(physical: number): void {
    this.#shadow.written(physical);
    const page = Math.floor(physical / pageBytes);
    if (this.#descriptors.traced.has(page)) this.#descriptorsWritten = true;
    const place = this.#shadow.placeOf(physical);
    const isTable = place !== undefined && this.#shadow.coherence.isProtected(place);
    if (isTable || this.#isTraced(page)) this.#tracedWritten = true;
  }

  readControl(_number: 0 | 4, real: bigint): bigint {
    return real;
  }

  /** Whether writes to a guest-physical page must be seen, page tables apart. */
  #isTraced(page: number): boolean {
    return this.#descriptors.traced.has(page) || this.#translations.holdsCode(page);
  }

  #written(physical: number, bytes: number): void {
    this.#translations.written(physical - hostReservedBytes, bytes);
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
    this.#leaveCache();
    this.#virtual.enter();
    const result = change();
    if (translation && result === true) {
      this.#faults.dropped("a debugger changed the guest's paging");
      this.#translations.review();
    }
    const isKernel = this.#cpu.cpl < 3;
    this.#running = isKernel || reasonToInterpret(this.#cpu) !== undefined ? "unplaced" : "directly";
    this.#leave();
    return result;
  }

  guestPhysical(linear: number): number | undefined {
    return this.#virtual.withGuestPaging(() => {
      const result = this.#cpu.walker.walk({ linear, access: "read", user: false, probe: true });
      return result.kind === "page" ? result.physical : undefined;
    });
  }

  // The VMM.

  addressLineChanged(): void {
    this.#faults.dropped("address line 20 was switched");
  }

  get exitPending(): boolean {
    return this.#dispatcher.pending !== undefined && !this.#work.waiting;
  }

  handleExit(): void {
    this.#virtual.enter();
    let handled: string | undefined;
    try {
      handled = this.#dispatcher.dispatch(this);
      if (handled !== undefined) handled += this.#offerInterrupt() + this.#place();
    } finally {
      this.#leave();
    }
    if (handled !== undefined) this.#resumed(handled);
  }

  #resumed(handled: string): void {
    const translated = this.#translations.takeWork();
    const { vmread } = this.#context.costs;
    this.#dispatcher.resumed(handled, vmread > 0 ? translated * translationCycles : translated);
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
      handled += this.#offerInterrupt() + this.#place();
    } finally {
      this.#leave();
    }
    this.#resumed(handled);
    return true;
  }

  /** The cause of the exit is dealt with; the guest's own registers are loaded. */
  #handle(): string | undefined {
    const cause = this.#cause;
    switch (cause.kind) {
      case "interrupt":
        return "took the interrupt";
      case "nmi":
        return this.#work.deliverNmi();
      case "callout":
        return this.#callout();
      case "fault":
        return this.#handleFault(faultOf(cause.fault));
      default:
        return "found the translation";
    }
  }

  #callout(): string | undefined {
    const { adaptation } = this.#translations;
    const linear = this.#cpu.codeLinear(this.#cpu.rip);
    this.#tracedWritten = false;
    const handled = this.#work.emulate();
    if (adaptation.isAdapted(linear) && adaptation.ran(linear, this.#tracedWritten))
      this.#translations.adapt(linear, false);
    return handled;
  }

  #handleFault(fault: Fault): string | undefined {
    if (fault.vector === vector.PF && fault.source === "hardware") return this.#handlePageFault(fault);
    if (fault.source !== "hardware" || fault.vector === vector.DB) return this.#work.deliver(fault);
    // What the instruction raises at the level the guest believes to have is the guest's.
    return this.#work.emulate();
  }

  #handlePageFault(fault: Fault): string | undefined {
    const request = requestOf(fault, false, false);
    // Only segment limits keep the kernel from the VMM's addresses; a process finds their pages the supervisor's.
    const outcome = request.linear >= vmmLinear ? undefined : this.#faults.handle(request);
    if (outcome?.kind === "hidden") return outcome.what;
    if (outcome?.kind === "guest") return this.#work.deliver({ ...fault, errorCode: outcome.errorCode });
    if (outcome?.kind === "traced") this.#shadow.protectAt(outcome.linear);
    const at = this.#cpu.codeLinear(this.#cpu.rip);
    const isKernel = this.#cpu.cpl === 0;
    this.#tracedWritten = false;
    const handled = this.#work.emulate();
    const { adaptation } = this.#translations;
    if (isKernel && this.#tracedWritten && adaptation.trapped(at)) this.#translations.adapt(at, true);
    return handled;
  }

  #flushed(what: Flushed): void {
    if ("page" in what) {
      this.#faults.invalidated(what.page);
      this.#translations.review(what.page);
      return;
    }
    if (what.all === "CR3") this.#faults.loadedRoot();
    else this.#faults.flushed(`the guest executed ${what.all}`);
    this.#translations.review();
  }

  // Where the guest goes on.

  /** Decides how the guest goes on, and finds its code; what is to be said of it. */
  #place(): string {
    const reason = reasonToInterpret(this.#cpu);
    if (reason !== undefined) return this.#interpret(reason);
    this.#reviewPaging();
    if (this.#cpu.cpl === 3) {
      this.#running = "directly";
      return "";
    }
    try {
      return this.#placeKernel();
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      const delivered = this.#work.deliver(thrown);
      return delivered === undefined ? "" : `, ${delivered}${this.#place()}`;
    }
  }

  #placeKernel(): string {
    const cpu = this.#cpu;
    const known = this.#whereLeft;
    if (known === undefined) {
      cpu.fetch8(cpu.rip);
      const host = cpu.fetchPage(cpu.codeLinear(cpu.rip));
      if (!cpu.physical.isRam(host)) return this.#interpret("code that is not in memory");
      if (!this.#context.isCode(host)) {
        // The processor finds that there is nothing to execute.
        this.#running = "directly";
        return "";
      }
    }
    this.#entry = known ?? this.#translations.enter(this.#origin);
    this.#running = "translated";
    return "";
  }

  /** Back to where the cache was left, if that is where the guest is, or further on in the same unit. */
  get #whereLeft(): number | undefined {
    // What leads to a unit is chained to it.
    const left = this.#origin === undefined ? this.#left : undefined;
    const { cache } = this.#translations;
    const unit = left?.unit === undefined ? undefined : cache.unit(left.unit);
    if (!left || !unit || !cache.isAlive(unit) || unit.context !== this.#translations.context) return undefined;
    const { rip } = this.#cpu;
    return cache.startOf(unit, rip) ?? (left.rip === rip ? left.at : undefined);
  }

  get #origin(): Origin {
    const cause = this.#cause;
    if (cause.kind === "lookup") return "lookup";
    return cause.kind === "exit" ? this.#translations.cache.exitAt(cause.stub) : undefined;
  }

  /** From now on the guest's own registers stay loaded, and the processor executes one instruction at a time for the VMM. */
  #interpret(reason: string): string {
    this.#running = "interpreted";
    this.#interpreted = { from: this.#retired, count: 0 };
    this.#cpu.attention = true;
    this.#context.record({ kind: "interpret", instructions: 0, what: `the VMM interprets ${reason}` });
    return ", begins to interpret";
  }

  get #retired(): number {
    const { f64 } = this.#cpu;
    return f64[layout.steps >> 3]! - f64[layout.unretired >> 3]!;
  }

  /** Before each instruction that is interpreted: the one before was the VMM's work. */
  #interpretedOne(): boolean {
    const cpu = this.#cpu;
    const { from, count } = this.#interpreted;
    const done = this.#retired - from;
    this.#interpreted = { from, count: count + done };
    cpu.f64[layout.unretired >> 3]! += done;
    this.#dispatcher.completed(done);
    cpu.attention = true;
    const instructions = count + done;
    // The reason may lie with the first instruction alone.
    if (instructions === 0 || cpu.activity !== 0 || reasonToInterpret(cpu) !== undefined) return false;
    const what = `the VMM has interpreted ${instructions} instruction${instructions === 1 ? "" : "s"}`;
    this.#context.record({ kind: "interpret", instructions, what });
    // Writes were not looked at: nothing is known of tables and descriptors.
    this.#faults.dropped("the VMM interpreted the guest");
    this.#translations.review();
    this.#descriptorsWritten = true;
    this.#left = undefined;
    this.#running = "unplaced";
    this.#leave();
    this.#enterVmm({ kind: "unplaced" }, describeMiss(cpu.rip, "resume"));
    return true;
  }

  /** The guest may have changed where its code is mapped. */
  #reviewPaging(): void {
    const before = this.#virtual.registers;
    const { cr0, cr3, cr4 } = this.#cpu;
    const newModes = ((cr0 ^ before.cr0) & pagingCr0) !== 0 || ((cr4 ^ before.cr4) & pagingCr4) !== 0;
    if (newModes) this.#faults.flushed("the guest changed its paging mode");
    else if (this.#taskSwitched && cr3 !== before.cr3) this.#faults.loadedRoot("a task switch loaded CR3");
    if (newModes || cr3 !== before.cr3) this.#translations.review();
    this.#taskSwitched = false;
  }

  /** Before the guest goes on: its shadows must agree with what the VMM has done for it. */
  #leave(): void {
    if (this.#running === "interpreted") return;
    if (this.#haveTablesChanged) this.#synchronize();
    this.#settle();
    this.#virtual.leave(this.#descriptors.real(this.#cpu.segment(LDTR), this.#shadow.load()));
    const cpu = this.#cpu;
    this.#shadowAt = (cpu.interruptibility & anyShadow) === 0 ? undefined : cpu.rip;
    // What a process could ask of the VMM's tables and of CR0 traps.
    if (this.#running === "directly") cpu.r64[layout.cr4 >> 3] = cpu.r64[layout.cr4 >> 3]! | BigInt(CR4.UMIP);
    else if (this.#running === "translated") this.#passage.enter(this.#entry, cpu.bus.interruptPending());
    else cpu.attention = true;
  }

  get #haveTablesChanged(): boolean {
    const before = this.#virtual.registers;
    const { cr0, cr3, cr4, gdtr } = this.#cpu;
    const ldtr = this.#cpu.segment(LDTR);
    return (
      this.#descriptorsWritten ||
      ((cr0 ^ before.cr0) & pagingCr0) !== 0 ||
      ((cr4 ^ before.cr4) & pagingCr4) !== 0 ||
      cr3 !== before.cr3 ||
      gdtr.base !== before.gdtr.base ||
      gdtr.limit !== before.gdtr.limit ||
      ldtr.selector !== before.ldtr.selector ||
      ldtr.base !== before.ldtr.base ||
      ldtr.limit !== before.ldtr.limit
    );
  }

  #synchronize(): void {
    const before = this.#descriptors.traced;
    this.#descriptors.synchronize(false);
    for (const page of this.#descriptors.traced) if (!before.has(page)) this.#shadow.protectPage(page);
    this.#descriptorsWritten = false;
  }

  /** The shadows of what was written are brought up to date. */
  #settle(): void {
    this.#shadow.coherence.settle();
    if (this.#shadow.takeStale()) this.#cpu.flushTlb(true);
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      cause: this.#cause,
      running: this.#running,
      entry: this.#entry,
      inside: this.#virtual.inside,
      waiting: this.#work.waiting,
      heldBack: this.#heldBack,
      virtual: this.#virtual.registers,
      segments: this.#passage.segments,
      left: this.#left ?? null,
      shadowAt: this.#shadowAt ?? null,
      traced: [...this.#descriptors.traced],
      descriptorsWritten: this.#descriptorsWritten,
      interpreted: this.#interpreted,
      nextPage: this.#allocator.mark,
      shadow: this.#shadow.save(),
      translations: this.#translations.save(),
    };
  }

  restore(state: unknown): void {
    const saved = state as Saved;
    this.#dispatcher.pending = saved.pending ?? undefined;
    this.#cause = saved.cause;
    this.#running = saved.running;
    this.#entry = saved.entry;
    this.#virtual.inside = saved.inside;
    this.#work.waiting = saved.waiting;
    this.#heldBack = saved.heldBack;
    this.#virtual.registers = saved.virtual;
    this.#passage.restore(saved.segments);
    this.#left = saved.left ?? undefined;
    this.#shadowAt = saved.shadowAt ?? undefined;
    this.#descriptors.traced = new Set(saved.traced);
    this.#descriptors.forget();
    this.#descriptorsWritten = saved.descriptorsWritten;
    this.#interpreted = saved.interpreted;
    this.#allocator.release(saved.nextPage);
    this.#shadow.restore(saved.shadow);
    this.#translations.restore(saved.translations);
  }
}

const faultOf = ({ errorCode, address, debug, ...facts }: SavedFault): Fault => ({
  kind: "fault",
  ...facts,
  errorCode: errorCode ?? undefined,
  ...(address === null ? {} : { address: BigInt(address) }),
  ...(debug === null ? {} : { debug }),
});
