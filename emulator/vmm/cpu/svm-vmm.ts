import type { Cpu } from "../../cpu/cpu.ts";
import { debugCause } from "../../cpu/debug-registers.ts";
import { pushesErrorCode, vectorName, vector as vectors } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { ConsistencyCheck } from "../../svm/consistency-checks.ts";
import { encodeEvent, eventType, validEvent } from "../../svm/exit-information.ts";
import { saveGuest, saveHidden } from "../../svm/guest-state.ts";
import { intercepts, isIntercepted } from "../../svm/intercepts.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { type Vmcb, wordOf } from "../../svm/vmcb.ts";
import { cleanBits, type VmcbField, type VmcbFieldRow, vmcbFields } from "../../svm/vmcb-fields.ts";
import { injectedEvent, vmrun } from "../../svm/vmrun.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import type { VmmContext } from "../context.ts";
import { KvmGuest } from "../kvm/guest.ts";
import type { NestedPaging } from "../memory/nested-paging.ts";
import type { HardwareShared } from "./hardware-shared.ts";
import type { HardwareVmm } from "./hardware-vmm.ts";
import { Idle } from "./idle.ts";
import { deliverInjected } from "./injection.ts";
import { softwareEventLength } from "./software-events.ts";
import { setUpVmcb } from "./vmcb-setup.ts";

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
} as const;

/** What a VMM on AMD-V does between #VMEXIT and VMRUN: it works on the VMCB and the general registers. */
export class SvmVmm implements HardwareVmm {
  readonly cpu: Cpu;
  readonly vmcb: Vmcb;
  readonly context: VmmContext;
  /** Empty tables without nested paging. */
  readonly nestedPaging: NestedPaging;
  readonly kvm: KvmGuest;
  /** The handler of HLT has put the virtual CPU to sleep; the exit is not pending until an interrupt wakes it. */
  readonly idle: Idle;
  readonly completed: (instructions: number) => void;
  /** The event of the next VMRUN was seen before: its delivery is tried again. */
  #again = false;
  /** It is the #DB of INT1, which retires with its delivery. */
  #fromInt1 = false;

  /** `completed` counts instructions that the VMM has completed for the guest. */
  constructor(context: VmmContext, shared: HardwareShared, vcpu: number, completed: (instructions: number) => void) {
    this.context = context;
    this.cpu = context.cpu;
    this.completed = completed;
    this.idle = new Idle(context.cpu);
    this.vmcb = setUpVmcb(context, shared, vcpu);
    this.kvm = new KvmGuest(context, shared.kvm);
    this.nestedPaging = shared.nestedPaging;
  }

  /** The VMM knows of the pending interrupt already, and waits until the guest can take it. */
  get knowsInterrupt(): boolean {
    return isIntercepted(this.vmcb, "VINTR");
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
    this.touched(field);
  }

  /** The clean bit of a field that was written is 0. */
  touched(field: VmcbField): void {
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
    const isException = Number(bitsOf(info, 10, 8)) === eventType.exception;
    this.#fromInt1 = isException && (info & 0xffn) === BigInt(vectors.DB);
    if (this.#fromInt1) this.write("rip", next);
    this.write("nextRip", next);
  }

  /** The processor's state is that after INIT, or after a start-up message: the VMCB gets it. */
  takeState(): void {
    const { vmcb } = this;
    this.writeBack();
    vmcb.set("eventInjection", 0);
    vmcb.set("interruptShadow", 0);
    vmcb.setBit("vector3", intercepts.VINTR.bit, false);
    virtualInterrupt.setWanted(vmcb, false);
    virtualInterrupt.setIgnoreTpr(vmcb, false);
    virtualInterrupt.setNmiWanted(vmcb, false);
  }

  wait(): boolean {
    if ((this.vmcb.get("eventInjection") & validEvent) !== 0n) return true;
    return this.idle.begin(this.vmcb.get("rip"), this.vmcb.number("rflags"));
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
    if (window === this.knowsInterrupt) return;
    vmcb.setBit("vector3", intercepts.VINTR.bit, window);
    this.touched("vector3");
    virtualInterrupt.setWanted(vmcb, window);
    virtualInterrupt.setIgnoreTpr(vmcb, window);
    this.touched("virtualInterrupt");
  }

  /** Another moment has come, at which no event waits for VMRUN: of a VMRUN that failed, one may. */
  restored(): void {
    this.#again = false;
    this.#fromInt1 = false;
  }

  /**
   * VMRUN: the check that failed, or undefined. Of the general registers rAX is in the VMCB; rSP too, which no emulation changes
   * without saying so. `resumed` is told before an injected event is delivered.
   */
  enter(resumed: () => void): ConsistencyCheck | undefined {
    this.#offerInterrupt();
    const { cpu, vmcb } = this;
    vmcb.words[at.rax] = cpu.u32[2 * rax]!;
    vmcb.words[at.rax + 1] = cpu.u32[2 * rax + 1]!;
    const failed = vmrun(cpu, vmcb);
    if (failed) return failed;
    const event = injectedEvent(vmcb);
    resumed();
    const again = this.#again;
    const retires = this.#fromInt1;
    this.#again = false;
    this.#fromInt1 = false;
    if (event && deliverInjected(this.context, event, again, retires)) this.completed(1);
    return undefined;
  }
}
