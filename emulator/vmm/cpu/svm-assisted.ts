import type { Decoded } from "../../../isa/operands.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { waitForSipi } from "../../cpu/context.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../cpu/monitor.ts";
import type { TaskSwitch } from "../../cpu/task-switch.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { type ConsistencyCheck, inconsistencyText } from "../../svm/consistency-checks.ts";
import { exitCode } from "../../svm/exit-codes.ts";
import { changeField } from "../../svm/field-change.ts";
import { type GuestExit, GuestMode } from "../../svm/guest-mode.ts";
import { loadHidden } from "../../svm/guest-state.ts";
import { interceptRule, isIntercepted } from "../../svm/intercepts.ts";
import { loadPauseFilter } from "../../svm/pause-filter.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { type Vmcb, wordOf } from "../../svm/vmcb.ts";
import { placeText, vmcbFields } from "../../svm/vmcb-fields.ts";
import { vmrun } from "../../svm/vmrun.ts";
import type { ExitForm, Outlook } from "../../trace/event.ts";
import { hex } from "../../vmx/bit-layout.ts";
import type { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { type NamedField, unloadedText } from "../control-fields.ts";
import { Dispatcher, type Pending } from "../dispatcher.ts";
import type { KvmGuest } from "../kvm/guest.ts";
import { flushedForOther, notePreemption, noteReturn } from "../kvm/steal-time.ts";
import { nptFormat } from "../memory/nested-paging.ts";
import type { SavedGuest } from "../memory/shadowed-guest.ts";
import type { Vmm } from "../vmm.ts";
import { HardwareShared } from "./hardware-shared.ts";
import type { SavedIdle } from "./idle.ts";
import { initHandler, kick, startedText } from "./start-messages.ts";
import { fieldsOf, laterFields } from "./svm-exit-fields.ts";
import { svmExitHandlers } from "./svm-exit-handlers.ts";
import { SvmShadow } from "./svm-shadow.ts";
import { svmShadowHandlers } from "./svm-shadow-handlers.ts";
import { SvmVmm } from "./svm-vmm.ts";
import { makeIoMap, makeMsrMap } from "./vmcb-setup.ts";
import type { MemoryVirtualization } from "./vmcs-setup.ts";

const interrupted = wordOf("exitIntInfo");
const allClean = 0xffff_ffff;

interface Saved {
  readonly pending: Pending | null;
  readonly idle: SavedIdle;
  readonly kvm: ReturnType<KvmGuest["save"]>;
  readonly shadow: SavedGuest | null;
}

/** VMEXIT_INTR. */
const interruptCode = 0x60;
const initKick = kick(interceptRule("INTR", true), "APM Vol. 2, 15.13: Interrupt Intercepts");

/** The technique of each way to virtualize memory. */
const techniqueOf = { nested: "svm-npt", shadow: "svm-shadow" } as const;

const form = { nestedFormat: nptFormat, makeIoMap, makeMsrMap };

/** A VMM on AMD-V. */
export function svm(context: VmmContext, virtualization: MemoryVirtualization): Vmm {
  const shared = new HardwareShared(context, virtualization, form);
  return {
    monitor: (vcpu) => new SvmAssisted(context, shared, vcpu),
    save: () => shared.save(),
    restore: (state) => shared.restore(state as ReturnType<typeof shared.save>),
  };
}

/**
 * A VMM on AMD-V, with nested paging or with shadow page tables: the guest runs under VMRUN with the VMCB, and the handlers for its
 * exits work on the VMCB and the general registers as a VMM does. Not done: AVIC, last-branch virtualization, encrypted guests, SVM for the guest.
 */
export class SvmAssisted implements Monitor {
  /** Nested page-table entries are only ever added. */
  readonly translationsLast: boolean;
  readonly nestedLevels: number;
  readonly translations: object | undefined;
  readonly cpu: Cpu;
  readonly vmcb: Vmcb;
  readonly #vm: SvmVmm;
  readonly #context: VmmContext;
  /** Instead of nested paging. */
  readonly #shadow: SvmShadow | undefined;
  readonly #technique: TechniqueId;
  readonly #guest: GuestMode;
  readonly #allocator: Allocator;
  readonly #dispatcher: Dispatcher<SvmVmm>;
  /** A handler is at work: memory accesses are the VMM's own. */
  #inVmm = false;
  /** Fields of the VMCB have been changed so that the guest cannot be run: the processor has not got them. */
  #unloaded = false;

  constructor(context: VmmContext, shared: HardwareShared, vcpu: number) {
    const nested = shared.virtualization === "nested";
    this.#technique = techniqueOf[shared.virtualization];
    this.translationsLast = nested;
    this.nestedLevels = nested ? 4 : 0;
    this.translations = nested ? shared : undefined;
    this.#context = context;
    this.cpu = context.cpu;
    const { memory, allocator } = shared;
    this.#allocator = allocator;
    this.#vm = new SvmVmm(context, shared, vcpu, (instructions) => this.#dispatcher.completed(instructions));
    this.vmcb = this.#vm.vmcb;
    this.#shadow = nested ? undefined : new SvmShadow(context, shared, this.vmcb);
    this.#guest = new GuestMode(context.cpu, this.vmcb, memory, (exit) => this.#left(exit));
    this.#dispatcher = new Dispatcher(context, this.#technique, {
      ...(nested ? svmExitHandlers : this.#shadowHandlers()),
      [initHandler]: () => this.#reset(),
    });
    if (context.cpu.activity === waitForSipi) this.#vm.idle.awaitStart();
    else this.#launch();
  }

  #launch(): void {
    this.#shadow?.leave();
    loadHidden(this.cpu, this.vmcb);
    const failed = vmrun(this.cpu, this.vmcb);
    if (failed) this.#entryFailed(failed);
  }

  #shadowHandlers(): typeof svmExitHandlers {
    const shadow = this.#shadow!;
    const own = Object.entries(svmShadowHandlers).map(([name, handle]) => [name, (vm: SvmVmm) => handle(vm, shadow)]);
    return { ...svmExitHandlers, ...Object.fromEntries(own) };
  }

  // What the processor asks while the guest runs.

  beforeInstruction(instruction: Decoded): boolean {
    return !this.#inVmm && this.#guest.beforeInstruction(instruction);
  }

  why(instruction: Decoded): Outlook {
    return this.#guest.why(instruction);
  }

  /** What the VMM delivers to the guest by itself does not leave it. */
  onException(fault: Fault, errorCode: number | undefined): boolean {
    return !this.#inVmm && this.#guest.onException(fault, errorCode);
  }

  onInterrupt(): boolean {
    if (this.#vm.idle.waiting) return this.#wake();
    return !this.#vm.knowsInterrupt && this.#guest.onInterrupt();
  }

  onTaskSwitch(request: TaskSwitch): void {
    if (!this.#inVmm) this.#guest.onTaskSwitch(request);
  }

  /** NMIs that come while the guest runs have left it before (`atBoundary`). */
  onNmi(): boolean {
    if (!this.#vm.idle.waiting) return this.#guest.onNmi();
    virtualInterrupt.setNmiWanted(this.vmcb, true);
    this.#vm.touched("virtualInterrupt");
    this.#endWait("idle until an NMI came");
    return true;
  }

  onTripleFault(): boolean {
    if (!this.#inVmm) return this.#guest.onTripleFault();
    this.#context.stop("triple-fault", tripleFaultText);
    return true;
  }

  atBoundary(): boolean {
    const { idle } = this.#vm;
    if (idle.initDue) {
      if (idle.waiting) this.#resetWaiting();
      else this.#guest.leave({ code: interruptCode, what: "an interrupt of the VMM's: INIT has come", why: initKick });
      return true;
    }
    if (idle.waitsForInterrupt && this.#vm.kvm.takeKick()) {
      this.#endWait("idle until another virtual CPU kicked it");
      return true;
    }
    if (idle.waiting) return false;
    return this.#guest.atBoundary(!this.#vm.knowsInterrupt && this.cpu.bus.interruptPending());
  }

  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    if (this.#shadow) return this.#shadow.guest.translate(guestPhysical, access, options);
    if (this.#inVmm && !options.probe) this.#reach(guestPhysical);
    const host = this.#guest.translate(guestPhysical, access, options);
    // Whoever looks without asking for the walk asks the VMM, which knows where all guest memory is.
    if (host === undefined && options.probe && !options.steps) return this.#allocator.hostOf(guestPhysical);
    return host;
  }

  /** The VMM touches guest memory for an emulation: it maps what it needs, instead of exiting to itself. */
  #reach(guestPhysical: number): void {
    const mapped = this.#guest.translate(guestPhysical, "read", { linear: undefined, forTable: false, probe: true });
    if (mapped === undefined) this.#vm.nestedPaging.map(guestPhysical);
  }

  guestPhysical(linear: number): number | undefined {
    if (this.#shadow) return this.#shadow.guest.guestPhysical(linear);
    return this.cpu.walker.physicalOf(linear);
  }

  /** AMD-V has no masks: what is not intercepted is the guest's. */
  readControl(_: 0 | 4, real: bigint): bigint {
    return real;
  }

  viewGuest<T>(look: () => T): T {
    return this.#shadow ? this.#shadow.guest.with(look) : look();
  }

  changeGuest(change: () => true | string, translation: boolean): true | string {
    if (this.#unloaded) return unloadedText("VMCB");
    this.#inVmm = true;
    this.#shadow?.guest.enter();
    const result = change();
    if (translation && result === true) this.#shadow?.guest.faults.dropped("a debugger changed the guest's paging");
    this.#shadow?.leave();
    this.#inVmm = false;
    this.#vm.writeBack();
    this.cpu.attention = true;
    this.cpu.refresh();
    return result;
  }

  changeControlField(field: NamedField, value: bigint): void {
    if (field.block === "vmcb") this.#unloaded = !changeField(this.cpu, this.vmcb, field.field, value);
  }

  memoryWritten(guestPhysical: number): void {
    this.#shadow?.guest.memoryWritten(guestPhysical);
  }

  addressLineChanged(): void {
    if (this.#shadow) this.#shadow.addressLineChanged();
    else this.#vm.nestedPaging.clear();
  }

  /** The VMCB may be other than it was: nothing of it is clean. */
  hostMemoryChanged(): void {
    this.vmcb.set("clean", 0);
  }

  get ownsInterrupts(): boolean {
    return isIntercepted(this.vmcb, "INTR");
  }

  // The VMM.

  get exitPending(): boolean {
    return this.#dispatcher.pending !== undefined && !this.#vm.idle.waiting;
  }

  get openExit(): number | undefined {
    return this.#dispatcher.pending?.sequence;
  }

  #left(exit: GuestExit): void {
    const { vmcb } = this;
    this.#unloaded = false;
    vmcb.set("clean", allClean);
    const { code, what, why, first } = exit;
    const delivering = vmcb.words[interrupted] !== 0;
    const { info2 = 0 } = exit;
    const inNumbers = !delivering && info2 >= 0 && info2 <= Number.MAX_SAFE_INTEGER;
    const body = {
      reason: exitCode(code).name,
      number: code,
      qualification: exit.info1 ?? 0,
      fields: inNumbers ? fieldsOf(code) : laterFields(code, vmcb.get("exitInfo2"), vmcb.get("exitIntInfo")),
      what,
      why,
      first,
      second: Number(info2),
    };
    this.#dispatcher.left(body, this.#vm.idle.initDue ? initHandler : body.reason);
  }

  handleExit(): void {
    const handled = this.#handle();
    if (handled !== undefined) this.#enter(handled);
  }

  #handle(): string | undefined {
    this.#inVmm = true;
    this.#shadow?.guest.enter();
    try {
      return this.#dispatcher.dispatch(this.#vm);
    } finally {
      this.#inVmm = false;
      this.#shadow?.leave();
    }
  }

  #wake(): boolean {
    if (!this.#vm.idle.wakes) return false;
    this.#endWait("idle until an interrupt came");
    return true;
  }

  #endWait(handled: string): void {
    this.#vm.idle.end();
    this.#enter(handled);
  }

  #enter(handled: string): void {
    const failed = this.#vm.enter(() => this.#dispatcher.resumed(handled, 0));
    if (failed) this.#entryFailed(failed);
  }

  // The scheduler.

  takenUp(): void {
    this.#shadow?.follow();
  }

  descheduled(): void {
    notePreemption(this.#vm.kvm);
  }

  /** The guest was out, if nobody has recorded that: no loop of PAUSE goes on. */
  scheduled(): void {
    loadPauseFilter(this.cpu, this.vmcb);
    if (noteReturn(this.#vm.kvm)) this.#flushGuest();
  }

  /** Another virtual CPU has asked, in the guest's own memory, that this one flush its TLB before it runs. */
  #flushGuest(): void {
    if (this.#shadow) this.#shadow.guest.with(() => this.#shadow!.guest.faults.flushed(flushedForOther));
    this.cpu.flushTlb(true);
  }

  // INIT and start-up messages.

  initialize(): void {
    this.#vm.idle.initialize();
  }

  /** One that waits is with the VMM already, which has left the guest's own registers. */
  #resetWaiting(): void {
    this.#shadow?.guest.enter();
    this.#reset();
    this.#shadow?.leave();
  }

  #reset(): undefined {
    const started = this.#vm.idle.reset();
    if (started) this.#start();
    return undefined;
  }

  startUp(vector: number): void {
    if (this.#vm.idle.startUp(vector)) this.#start();
  }

  /** The virtual CPU begins in real mode where the start-up message said. */
  #start(): void {
    const at = this.#vm.idle.start();
    this.#vm.takeState();
    if (this.#dispatcher.pending) this.#enter(startedText(at));
    else this.#launch();
  }

  /** VMRUN came back at once: the guest cannot go on. */
  #entryFailed(check: ConsistencyCheck): void {
    const { name, number } = exitCode(-1);
    const form: ExitForm = {
      kind: "exit",
      reason: name,
      number,
      fields: [],
      what: `check ${check.id} failed`,
      why: {
        sentence: check.sentence,
        rule: `${vmcbFields[check.field].name} (${placeText(check.field)}) = ${hex(this.vmcb.get(check.field))}`,
        source: "APM Vol. 2, 15.5.1: Canonicalization and Consistency Checks",
      },
      technique: this.#technique,
    };
    this.#context.recordExit(form, 0, 0, 0);
    this.#context.stop("vm-entry-failure", inconsistencyText(this.vmcb, check));
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      idle: this.#vm.idle.save(),
      kvm: this.#vm.kvm.save(),
      shadow: this.#shadow?.guest.save() ?? null,
    };
  }

  restore(state: unknown): void {
    const { pending, idle, kvm, shadow } = state as Saved;
    this.#dispatcher.pending = pending ?? undefined;
    this.#vm.restored();
    this.#unloaded = false;
    this.#vm.idle.restore(idle);
    this.#vm.kvm.restore(kvm);
    if (shadow) this.#shadow!.guest.restore(shadow);
  }
}
