import type { Decoded } from "../../../isa/operands.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { waitForSipi } from "../../cpu/context.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../cpu/monitor.ts";
import type { TaskSwitch } from "../../cpu/task-switch.ts";
import type { WalkOutcome } from "../../cpu/walk-outcome.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import type { Outlook, Why } from "../../trace/event.ts";
import { controlRule, controls, inForce } from "../../vmx/controls.ts";
import { changeField } from "../../vmx/field-change.ts";
import { saveGuest } from "../../vmx/guest-state.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { loadMsrs, storeMsrs } from "../../vmx/msr-areas.ts";
import { NonRoot } from "../../vmx/non-root.ts";
import type { Exit } from "../../vmx/non-root-guest.ts";
import { forgetPauses } from "../../vmx/pause-loop.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import { abortVmx } from "../../vmx/vmx-abort.ts";
import type { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { type NamedField, unloadedText } from "../control-fields.ts";
import { Dispatcher, type Pending } from "../dispatcher.ts";
import type { KvmGuest } from "../kvm/guest.ts";
import { flushedForOther, notePreemption, noteReturn } from "../kvm/steal-time.ts";
import { exitBody } from "./exit-body.ts";
import { exitHandlers } from "./exit-handlers.ts";
import type { HardwareShared } from "./hardware-shared.ts";
import type { SavedIdle } from "./idle.ts";
import { handlersWith } from "./shadow-handlers.ts";
import { initHandler, kick, startedText } from "./start-messages.ts";
import { VtxEntries } from "./vtx-entries.ts";
import { type SavedVtxShadow, VtxShadow } from "./vtx-shadow.ts";
import { VtxVmm } from "./vtx-vmm.ts";

interface Saved {
  readonly pending: Pending | null;
  readonly idle: SavedIdle;
  readonly shadow: SavedVtxShadow | null;
  readonly kvm: ReturnType<KvmGuest["save"]>;
}

/** The technique of each way to virtualize memory. */
const techniqueOf = { nested: "vtx-ept", shadow: "vtx-shadow" } as const;

/**
 * The guest of a VMM on VT-x, with EPT or with shadow page tables: it runs in VMX non-root operation under the VMCS, and the
 * handlers for its exits are given the VMM (`VtxVmm`). Not used of VT-x: NMI exiting, APIC virtualization, nested VMX.
 */
export class HardwareAssisted implements Monitor {
  /** EPT entries are only ever added. */
  readonly translationsLast: boolean;
  readonly nestedLevels: number;
  readonly translations: object | undefined;
  readonly #cpu: Cpu;
  readonly vmcs: Vmcs;
  readonly #context: VmmContext;
  readonly #vmm: VtxVmm;
  /** Instead of EPT. */
  readonly #shadow: VtxShadow | undefined;
  readonly #technique: TechniqueId;
  /** A debugger may have changed registers while the exit was pending. */
  #stateChanged = false;
  /** Fields of the VMCS have been changed so that the guest cannot be entered: the processor has not got them. */
  #unloaded = false;
  readonly #nonRoot: NonRoot;
  readonly #entries: VtxEntries;
  readonly #allocator: Allocator;
  readonly #memory: HostMemory;
  readonly #dispatcher: Dispatcher<VtxVmm>;
  /** A handler is at work: memory accesses are the VMM's own. */
  #inVmm = false;

  constructor(context: VmmContext, shared: HardwareShared, vcpu: number) {
    const nested = shared.virtualization === "nested";
    this.#technique = techniqueOf[shared.virtualization];
    this.translationsLast = nested;
    this.nestedLevels = nested ? 4 : 0;
    this.translations = nested ? shared : undefined;
    this.#context = context;
    this.#cpu = context.cpu;
    const { memory, allocator } = shared;
    this.#memory = memory;
    this.#allocator = allocator;
    const completed = (count: number) => this.#dispatcher.completed(count);
    this.#vmm = new VtxVmm(context, shared, vcpu, completed);
    this.vmcs = this.#vmm.vmcs;
    this.#shadow = nested ? undefined : new VtxShadow(this.#vmm.kvm, shared, this.vmcs);
    this.#nonRoot = new NonRoot(context.cpu, this.vmcs, memory, (exit) => this.#left(exit));
    this.#dispatcher = new Dispatcher(context, this.#technique, {
      ...exitHandlers,
      ...(this.#shadow && handlersWith(this.#shadow)),
      [initHandler]: () => this.#reset(),
    });
    this.#entries = new VtxEntries({
      ...{ context, technique: this.#technique, memory, vmm: this.#vmm, nonRoot: this.#nonRoot, shadow: this.#shadow },
      resumed: (handled) => this.#dispatcher.resumed(handled, this.#vmm.work),
    });
    if (context.cpu.activity === waitForSipi) this.#vmm.idle.awaitStart();
    else this.#entries.launch();
  }

  // What the processor asks in non-root operation.

  beforeInstruction(instruction: Decoded): boolean {
    if (this.#inVmm) return false;
    if (this.#shadow?.interprets) return this.#shadow.beforeInterpreted(instruction);
    return this.#nonRoot.beforeInstruction(instruction);
  }

  beforePrivilege(instruction: Decoded): boolean {
    return this.#inGuest && this.#nonRoot.beforePrivilege(instruction);
  }

  why(instruction: Decoded): Outlook {
    if (this.#shadow?.interprets) return this.#shadow.why(instruction);
    return this.#nonRoot.why(instruction);
  }

  /** What the VMM delivers to the guest by itself does not leave it. */
  onException(fault: Fault): boolean {
    return this.#inGuest && this.#nonRoot.onException(fault);
  }

  /** Neither a handler nor the interpreter is at work. */
  get #inGuest(): boolean {
    return !this.#inVmm && !this.#shadow?.interprets;
  }

  onInterrupt(): boolean {
    if (this.#shadow?.interprets) return false;
    if (this.#vmm.idle.waiting) return this.#wake();
    // The VMM knows of this one already, and waits for its window.
    if (inForce(this.vmcs, controls.interruptWindowExiting)) return false;
    return this.#nonRoot.onInterrupt();
  }

  /** Task switches by the VMM itself, which emulates them, do not leave the guest again. */
  onTaskSwitch(request: TaskSwitch): void {
    if (this.#inGuest) this.#nonRoot.onTaskSwitch(request);
  }

  onNmi(): boolean {
    if (this.#shadow?.interprets) return false;
    if (this.#vmm.idle.waiting) this.#endWait("idle until an NMI came");
    return this.#nonRoot.onNmi();
  }

  onTripleFault(): boolean {
    if (this.#inGuest) this.#nonRoot.onTripleFault();
    else this.#context.stop("triple-fault", tripleFaultText);
    return true;
  }

  atBoundary(): boolean {
    const { idle } = this.#vmm;
    if (idle.initDue) {
      this.#serveInit();
      return true;
    }
    if (this.#shadow?.interprets) return this.#atInterpretedBoundary(this.#shadow);
    if (idle.waitsForInterrupt && this.#vmm.kvm.takeKick()) {
      this.#endWait("idle until another virtual CPU kicked it");
      return true;
    }
    return !idle.waiting && this.#nonRoot.atBoundary();
  }

  #atInterpretedBoundary(shadow: VtxShadow): boolean {
    // What the interpreter executes halts the processor itself.
    if (this.#cpu.activity !== 0 && this.#vmm.kvm.takeKick()) this.#cpu.activity = 0;
    return shadow.enterable && this.#entries.tryEntry(shadow);
  }

  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    if (this.#shadow) return this.#shadow.guest.translate(guestPhysical, access, options);
    if (this.#inVmm && !options.probe) this.#reach(guestPhysical);
    const host = this.#nonRoot.translate(guestPhysical, access, options);
    // Whoever looks without asking for the walk asks the VMM, which knows where all guest memory is.
    if (host === undefined && options.probe && !options.steps) return this.#allocator.hostOf(guestPhysical);
    return host;
  }

  walk(linear: number): WalkOutcome {
    return this.#shadow ? this.#shadow.guest.walk(linear) : this.#cpu.walk(linear, "read");
  }

  guestPhysical(linear: number): number | undefined {
    if (this.#shadow) return this.#shadow.guest.guestPhysical(linear);
    return this.#cpu.walker.physicalOf(linear);
  }

  /** The VMM touches guest memory for an emulation: it maps what it needs, instead of exiting to itself. */
  #reach(guestPhysical: number): void {
    const mapped = this.#nonRoot.translate(guestPhysical, "read", { linear: undefined, forTable: false, probe: true });
    if (mapped === undefined) this.#vmm.nestedPaging.map(guestPhysical);
  }

  readControl(number: 0 | 4, real: bigint): bigint {
    return this.#shadow?.guest.inside ? real : this.#nonRoot.readControl(number, real);
  }

  hostOwned(number: 0 | 4): bigint {
    return this.#shadow?.guest.inside ? 0n : this.#nonRoot.hostOwned(number);
  }

  viewGuest<T>(look: () => T): T {
    return this.#shadow ? this.#shadow.guest.with(look) : this.#nonRoot.withReadShadows(look, false);
  }

  changeGuest(change: () => true | string, translation: boolean): true | string {
    if (this.#unloaded) return unloadedText("VMCS");
    if (this.#shadow) {
      this.#stateChanged = true;
      return this.#shadow.change(change, translation);
    }
    this.#inVmm = true;
    const result = this.#nonRoot.withReadShadows(change, true);
    this.#inVmm = false;
    this.#stateChanged = true;
    this.vmcs.set("tscOffset", this.#cpu.r64[layout.tscOffset >> 3]!);
    this.#cpu.refresh();
    return result;
  }

  changeControlField(field: NamedField, value: bigint): void {
    if (field.block !== "vmcs") return;
    if (this.#stateChanged) saveGuest(this.#cpu, this.vmcs);
    this.#stateChanged = false;
    this.#unloaded = !changeField(this.#cpu, this.vmcs, field.field, value);
    this.#entries.saved.forget();
  }

  memoryWritten(guestPhysical: number): void {
    this.#shadow?.guest.memoryWritten(guestPhysical);
  }

  addressLineChanged(): void {
    if (this.#shadow) this.#shadow.addressLineChanged();
    else this.#vmm.nestedPaging.clear();
  }

  hostMemoryChanged(): void {
    this.#entries.saved.forget();
  }

  get ownsInterrupts(): boolean {
    return !this.#shadow?.interprets && inForce(this.vmcs, controls.externalInterruptExiting);
  }

  get interpretedInstructions(): number {
    return this.#shadow?.interpreted ?? 0;
  }

  // The VMM.

  get exitPending(): boolean {
    return this.#dispatcher.pending !== undefined && !this.#vmm.idle.waiting;
  }

  get openExit(): number | undefined {
    return this.#dispatcher.pending?.sequence;
  }

  #left(exit: Exit): void {
    this.#stateChanged = false;
    this.#unloaded = false;
    this.#entries.saved.remember();
    this.#dispatcher.left(exitBody(exit), this.#vmm.idle.initDue ? initHandler : exit.reason);
    this.#storeMsrs();
  }

  /** What the areas of the exit say of MSRs, which ours are empty of unless somebody fills them in. */
  #storeMsrs(): void {
    const { vmcs } = this;
    const { cpu } = this.#context;
    const context = this.#context;
    const memory = this.#memory;
    if (storeMsrs(cpu, memory, vmcs) !== 0) abortVmx(memory, vmcs, 1, context.stop);
    else if (loadMsrs(cpu, memory, vmcs, "exitLoad") !== 0) abortVmx(memory, vmcs, 4, context.stop);
  }

  handleExit(): void {
    this.#vmm.work = 0;
    if (this.#stateChanged) saveGuest(this.#cpu, this.vmcs);
    this.#stateChanged = false;
    const handled = this.#handle();
    if (handled !== undefined) this.#entries.enter(handled);
  }

  #handle(): string | undefined {
    this.#inVmm = true;
    this.#shadow?.guest.enter();
    try {
      return this.#dispatcher.dispatch(this.#vmm);
    } finally {
      this.#inVmm = false;
      // A guest that has left protected mode cannot be entered: its own registers stay.
      if (this.#shadow?.enterable) this.#shadow.leave();
    }
  }

  /** An interrupt ends the wait: the exit of HLT is pending again, and its handling goes on. */
  #wake(): boolean {
    if (!this.#vmm.idle.wakes) return false;
    this.#endWait("idle until an interrupt came");
    return true;
  }

  #endWait(handled: string): void {
    this.#vmm.idle.end();
    this.#vmm.work = 0;
    saveGuest(this.#cpu, this.vmcs);
    this.#entries.enter(handled);
  }

  // The scheduler.

  takenUp(): void {
    this.#shadow?.follow();
  }

  descheduled(): void {
    notePreemption(this.#vmm.kvm);
  }

  /** The guest was out, if nobody has recorded that: no loop of PAUSE goes on. */
  scheduled(): void {
    if (inForce(this.vmcs, controls.pauseLoopExiting)) forgetPauses(this.#nonRoot);
    if (noteReturn(this.#vmm.kvm)) this.#flushGuest();
  }

  /** Another virtual CPU has asked, in the guest's own memory, that this one flush its TLB before it runs. */
  #flushGuest(): void {
    if (this.#shadow) this.#shadow.guest.with(() => this.#shadow!.guest.faults.flushed(flushedForOther));
    this.#cpu.flushTlb(true);
  }

  // INIT and start-up messages.

  initialize(): void {
    this.#vmm.idle.initialize();
  }

  /** INIT ends whatever the guest did: the VMM takes it out, and resets it. A guest that waits is with the VMM already. */
  #serveInit(): void {
    const { idle } = this.#vmm;
    const shadow = this.#shadow;
    if (idle.waiting || shadow?.interprets) {
      if (shadow?.interprets) shadow.endInterpretation("INIT has come for it");
      shadow?.guest.enter();
      this.#reset();
    } else
      this.#nonRoot.leave({
        reason: "EXTERNAL_INTERRUPT",
        what: "an interrupt of the VMM's: INIT has come",
        why: this.#kick,
      });
  }

  get #kick(): Why {
    return kick(controlRule(this.vmcs, "externalInterruptExiting"), "SDM Vol. 3, 26.2: Other Causes of VM Exits");
  }

  #reset(): undefined {
    const started = this.#vmm.idle.reset();
    if (started) this.#start();
    return undefined;
  }

  startUp(vector: number): void {
    if (this.#vmm.idle.startUp(vector)) this.#start();
  }

  /** The virtual CPU begins in real mode where the start-up message said. */
  #start(): void {
    const at = this.#vmm.idle.start();
    this.#vmm.takeState();
    this.#shadow?.ownBits();
    this.#stateChanged = false;
    if (this.#dispatcher.pending) this.#entries.enter(startedText(at));
    else this.#entries.launch();
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      idle: this.#vmm.idle.save(),
      shadow: this.#shadow?.save() ?? null,
      kvm: this.#vmm.kvm.save(),
    };
  }

  restore(state: unknown): void {
    const { pending, idle, shadow, kvm } = state as Saved;
    this.#dispatcher.pending = pending ?? undefined;
    this.#vmm.idle.restore(idle);
    if (shadow) this.#shadow?.restore(shadow);
    this.#vmm.kvm.restore(kvm);
    this.#vmm.restored();
    this.#entries.saved.forget();
    this.#stateChanged = pending !== null;
    this.#unloaded = false;
  }
}
