import type { Cpu } from "../../cpu/cpu.ts";
import { pushesErrorCode, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { controls, inForce } from "../../vmx/controls.ts";
import { pendingSingleStep, savedDebug, saveGuest } from "../../vmx/guest-state.ts";
import { injectExceptionInfo, injectInterruptInfo } from "../../vmx/non-root.ts";
import { type Vmcs, wordOf } from "../../vmx/vmcs.ts";
import type { VmcsField } from "../../vmx/vmcs-fields.ts";
import type { VmmContext } from "../context.ts";
import { KvmGuest } from "../kvm/guest.ts";
import type { NestedPaging } from "../memory/nested-paging.ts";
import type { HardwareShared } from "./hardware-shared.ts";
import type { HardwareVmm } from "./hardware-vmm.ts";
import { Idle } from "./idle.ts";
import { deliverInjected, type InjectedEvent } from "./injection.ts";
import { setUpVmcs, takeState } from "./vmcs-setup.ts";

const trapFlag = 0x100;
const interruptFlag = 0x200;
const resumeFlag = 0x10000;
const two32 = 2 ** 32;
/** Places in `Vmcs.words` of what every emulation touches. */
const at = {
  rip: wordOf("guestRip"),
  rflags: wordOf("guestRflags"),
  interruptibility: wordOf("guestInterruptibility"),
  instructionLength: wordOf("exitInstructionLength"),
  injection: wordOf("entryInterruptionInfo"),
  pendingDebug: wordOf("guestPendingDebug"),
} as const;
const blockedByMovSs = 2;
const blockedByStiOrMovSs = 3;
const pendingDebug = layout.pendingDebug >> 2;

/** What a VMM on VT-x does between VM exit and VM entry: it works on the VMCS and the general registers. */
export class VtxVmm implements HardwareVmm {
  readonly cpu: Cpu;
  readonly vmcs: Vmcs;
  readonly context: VmmContext;
  /** Empty tables without EPT. */
  readonly nestedPaging: NestedPaging;
  readonly kvm: KvmGuest;
  /** The handler of HLT has put the virtual CPU to sleep; the exit is not pending until an interrupt wakes it. */
  readonly idle: Idle;
  readonly completed: (instructions: number) => void;
  /** VMREADs and VMWRITEs of the exit being handled, in cycles. */
  work = 0;
  /** The event of the next entry was seen before: its delivery is tried again. */
  #again = false;

  /** @param completed counts instructions, or iterations of one, that were completed for the guest */
  constructor(context: VmmContext, shared: HardwareShared, vcpu: number, completed: (count: number) => void) {
    this.context = context;
    this.cpu = context.cpu;
    this.completed = completed;
    this.idle = new Idle(context.cpu);
    this.vmcs = setUpVmcs(context, shared, vcpu);
    this.kvm = new KvmGuest(context, shared.kvm);
    this.nestedPaging = shared.nestedPaging;
  }

  /** With the TSC offset, which an emulation may have moved. */
  writeBack(): void {
    saveGuest(this.cpu, this.vmcs);
    this.write("tscOffset", this.cpu.r64[layout.tscOffset >> 3]!);
  }

  /** VMREAD. */
  read(field: VmcsField): bigint {
    this.work += this.context.costs.vmread;
    return this.vmcs.get(field);
  }

  /** VMREAD of a field of at most 32 bits, or of the low half of a wider one. */
  readNumber(field: VmcsField): number {
    this.work += this.context.costs.vmread;
    return this.vmcs.number(field);
  }

  /** VMWRITE. */
  write(field: VmcsField, value: bigint | number): void {
    this.work += this.context.costs.vmwrite;
    this.vmcs.set(field, value);
  }

  /** Guest privilege level: DPL of SS. */
  get guestCpl(): number {
    return (this.readNumber("guestSsAccess") >> 5) & 3;
  }

  get guestIs64(): boolean {
    return inForce(this.vmcs, controls.ia32eModeGuest) && (this.readNumber("guestCsAccess") & 0x2000) !== 0;
  }

  /**
   * Moves the guest past the instruction that exited: RIP, what lasts for one instruction, and the trap after it if TF is
   * set. `retired` is how often it counts: once, or for a repeated one the iterations that are not counted yet.
   */
  advance(retired = 1): void {
    this.completed(retired);
    const { vmread, vmwrite } = this.context.costs;
    const { words } = this.vmcs;
    const wide = this.guestIs64;
    this.work += 2 * vmread + vmwrite;
    const next = words[at.rip]! + words[at.instructionLength]!;
    words[at.rip] = next;
    words[at.rip + 1] = wide ? words[at.rip + 1]! + (next >= two32 ? 1 : 0) : 0;
    this.stepped();
  }

  /** An instruction has been emulated: what lasts for one is over, and the trap after it comes if TF is set. */
  stepped(): void {
    const { vmread, vmwrite } = this.context.costs;
    const { words } = this.vmcs;
    this.work += 2 * vmread + vmwrite;
    words[at.interruptibility]! &= ~blockedByStiOrMovSs;
    const flags = words[at.rflags]!;
    if ((flags & resumeFlag) !== 0) this.write("guestRflags", flags & ~resumeFlag);
    this.noteTraps(flags);
  }

  /** Whether debug traps follow what has been emulated: a single step, or breakpoints that it met. */
  get trapsDue(): boolean {
    return this.cpu.r32[pendingDebug] !== 0 || (this.readNumber("guestRflags") & trapFlag) !== 0;
  }

  /** They come with the next entry. */
  noteTraps(flags = this.readNumber("guestRflags")): void {
    const step = (flags & trapFlag) !== 0 ? pendingSingleStep : 0;
    const traps = step | savedDebug(this.cpu.r32[pendingDebug]!);
    this.cpu.r32[pendingDebug] = 0;
    if (traps !== 0) this.write("guestPendingDebug", traps);
  }

  /** Asks the next entry to inject an exception. */
  injectException(vector: number, errorCode?: number): string {
    const realMode = (this.read("guestCr0") & 1n) === 0n;
    const hasCode = pushesErrorCode(vector) && !realMode;
    this.write("entryInterruptionInfo", injectExceptionInfo(vector, hasCode));
    if (hasCode) this.write("entryErrorCode", errorCode ?? 0);
    const code = hasCode ? `(${errorCode ?? 0})` : "";
    return `injected ${vectorName(vector)}${code}`;
  }

  /** Asks the next entry to deliver again what the exit interrupted, if it interrupted a delivery. */
  redeliver(): void {
    const info = this.readNumber("idtVectoringInfo");
    if (info >>> 31 === 0) return;
    this.#again = true;
    this.write("entryInterruptionInfo", info & ~0x1000);
    this.write("entryErrorCode", this.readNumber("idtVectoringErrorCode"));
    this.write("entryInstructionLength", this.readNumber("exitInstructionLength"));
    // Debug traps can wait only behind MOV SS, and an entry keeps them only where that is said.
    const { words } = this.vmcs;
    if (words[at.pendingDebug] !== 0) this.write("guestInterruptibility", words[at.interruptibility]! | blockedByMovSs);
  }

  /** HLT: gives the processor away until an interrupt comes. True if the guest need not wait. */
  wait(): boolean {
    return this.idle.begin(this.vmcs.get("guestRip"), this.vmcs.words[at.rflags]!);
  }

  /** The processor's state is that after INIT, or after a start-up message: the VMCS gets it. */
  takeState(): void {
    takeState(this.cpu, this.vmcs);
    this.vmcs.setBit("primaryControls", controls.interruptWindowExiting.bit, false);
    this.vmcs.set("entryInterruptionInfo", 0);
  }

  /** Prepares an interrupt for the next entry, or asks to be told when the guest can take it. */
  offerInterrupt(): void {
    const wanted = this.cpu.bus.interruptPending();
    const { words } = this.vmcs;
    // Debug traps come before interrupts, and an entry that injects an event forgets them.
    const busy = words[at.injection]! >>> 31 === 1 || words[at.pendingDebug] !== 0;
    const blocked = (words[at.interruptibility]! & blockedByStiOrMovSs) !== 0;
    const takes = wanted && !busy && !blocked && (words[at.rflags]! & interruptFlag) !== 0;
    if (takes) {
      this.write("entryInterruptionInfo", injectInterruptInfo(this.cpu.bus.acknowledgeInterrupt()));
      this.write("guestActivity", 0);
    }
    // Another one may be waiting.
    const window = takes ? this.cpu.bus.interruptPending() : wanted;
    if (window !== inForce(this.vmcs, controls.interruptWindowExiting)) {
      this.work += this.context.costs.vmwrite;
      this.vmcs.setBit("primaryControls", controls.interruptWindowExiting.bit, window);
    }
  }

  /** Another moment has come, at which no event waits for an entry: of an entry that failed, one may. */
  restored(): void {
    this.#again = false;
  }

  /** The event that the entry brings; it may leave the guest again. */
  inject(event: InjectedEvent): void {
    const again = this.#again;
    this.#again = false;
    if (deliverInjected(this.context, event, again)) this.completed(1);
  }
}
