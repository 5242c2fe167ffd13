import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { unsupported, vector } from "../../cpu/fault.ts";
import { repeatBoundary } from "../../cpu/interrupts.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../cpu/monitor.ts";
import { EFER } from "../../cpu/state.ts";
import type { WalkOutcome } from "../../cpu/walk-outcome.ts";
import type { StartMode } from "../../machine-interface.ts";
import { haltText } from "../../stop-texts.ts";
import type { Outlook } from "../../trace/event.ts";
import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { Dispatcher, type Pending } from "../dispatcher.ts";
import { requestOf, ShadowFaults } from "../memory/shadow-faults.ts";
import { type SavedShadow, ShadowPaging } from "../memory/shadow-paging.ts";
import { type SavedPool, ShadowPool } from "../memory/shadow-pool.ts";
import { walkShadowed } from "../memory/shadow-walk.ts";
import { descriptorsChanged } from "./descriptor-changes.ts";
import { type Flushed, GuestWork, interruptName } from "./guest-work.ts";
import { pagingChanged } from "./paging-changes.ts";
import { faultOf, type SavedFault, savedFault } from "./saved-fault.ts";
import { ShadowDescriptors, type ShadowLevel } from "./shadow-descriptors.ts";
import { SingleStep, type Step } from "./single-step.ts";
import { trapOutlook } from "./trap-outlook.ts";
import { describeInterrupt, describeNmi, describeTrap, instructionAt, isCompressed } from "./trap-reasons.ts";
import { VirtualCpu, type VirtualRegisters } from "./virtual-cpu.ts";
import { occupiedByVmm } from "./vmm-address.ts";

const IF = flagMask("IF");
/** Why a guest that starts in this mode is refused. */
export const refusesMode = (mode: StartMode): string | undefined =>
  mode === "real"
    ? `Trap and emulate runs guests that start in 32-bit protected mode ("%pragma ringside mode protected") or in long mode ("%pragma ringside mode long"); this one starts in ${mode} mode.`
    : undefined;

interface Saved {
  readonly pending: Pending | null;
  readonly trap: SavedFault | null;
  readonly waiting: boolean;
  readonly heldBack: boolean;
  readonly step: Step | null;
  readonly virtual: VirtualRegisters;
  readonly nmi: boolean;
  readonly traced: readonly number[];
  readonly nextPage: number;
  readonly pool: SavedPool;
  readonly shadow: SavedShadow;
}

/**
 * A classic VMM without hardware support: the guest runs on the processor with its kernel at CPL 1, in long mode (where segments
 * have no limits that keep it from the VMM's memory) at CPL 3. What is privileged
 * traps and is emulated; what is sensitive but not privileged executes natively, and tells or does something else than
 * at CPL 0. Paging is virtualized by shadow page tables, GDT and LDT by shadow tables that are read-only to the guest.
 *
 * In long mode kernel and processes are both at CPL 3: the VMM knows which of them runs, for every way from one to the other traps,
 * and gives each shadow page tables and descriptors of its own.
 *
 * Not done: real and virtual-8086 mode. In 32-bit guests rings 0 and 1 are not kept
 * apart. Accessed bits are not set in the guest's own descriptors. The last 4 MiB of the linear address space are the VMM's.
 */
export class TrapAndEmulate implements Monitor {
  readonly ownsInterrupts = true;
  readonly #cpu: Cpu;
  readonly #context: VmmContext;
  readonly #allocator: Allocator;
  readonly #virtual: VirtualCpu;
  readonly #descriptors: ShadowDescriptors;
  readonly #pool: ShadowPool;
  readonly #shadow: ShadowPaging;
  readonly #faults: ShadowFaults;
  readonly #singleStep: SingleStep;
  readonly #dispatcher: Dispatcher<TrapAndEmulate>;
  readonly #work: GuestWork;
  #trap: SavedFault | undefined;
  /** The guest had interrupts disabled when the last one came. */
  #heldBack = false;
  /** An NMI is what took the guest to the VMM. */
  #nmi = false;
  /** The guest has switched tasks since it left. */
  #taskSwitched = false;
  /** The VMM itself has written to a traced page on behalf of the guest. */
  #tracedWritten = false;

