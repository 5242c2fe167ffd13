import type { Decoded } from "../../../isa/operands.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { debugCause } from "../../cpu/debug-registers.ts";
import { pushesErrorCode, vectorName, vector as vectors } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, Fault, Monitor, NestedAccess } from "../../cpu/monitor.ts";
import type { TaskSwitch } from "../../cpu/task-switch.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { type ConsistencyCheck, inconsistencyText } from "../../svm/consistency-checks.ts";
import { exitCode } from "../../svm/exit-codes.ts";
import { decodeExit, encodeEvent, eventType, validEvent } from "../../svm/exit-information.ts";
import { type GuestExit, GuestMode } from "../../svm/guest-mode.ts";
import { loadHidden, saveGuest, saveHidden } from "../../svm/guest-state.ts";
import { intercepts, isIntercepted } from "../../svm/intercepts.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { type Vmcb, wordOf } from "../../svm/vmcb.ts";
import { cleanBits, placeText, type VmcbField, type VmcbFieldRow, vmcbFields } from "../../svm/vmcb-fields.ts";
import { injectedEvent, vmrun } from "../../svm/vmrun.ts";
import type { ExitForm, ExitNumbers, Field, Outlook } from "../../trace/event.ts";
import { hex } from "../../vmx/bit-layout.ts";
import { HostMemory } from "../../vmx/host-memory.ts";
import { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { Dispatcher, type Pending } from "../dispatcher.ts";
import { KvmGuest } from "../kvm/guest.ts";
import { NestedPaging, nptFormat } from "../memory/nested-paging.ts";
import type { SavedGuest } from "../memory/shadowed-guest.ts";
import type { HardwareVmm } from "./hardware-vmm.ts";
import { Idle } from "./idle.ts";
import { deliverInjected } from "./injection.ts";
import { softwareEventLength } from "./software-events.ts";
import { svmExitHandlers } from "./svm-exit-handlers.ts";
import { SvmShadow } from "./svm-shadow.ts";
import { svmShadowHandlers } from "./svm-shadow-handlers.ts";
import { setUpVmcb } from "./vmcb-setup.ts";
import type { MemoryVirtualization } from "./vmcs-setup.ts";

const trapFlag = 0x100;
const interruptFlag = 0x200;
const resumeFlag = 0x10000;
const generalDetect = 0x2000n;
const pendingDebug = layout.pendingDebug >> 2;
const rax = 0;
/** Places in `Vmcb.words` of what every emulation touches; none of them has a clean bit. */
const at = {
  rip: wordOf("rip"),
  nextRip: wordOf("nextRip"),
  rflags: wordOf("rflags"),
  rax: wordOf("rax"),
  interruptShadow: wordOf("interruptShadow"),
  eventInjection: wordOf("eventInjection"),
  interrupted: wordOf("exitIntInfo"),
} as const;
const allClean = 0xffff_ffff;

interface Saved {
  readonly pending: Pending | null;
  readonly waiting: boolean;
  readonly nextPage: number;
  readonly kvm: ReturnType<KvmGuest["save"]>;
  readonly shadow: SavedGuest | null;
}

/** The technique of each way to virtualize memory. */
const techniqueOf = { nested: "svm-npt", shadow: "svm-shadow" } as const;

/**
 * A VMM on AMD-V, with nested paging or with shadow page tables: the guest runs under VMRUN with the VMCB, and the handlers for its
 * exits work on the VMCB and the general registers as a VMM does. Not done: AVIC, last-branch virtualization, encrypted guests, SVM for the guest.
 */
export class SvmAssisted implements Monitor, HardwareVmm {
  /** Nested page-table entries are only ever added. */
  readonly translationsLast: boolean;
  readonly nestedLevels: number;
  readonly cpu: Cpu;
  readonly vmcb: Vmcb;
  readonly context: VmmContext;
  /** Empty tables without nested paging. */
  readonly nestedPaging: NestedPaging;
  readonly kvm: KvmGuest;
  /** Instead of nested paging. */
  readonly #shadow: SvmShadow | undefined;
  readonly #technique: TechniqueId;
  readonly #guest: GuestMode;
  readonly #allocator: Allocator;
  readonly #dispatcher: Dispatcher<SvmAssisted>;
  /** The handler of HLT has put the virtual CPU to sleep; the exit is not pending until an interrupt wakes it. */
  readonly #idle: Idle;
  /** The event of the next VMRUN was seen before: its delivery is tried again. */
  #again = false;
  /** It is the #DB of INT1, which retires with its delivery. */
  #fromInt1 = false;
  /** A handler is at work: memory accesses are the VMM's own. */
  #inVmm = false;

  constructor(context: VmmContext, virtualization: MemoryVirtualization) {
    const nested = virtualization === "nested";
    this.#technique = techniqueOf[virtualization];
    this.translationsLast = nested;
    this.nestedLevels = nested ? 4 : 0;
    this.context = context;
    this.cpu = context.cpu;
    this.#idle = new Idle(context.cpu);
    const memory = new HostMemory(context.cpu);
    this.#allocator = new Allocator(memory, context);
    this.vmcb = setUpVmcb(context.cpu, memory, this.#allocator, virtualization);
    this.#shadow = nested ? undefined : new SvmShadow(context, memory, this.#allocator, this.vmcb);
    this.#guest = new GuestMode(context.cpu, this.vmcb, memory, (exit) => this.#left(exit));
    this.kvm = new KvmGuest(context);
    this.nestedPaging = new NestedPaging(memory, this.#allocator, nptFormat, () => this.vmcb.get("nestedCr3"));
    this.#dispatcher = new Dispatcher(context, this.#technique, nested ? svmExitHandlers : this.#shadowHandlers());
    this.#shadow?.leave();
    loadHidden(this.cpu, this.vmcb);
    const failed = vmrun(this.cpu, this.vmcb);
    if (failed) this.#entryFailed(failed);
  }

  #shadowHandlers(): typeof svmExitHandlers {
    const shadow = this.#shadow!;
    const own = Object.entries(svmShadowHandlers).map(([name, handle]) => [
      name,
      (vm: SvmAssisted) => handle(vm, shadow),
    ]);
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
    if (this.#idle.waiting) return this.#wake();
    return !this.#knowsInterrupt && this.#guest.onInterrupt();
  }

  /** The VMM knows of the pending interrupt already, and waits until the guest can take it. */
  get #knowsInterrupt(): boolean {
    return isIntercepted(this.vmcb, "VINTR");
  }

  onTaskSwitch(request: TaskSwitch): void {
    if (!this.#inVmm) this.#guest.onTaskSwitch(request);
  }

  /** NMIs that come while the guest runs have left it before (`atBoundary`). */
  onNmi(): boolean {
    if (!this.#idle.waiting) return this.#guest.onNmi();
    virtualInterrupt.setNmiWanted(this.vmcb, true);
    this.#touched("virtualInterrupt");
    this.#endWait("idle until an NMI came");
    return true;
  }

  onTripleFault(): boolean {
    if (!this.#inVmm) return this.#guest.onTripleFault();
    this.context.stop("triple-fault", tripleFaultText);
    return true;
  }

  atBoundary(): boolean {
    if (this.#idle.waiting) return false;
    return this.#guest.atBoundary(!this.#knowsInterrupt && this.cpu.bus.interruptPending());
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
    if (mapped === undefined) this.nestedPaging.map(guestPhysical);
  }

  guestPhysical(linear: number): number | undefined {
    if (this.#shadow) return this.#shadow.guest.guestPhysical(linear);
    const result = this.cpu.walker.walk({ linear, access: "read", user: false, probe: true });
    return result.kind === "page" ? result.physical : undefined;
  }

  /** AMD-V has no masks: what is not intercepted is the guest's. */
  readControl(_: 0 | 4, real: bigint): bigint {
    return real;
  }

  viewGuest<T>(look: () => T): T {
    return this.#shadow ? this.#shadow.guest.with(look) : look();
  }

  changeGuest(change: () => true | string, translation: boolean): true | string {
    this.#inVmm = true;
    this.#shadow?.guest.enter();
    const result = change();
    if (translation && result === true) this.#shadow?.guest.faults.dropped("a debugger changed the guest's paging");
    this.#shadow?.leave();
    this.#inVmm = false;
    this.writeBack();
    this.cpu.attention = true;
    this.cpu.refresh();
    return result;
  }

  memoryWritten(guestPhysical: number): void {
    this.#shadow?.guest.memoryWritten(guestPhysical);
  }

  addressLineChanged(): void {
    if (this.#shadow) this.#shadow.addressLineChanged();
    else this.nestedPaging.clear();
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
    return this.#dispatcher.pending !== undefined && !this.#idle.waiting;
  }

  #left(exit: GuestExit): void {
    const { vmcb } = this;
    vmcb.set("clean", allClean);
    const { code, what, why, first } = exit;
    const interrupted = vmcb.words[at.interrupted] !== 0;
    const { info2 = 0 } = exit;
    const inNumbers = !interrupted && info2 >= 0 && info2 <= Number.MAX_SAFE_INTEGER;
    this.#dispatcher.left({
      reason: exitCode(code).name,
      number: code,
      qualification: exit.info1 ?? 0,
      fields: inNumbers ? fieldsOf(code) : laterFields(code, vmcb.get("exitInfo2"), vmcb.get("exitIntInfo")),
      what,
      why,
      first,
      second: Number(info2),
    });
  }

  handleExit(): void {
    const handled = this.#handle();
    if (handled !== undefined) this.#enter(handled);
  }

  #handle(): string | undefined {
    this.#inVmm = true;
    this.#shadow?.guest.enter();
    try {
      return this.#dispatcher.dispatch(this);
    } finally {
      this.#inVmm = false;
      this.#shadow?.leave();
    }
  }

  writeBack(): void {
    saveGuest(this.cpu, this.vmcb);
    saveHidden(this.cpu, this.vmcb);
    this.vmcb.set("tscOffset", this.cpu.r64[layout.tscOffset >> 3]!);
    this.vmcb.set("clean", 0);
  }

  /** Writes a field of the VMCB, and clears the clean bit that stands for it. */
  write(field: VmcbField, value: bigint | number): void {
    this.vmcb.set(field, value);
    this.#touched(field);
  }

  #touched(field: VmcbField): void {
    const { group }: VmcbFieldRow = vmcbFields[field];
    if (group) this.vmcb.setBit("clean", cleanBits[group].bit, false);
  }

  get guestCpl(): number {
    return this.vmcb.number("cpl");
  }

  get guestIs64(): boolean {
    const longMode = this.vmcb.bit("efer", 10);
    return longMode && this.vmcb.bit("csAttributes", 9);
  }

  /** nRIP is where the guest goes on. */
  advance(retired = 1): void {
    this.completed(retired);
    const { words } = this.vmcb;
    words[at.rip] = words[at.nextRip]!;
    words[at.rip + 1] = words[at.nextRip + 1]!;
    this.stepped();
  }

  stepped(): void {
    const { words } = this.vmcb;
    words[at.interruptShadow] = 0;
    words[at.rflags]! &= ~resumeFlag;
    this.noteTraps();
  }

  get trapsDue(): boolean {
    return this.cpu.r32[pendingDebug] !== 0 || (this.vmcb.number("rflags") & trapFlag) !== 0;
  }

  /** The VMCB has no place for debug traps that wait: the VMM injects #DB, with DR6 and DR7 as its delivery would leave them. */
  noteTraps(): void {
    const step = (this.vmcb.words[at.rflags]! & trapFlag) !== 0 ? debugCause.step : 0;
    const causes = step | this.cpu.r32[pendingDebug]!;
    if (causes === 0) return;
    this.cpu.r32[pendingDebug] = 0;
    this.write("dr6", (this.vmcb.get("dr6") & ~0xfn) | BigInt(causes));
    this.write("dr7", this.vmcb.get("dr7") & ~generalDetect);
    this.write("eventInjection", encodeEvent(vectors.DB, eventType.exception));
  }

  completed(instructions: number): void {
    this.#dispatcher.completed(instructions);
  }

  injectException(vector: number, errorCode?: number): string {
    const hasCode = pushesErrorCode(vector) && this.vmcb.bit("cr0", 0);
    const code = hasCode ? (errorCode ?? 0) : undefined;
    if (vector === vectors.PF) this.write("cr2", this.cpu.r64[layout.cr2 >> 3]!);
    this.write("eventInjection", encodeEvent(vector, eventType.exception, code));
    return `injected ${vectorName(vector)}${code === undefined ? "" : `(${code})`}`;
  }

  /** EXITINTINFO has the form of EVENTINJ. What an instruction asked for returns behind it, at nRIP. */
  redeliver(): void {
    const { vmcb } = this;
    const info = vmcb.get("exitIntInfo");
    if ((info & validEvent) === 0n) return;
    this.#again = true;
    this.write("eventInjection", info);
    const length = softwareEventLength(this.cpu, info, vmcb.get("dr6"));
    if (length === undefined) return;
    const next = BigInt.asUintN(64, vmcb.get("rip") + BigInt(length));
    // INT1 cannot be injected as such: #DB is, as the trap that it is.
    this.#fromInt1 = (info & 0xffn) === BigInt(vectors.DB);
    if (this.#fromInt1) this.write("rip", next);
    this.write("nextRip", next);
  }

  wait(): boolean {
    if ((this.vmcb.get("eventInjection") & validEvent) !== 0n) return true;
    return this.#idle.begin(this.vmcb.get("rip"), this.vmcb.number("rflags"));
  }

  #wake(): boolean {
    if (!this.#idle.wakes) return false;
    this.#endWait("idle until an interrupt came");
    return true;
  }

  #endWait(handled: string): void {
    this.#idle.end();
    this.#enter(handled);
  }

  /**
   * Prepares an interrupt for the next VMRUN, or asks to be told when the guest can take it: a virtual interrupt whose vector
   * does not matter, as the VINTR intercept comes first.
   */
  #offerInterrupt(): void {
    const { vmcb } = this;
    const { bus } = this.cpu;
    const { words } = vmcb;
    const busy = words[at.eventInjection]! >>> 31 === 1;
    const free = !busy && (words[at.interruptShadow]! & 1) === 0 && (words[at.rflags]! & interruptFlag) !== 0;
    if (free && bus.interruptPending())
      this.write("eventInjection", encodeEvent(bus.acknowledgeInterrupt(), eventType.interrupt));
    const window = bus.interruptPending();
    if (window === this.#knowsInterrupt) return;
    vmcb.setBit("vector3", intercepts.VINTR.bit, window);
    this.#touched("vector3");
    virtualInterrupt.setWanted(vmcb, window);
    virtualInterrupt.setIgnoreTpr(vmcb, window);
    this.#touched("virtualInterrupt");
  }

  /** VMRUN. Of the general registers rAX is in the VMCB; rSP too, which no emulation changes without saying so. */
  #enter(handled: string): void {
    this.#offerInterrupt();
    const { cpu, vmcb } = this;
    vmcb.words[at.rax] = cpu.u32[2 * rax]!;
    vmcb.words[at.rax + 1] = cpu.u32[2 * rax + 1]!;
    const failed = vmrun(cpu, vmcb);
    if (failed) {
      this.#entryFailed(failed);
      return;
    }
    const event = injectedEvent(vmcb);
    this.#dispatcher.resumed(handled, 0);
    const again = this.#again;
    const retires = this.#fromInt1;
    this.#again = false;
    this.#fromInt1 = false;
    if (event && deliverInjected(this.context, event, again, retires)) this.completed(1);
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
    this.context.recordExit(form, 0, 0, 0);
    this.context.stop("vm-entry-failure", inconsistencyText(this.vmcb, check));
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      waiting: this.#idle.waiting,
      nextPage: this.#allocator.mark,
      kvm: this.kvm.save(),
      shadow: this.#shadow?.guest.save() ?? null,
    };
  }

  restore(state: unknown): void {
    const { pending, waiting, nextPage, kvm, shadow } = state as Saved;
    this.#dispatcher.pending = pending ?? undefined;
    this.#idle.waiting = waiting;
    this.#allocator.release(nextPage);
    this.kvm.restore(kvm);
    if (shadow) this.#shadow!.guest.restore(shadow);
  }
}

/** Where the numbers of an exit cannot hold all that its fields are worked out from. */
const laterFields =
  (code: number, info2: bigint, interrupted: bigint) =>
  ({ qualification }: ExitNumbers): Field[] =>
    decodeExit({ code, info1: qualification, info2, interrupted });

const knownFields = new Map<number, (numbers: ExitNumbers) => Field[]>();

/** How the fields of an exit are worked out from its numbers, EXITINFO1 and EXITINFO2: the same function for all with a code. */
function fieldsOf(code: number): (numbers: ExitNumbers) => Field[] {
  const known = knownFields.get(code);
  if (known) return known;
  const made = ({ qualification, second }: ExitNumbers): Field[] =>
    decodeExit({ code, info1: qualification, info2: BigInt(second), interrupted: 0n });
  knownFields.set(code, made);
  return made;
}