  constructor(context: VmmContext) {
    this.#context = context;
    this.#cpu = context.cpu;
    const memory = new HostMemory(context.cpu);
    this.#allocator = new Allocator(memory, context);
    this.#descriptors = new ShadowDescriptors(context.cpu, memory, this.#allocator);
    this.#virtual = new VirtualCpu(context.cpu, this.#descriptors);
    this.#pool = new ShadowPool({
      cpu: context.cpu,
      memory,
      allocator: this.#allocator,
      rootsPerSpace: 2,
      isTraced: (page) => this.#descriptors.traced.has(page),
    });
    const { own } = this.#descriptors;
    this.#shadow = new ShadowPaging({ cpu: context.cpu, pool: this.#pool, own, compressed: true });
    this.#faults = new ShadowFaults(context, this.#shadow);
    this.#singleStep = new SingleStep(context.cpu);
    this.#dispatcher = new Dispatcher(context, "trap-and-emulate", { trap: (vmm) => vmm.#handleTrap() }, () => "trap");
    const completed = (instructions: number) => this.#dispatcher.completed(instructions);
    this.#work = new GuestWork({ context, completed, flushed: (what) => this.#flushed(what) });
    this.#withMonitor(() => this.#descriptors.synchronize(this.#level));
    this.#leave();
  }

  /** The tables are read through the monitor, which the machine installs only after it was made. */
  #withMonitor(act: () => void): void {
    const { monitor } = this.#cpu;
    this.#cpu.monitor = this;
    act();
    this.#cpu.monitor = monitor;
  }

  // What the processor asks.

  /** There is no VMX operation: nothing but exceptions and interrupts leaves the guest. */
  beforeInstruction(): boolean {
    return false;
  }

  why(instruction: Decoded): Outlook {
    return trapOutlook(this.#cpu, instruction);
  }

  onException(fault: Fault): boolean {
    if (this.#virtual.inside) return false;
    const trap = savedFault(fault);
    this.#trap = trap;
    const entry = trap.address === null ? undefined : this.#shadow.entryFor(trap.address);
    this.#left(describeTrap(this.#cpu, fault, entry?.low ?? 0, this.#virtual.registers.cpl < 3));
    return true;
  }

  #left(body: ReturnType<typeof describeTrap>): void {
    this.#dispatcher.left(body, "trap");
  }

  onInterrupt(): boolean {
    const interruptible = (this.#virtual.registers.flags & IF) !== 0;
    if (this.#work.waiting) return interruptible && this.#wake();
    if (!interruptible && this.#heldBack) return false;
    this.#heldBack = !interruptible;
    this.#trap = undefined;
    this.#left(describeInterrupt(interruptible));
    return true;
  }

  /** Only the VMM switches tasks, where it emulates the guest. The real processor never does: it finds no task anywhere. */
  onTaskSwitch(): void {
    this.#taskSwitched = true;
  }

  /** The guest's IDT is not the real one, so that the VMM delivers NMIs. */
  onNmi(): boolean {
    if (this.#work.waiting) {
      this.#work.waiting = false;
      this.#cpu.activity = 0;
    }
    this.#trap = undefined;
    this.#nmi = true;
    this.#left(describeNmi);
    return true;
  }

  onTripleFault(): boolean {
    this.#work.tripleFault();
    this.#context.stop(
      "triple-fault",
      "The guest triple-faulted: an exception occurred while a double fault was delivered.",
    );
    return true;
  }

  atBoundary(): boolean {
    // The processor's own IF is 1, so that only the VMM knows that the guest waits for ever.
    if (this.#work.waiting && (this.#virtual.registers.flags & IF) === 0) this.#context.stop("halted", haltText);
    return false;
  }

  /** The shadow tables hold host-physical addresses; the guest's own tables, which the VMM reads for it, guest-physical ones. */
  translate(physical: number, access: Access, { forTable }: NestedAccess): number | undefined {
    if (!this.#virtual.inside) return physical;
    if (access === "write" && !forTable) this.#written(physical);
    return this.#allocator.reachOf(physical);
  }

  memoryWritten(physical: number): void {
    this.#written(physical);
    this.#settle();
  }

  #written(physical: number): void {
    this.#shadow.written(physical);
    if (this.#descriptors.traced.has(Math.floor(physical / 4096))) this.#tracedWritten = true;
  }

  readControl(_number: 0 | 4, real: bigint): bigint {
    return real;
  }

  hostOwned(): bigint {
    return 0n;
  }

  viewGuest<T>(look: () => T): T {
    return this.#virtual.withGuestRegisters(() => {
      this.#singleStep.hide();
      return look();
    });
  }

  changeGuest(change: () => true | string, translation: boolean): true | string {
    const cpu = this.#cpu;
    this.#virtual.enter();
    this.#singleStep.hide();
    const words = cpu.u32.slice(0, layout.end >> 2);
    let result = change();
    const missing = this.#virtual.unsupportedMode;
    if (missing !== undefined) {
      cpu.u32.set(words);
      result = `Ringside has no ${missing}.`;
    }
    if (translation && result === true) this.#faults.dropped("a debugger changed the guest's paging");
    this.#singleStep.restore();
    this.#leave();
    return result;
  }

  walk(linear: number): WalkOutcome {
    return walkShadowed(this.#cpu, this.#shadow, this.#virtual, linear);
  }

  guestPhysical(linear: number): number | undefined {
    return this.#virtual.withGuestPaging(() => this.#cpu.walker.physicalOf(linear));
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
      if (handled !== undefined) handled += this.#offerInterrupt();
    } finally {
      this.#leave();
    }
    if (handled !== undefined) this.#dispatcher.resumed(handled, 0);
  }

  /** Before the guest goes on: its shadows must agree with what the VMM has done for it. */
  #leave(): void {
    const before = this.#virtual.registers;
    const { cr3 } = this.#cpu;
    const newModes = pagingChanged(this.#cpu, before);
    const newPaging = newModes || cr3 !== before.cr3;
    const newTables = newPaging || descriptorsChanged(this.#cpu, before) || this.#tracedWritten;
    if (newModes) this.#faults.flushed("the guest changed its paging mode");
    else if (this.#taskSwitched && cr3 !== before.cr3) this.#faults.loadedRoot("a task switch loaded CR3");
    this.#taskSwitched = false;
    if (newTables) this.#synchronize();
    this.#settle();
    const mode = this.#virtual.unsupportedMode;
    if (mode !== undefined) throw unsupported(mode);
    this.#virtual.leave(this.#descriptors.real(this.#cpu.segment(6), this.#shadow.load()));
  }

  /** The shadows of what was written are brought up to date. */
  #settle(): void {
    this.#shadow.coherence.settle();
    this.#shadow.keepOwn();
    if (this.#shadow.takeStale()) this.#cpu.flushTlb(true);
  }

  get #level(): ShadowLevel {
    const { cpl } = this.#cpu;
    return { level: cpl, kernelRuns: cpl < 2 };
  }

  #synchronize(): void {
    const before = this.#descriptors.traced;
    this.#descriptors.synchronize(this.#level);
    const now = this.#descriptors.traced;
    // Pages that are traced from now on may be writable in the shadow.
    for (const page of now) if (!before.has(page)) this.#shadow.protectPage(page);
    this.#tracedWritten = false;
  }

  /** The handler of every trap; the guest's own registers are loaded. */
  #handleTrap(): string | undefined {
    const trap = this.#trap;
    if (!trap) {
      this.#endTrace();
      if (!this.#nmi) return "took the interrupt";
      this.#nmi = false;
      return this.#work.deliverNmi();
    }
    const fault = faultOf(trap);
    if (fault.vector === vector.PF && fault.source === "hardware") return this.#handlePageFault(fault);
    const step = this.#endTrace();
    if (step && !step.trapFlag && fault.vector === vector.DB) return "renewed the shadow descriptors";
    if (fault.source === "hardware" && isCompressed(fault, instructionAt(this.#cpu))) return this.#work.emulate();
    return this.#work.deliver(fault);
  }

  #handlePageFault(fault: Fault): string | undefined {
    const { longMode, cpl } = this.#cpu;
    const request = requestOf(fault, false, longMode);
    const occupied = occupiedByVmm(request.linear, longMode);
    if (occupied !== undefined) throw unsupported(occupied);
    // In long mode the processor calls every access a user's. It reads none of the guest's tables by itself.
    const outcome = this.#faults.handle(longMode ? { ...request, user: cpl === 3, explicit: true } : request);
    if (outcome.kind === "hidden" || outcome.kind === "traced") repeatBoundary(this.#cpu);
    if (outcome.kind === "hidden") return outcome.what;
    if (outcome.kind === "emulate") return this.#work.emulate();
    if (outcome.kind === "traced") {
      this.#singleStep.begin(outcome.linear);
      return "lets the write to a traced page run by itself";
    }
    this.#endTrace();
    return this.#work.deliver({ ...fault, errorCode: outcome.errorCode });
  }

  /** Delivers a waiting interrupt if the guest can take it; the rest of the sentence on what was done. */
  #offerInterrupt(): string {
    if (!this.#work.isInterruptDue) return "";
    this.#endTrace();
    this.#heldBack = false;
    const number = this.#work.offerInterrupt()!;
    return `, delivered ${interruptName(number)}`;
  }

  /** An interrupt ends the wait of HLT. */
  #wake(): boolean {
    this.#work.waiting = false;
    this.#cpu.activity = 0;
    this.#virtual.enter();
    let handled = "emulated HLT: idle until an interrupt came";
    try {
      handled += this.#offerInterrupt();
    } finally {
      this.#leave();
    }
    this.#dispatcher.resumed(handled, 0);
    return true;
  }

  #flushed(what: Flushed): void {
    if ("page" in what) this.#faults.invalidated(what.page);
    else if (what.all === "CR3") this.#faults.loadedRoot();
    else this.#faults.flushed(`the guest executed ${what.all}`);
  }

  /** Tracing: the step that let a write to a page with descriptors happen is over, and the page is traced again. */
  #endTrace(): Step | undefined {
    const step = this.#singleStep.end();
    if (!step) return undefined;
    this.#shadow.protectAt(step.linear);
    this.#tracedWritten = true;
    return step;
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      trap: this.#trap ?? null,
      waiting: this.#work.waiting,
      heldBack: this.#heldBack,
      step: this.#singleStep.step ?? null,
      virtual: this.#virtual.registers,
      nmi: this.#nmi,
      traced: [...this.#descriptors.traced],
      nextPage: this.#allocator.mark,
      pool: this.#pool.save(),
      shadow: this.#shadow.save(),
    };
  }

  restore(state: unknown): void {
    const saved = state as Saved;
    this.#dispatcher.pending = saved.pending ?? undefined;
    this.#trap = saved.trap ?? undefined;
    this.#work.waiting = saved.waiting;
    this.#heldBack = saved.heldBack;
    this.#singleStep.step = saved.step ?? undefined;
    this.#virtual.registers = saved.virtual;
    this.#nmi = saved.nmi;
    this.#descriptors.traced = new Set(saved.traced);
    this.#descriptors.forget((saved.virtual.efer & EFER.LMA) !== 0);
    this.#allocator.release(saved.nextPage);
    this.#pool.restore(saved.pool);
    this.#shadow.restore(saved.shadow);
  }
}
