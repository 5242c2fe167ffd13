import { flagMask } from "../../isa/flags.ts";
import type { Privilege } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { SystemCalls } from "../../isa/system.ts";
import { type Meets, MemoryAccess } from "../mmu/access.ts";
import type { AddressLine } from "../mmu/address-line.ts";
import { guard, type Interceptor } from "../mmu/physical.ts";
import type { Watched } from "../mmu/tlb.ts";
import type { FlushCause } from "../mmu/translation-events.ts";
import type { Bus } from "./bus.ts";
import { type Breakpoint, breakpointsOf, meetData } from "./debug-registers.ts";
import type { MemoryObserver, Observer } from "./environment.ts";
import {
  type Delivery,
  deliverException,
  deliverInterrupt,
  injectException,
  type VectoringEvent,
} from "./exceptions.ts";
import { hardwareFault, vector } from "./fault.ts";
import { definedFlags, flagsImage, setStatusFlags, statusMask } from "./flags.ts";
import { atBoundary, markMidRepeat } from "./interrupts.ts";
import { cpuBase, layout, ramBase, tlbBank, tlbBase } from "./layout.ts";
import type { Access, Fault, VmExit } from "./monitor.ts";
import { checkPrivilege } from "./privilege.ts";
import { resetProcessor } from "./reset.ts";
import { setStackPointer, stackPointer } from "./stack.ts";
import { CS, type Segment, SS, signedNumber } from "./state.ts";
import { systemTable } from "./system-calls.ts";
import { probe, type WalkOutcome } from "./walk-outcome.ts";

export interface CpuOptions {
  readonly memory: WebAssembly.Memory;
  /** Offsets in `memory`: state block, TLB, host-physical address 0. Default: those of `layout.ts`. */
  readonly cpuBase?: number;
  readonly tlbBase?: number;
  readonly ramBase?: number;
  /** Bytes of host-physical RAM, a multiple of 4096. */
  readonly ramBytes: number;
  readonly bus: Bus;
  /** The gate of address line 20 (see `MemoryOptions`). */
  readonly a20?: AddressLine;
  /** 5-level paging (CPUID LA57). Addresses beyond 2^53 stop the machine by name. Default: false. */
  readonly fiveLevelPaging?: boolean | undefined;
}

type Argument<W> = W extends 64 ? bigint : number;
type Arguments<A extends readonly unknown[]> = { -readonly [K in keyof A]: Argument<A[K]> };
type Procedure<N extends keyof SystemCalls> = SystemCalls[N]["result"] extends undefined
  ? (cpu: Cpu, decoded: Decoded, ...args: Arguments<SystemCalls[N]["args"]>) => void
  : (cpu: Cpu, decoded: Decoded, ...args: Arguments<SystemCalls[N]["args"]>) => Argument<SystemCalls[N]["result"]>;

/** Procedures rows call by name. `next` must be set (see `Cpu.next`). */
export type SystemTable = { readonly [N in keyof SystemCalls]: Procedure<N> };

/** What the run loop does after `atBoundary`. */
export type Boundary =
  /** Nothing to do: execute the instruction. */
  | "run"
  /** An interrupt or debug exception was delivered, or the monitor took an exit: that was the step. */
  | "stepped"
  /** Halted and no interrupt can come now: let time pass to the next device deadline, or stop. */
  | "idle"
  /** Shut down by a triple fault: only a reset helps. */
  | "shutdown";

const VM = flagMask("VM");
const lookedAt = flagMask("IF") | flagMask("TF") | flagMask("RF") | flagMask("VIP");

const vmExit: VmExit = { kind: "exit" };

/** Whether the event's own handler was entered. Throws where the guest left. */
function entered(delivery: Delivery): boolean {
  if (delivery === "left") throw vmExit;
  return delivery === "entered";
}

/**
 * A processor. How an instruction executes (the run loop's side of the contract):
 *
 * 1. `atBoundary()` if `attention`; 2. fetch and decode at CS:RIP (`fetch8`, `fetchPage`); 3. `next` = `sequential(length)`;
 * 4. `checkPrivilege`, the monitor, the semantics; everything that transfers control writes `next`, and only the delivery of an event
 * writes RIP too; 5. RIP = `next`. A thrown `Fault` goes to `deliver`, which sets RIP; a thrown `VmExit` leaves RIP at the
 * instruction. `deliver` and `atBoundary` may throw a `VmExit` too, and anything may throw `Unsupported`.
 */
export class Cpu extends MemoryAccess {
  /** Offset of the next instruction: unsigned, or signed canonical in 64-bit code. */
  next = 0;
  observer: Observer = {};
  /** The event whose delivery is under way when a `VmExit` or fault happens (IDT-vectoring information). */
  vectoring: VectoringEvent | undefined;
  /** The IRET that faults or leaves a guest in this step has ended the blocking of NMIs, of which a VMM is told. */
  unblockedNmi = false;
  readonly system: SystemTable = systemTable;
  /**
   * The instruction at RIP if the engine has it decoded and its bytes are still the same; for those who look at what has just
   * trapped. May raise a fault of the fetch.
   */
  decodedInstruction: (() => Decoded | undefined) | undefined;
  /** Breakpoints of the debug registers, where any is enabled now. */
  breakpoints: readonly Breakpoint[] = [];
  /** To be called when the processor has to look at something at an earlier cycle than before (`layout.preemptionDeadline`). */
  deadlineChanged: () => void = () => {};
  /** Whether any of them is for instructions, so that every boundary needs a look. */
  breaksOnInstructions = false;
  #debugger: { readonly pages: readonly Watched[]; readonly meets?: Meets } = { pages: [] };

  constructor(options: CpuOptions) {
    super({
      buffer: options.memory.buffer,
      cpuBase: options.cpuBase ?? cpuBase,
      tlbBase: options.tlbBase ?? tlbBase,
      ramBase: options.ramBase ?? ramBase,
      ramBytes: options.ramBytes,
      bus: options.bus,
      a20: options.a20,
      fiveLevelPaging: options.fiveLevelPaging,
    });
    this.reset();
  }

  get bus(): Bus {
    return this.physical.bus;
  }

  /** The processor is on this bus from now on, with the gate of its address line 20. */
  connect(bus: Bus, a20: AddressLine): void {
    this.physical.bus = bus;
    this.nested.connect(a20);
  }

  get memoryObserver(): MemoryObserver {
    return this.physical.observer;
  }
  set memoryObserver(observer: MemoryObserver) {
    this.physical.observer = observer;
  }

  /** RESET. */
  reset(): void {
    resetProcessor(this);
  }

  override refresh(): void {
    super.refresh();
    this.refreshBreakpoints();
  }

  /** To be called when DR0–DR3, DR7 or CR4.DE may have changed. */
  refreshBreakpoints(): void {
    const breakpoints = breakpointsOf(this);
    if (breakpoints.length === 0 && this.breakpoints.length === 0) return;
    this.breakpoints = breakpoints;
    this.#watchData();
    this.breaksOnInstructions = breakpoints.some(({ enabled, condition }) => enabled && condition === "execute");
    if (this.breaksOnInstructions) this.attention = true;
  }

  /** From now on this is told of the accesses of instructions to these pages, and perhaps to others. Not part of the machine's state. */
  watchLinear(pages: readonly Watched[], meets: Meets): void {
    this.#debugger = { pages, meets };
    this.#watchData();
  }

  /** Accesses that the debug registers, or a debugger, want to see. */
  #watchData(): void {
    const data = this.breakpoints.filter(({ condition }) => condition === "write" || condition === "read-write");
    const { pages, meets } = this.#debugger;
    this.meets =
      data.length === 0 && pages.length === 0
        ? undefined
        : (linear, bytes, write) => {
            if (data.length > 0) meetData(this, data, linear, bytes, write);
            meets?.(linear, bytes, write);
          };
    this.tlb.watch([
      ...data.map(({ first, condition }) => ({ page: Math.floor(first / 4096), reads: condition === "read-write" })),
      ...pages,
    ]);
  }

  /** The NMI line is raised: an edge, remembered until the interrupt is taken. */
  nonMaskableInterrupt(): void {
    this.r32[layout.pendingNmi >> 2] = 1;
    this.attention = true;
  }

  /**
   * An iteration of a repeated string instruction is done and others remain. What comes between them finds RF set, and so
   * does the next, which is no new instruction for a breakpoint.
   */
  midRepeat(): void {
    markMidRepeat(this);
  }

  /** Offset of the instruction after the one at RIP. Outside 64-bit code it wraps at 32 bits; the limit check is the fetch's. */
  sequential(length: number): number {
    const next = this.rip + length;
    return this.bits === 64 ? next : next >>> 0;
  }

  push16(value: number): void {
    const { stackBits } = this;
    const pointer = this.#below(stackBits, 2);
    this.store16(SS, pointer, value);
    setStackPointer(this, stackBits, pointer);
  }

  push32(value: number): void {
    const { stackBits } = this;
    const pointer = this.#below(stackBits, 4);
    this.store32(SS, pointer, value);
    setStackPointer(this, stackBits, pointer);
  }

  push64(value: bigint): void {
    const { stackBits } = this;
    const pointer = this.#below(stackBits, 8);
    this.store64(SS, pointer, value);
    setStackPointer(this, stackBits, pointer);
  }

  pop16(): number {
    const { stackBits } = this;
    const value = this.load16(SS, stackPointer(this, stackBits));
    this.#release(stackBits, 2);
    return value;
  }

  pop32(): number {
    const { stackBits } = this;
    const value = this.load32(SS, stackPointer(this, stackBits));
    this.#release(stackBits, 4);
    return value;
  }

  pop64(): bigint {
    const { stackBits } = this;
    const value = this.load64(SS, stackPointer(this, stackBits));
    this.#release(stackBits, 8);
    return value;
  }

  /** The stack pointer moved down by a push, wrapped at its width. */
  #below(bits: 16 | 32 | 64, bytes: number): number {
    const pointer = stackPointer(this, bits) - bytes;
    if (bits === 64) return pointer;
    return bits === 32 ? pointer >>> 0 : pointer & 0xffff;
  }

  #release(bits: 16 | 32 | 64, bytes: number): void {
    const pointer = stackPointer(this, bits) + bytes;
    setStackPointer(this, bits, bits === 64 ? pointer : bits === 32 ? pointer >>> 0 : pointer & 0xffff);
  }

  raise(number: number, errorCode?: number): never {
    throw hardwareFault(number, errorCode);
  }

  /**
   * Delivers an exception or software interrupt: asks the monitor, then goes through the table of the mode. Exceptions while
   * delivering become #DF or a shutdown by the manual's rules. Sets RIP and `next`. May throw a `VmExit`. False if another
   * exception was delivered in its place: then the instruction of a software interrupt has not retired.
   */
  deliver(fault: Fault): boolean {
    return entered(this.deliverOrLeave(fault));
  }

  /** As `deliver`, for the run loop: gives "left" instead of throwing a `VmExit`, which takes longer than all the rest. */
  deliverOrLeave(fault: Fault): Delivery {
    return this.#delivering(() => deliverException(this, fault, undefined));
  }

  /** As `deliver`, but the monitor is not asked about this event, only about those its delivery raises (event injection). */
  inject(fault: Fault): boolean {
    return entered(this.#delivering(() => injectException(this, fault)));
  }

  /** Delivers an external interrupt or (vector 2) NMI through the table of the mode; the monitor is not asked. */
  interrupt(number: number): void {
    entered(this.#delivering(() => deliverInterrupt(this, number)));
  }

  /** `vectoring` says what is being delivered while it is, and nothing afterwards, whatever became of it. */
  #delivering<T>(deliver: () => T): T {
    try {
      return deliver();
    } finally {
      this.vectoring = undefined;
    }
  }

  /** To be called at an instruction boundary while `attention` is set. */
  atBoundary(): Boundary {
    return atBoundary(this);
  }

  /** Near jump: sets `next`, or #GP(0) for a target beyond the limit of CS (not canonical, in 64-bit code). */
  jump(target: number | bigint): void {
    const offset = typeof target === "bigint" ? signedNumber(target) : target;
    const valid = this.bits === 64 ? this.isCanonical(offset) : offset <= this.limit(CS);
    if (!valid) throw hardwareFault(vector.GP, 0);
    this.next = offset;
  }

  /** The row's privilege column, with the TSS I/O bitmap for `io` (port and bytes as decoded): returns, #GP(0) or #UD. */
  checkPrivilege(privilege: Privilege, decoded: Decoded): void {
    checkPrivilege(this, privilege, decoded);
  }

  setCpl(cpl: number): void {
    this.r32[layout.cpl >> 2] = cpl;
    this.refreshAfterPrivilege();
  }

  /** Writes a segment register with its hidden part, unchecked, and refreshes. */
  setSegment(segment: number, value: Segment): void {
    this.writeSegment(segment, value);
    this.refreshAfterSegment(segment);
  }

  /** The whole RFLAGS image, status flags included. Writing is unchecked; bits that do not exist are dropped. */
  get flags(): number {
    return flagsImage(this);
  }
  set flags(value: number) {
    setStatusFlags(this, value);
    const before = this.eflags;
    this.eflags = (value & definedFlags & ~statusMask) | 2;
    // IF, TF, RF and VIP are looked at on the next boundary; VM decides how segments are read, AC on alignment checks.
    if ((this.eflags & lookedAt) !== 0) this.attention = true;
    if (((before ^ this.eflags) & VM) !== 0) this.refresh();
    else this.refreshAfterPrivilege();
  }

  /** Walks the paging structures without changing anything; by default as a read at the current privilege. */
  walk(linear: number, access: Access = "read", user = this.cpl === 3): WalkOutcome {
    return probe(this, { linear, access, user });
  }

  /** Does the TLB have the translation of an address, for reads at the current privilege? */
  isCached(linear: number): boolean {
    return this.tlb.lookup(this.cpl === 3 ? tlbBank.userRead : tlbBank.supervisorRead, linear) >= 0;
  }

  /** Forgets cached translations: all but global ones, or with `global` all, those of nested paging included. */
  flushTlb(global: boolean, cause: FlushCause = "VMM"): void {
    this.tlb.flush(global, cause);
    if (global) this.nested.flush();
  }

  /** Forgets what the TLB holds for the page of a linear address (INVLPG). */
  invalidatePage(linear: number, cause: FlushCause = "INVLPG"): void {
    this.tlb.invalidate(linear, cause);
  }

  /** Adds guard bits (see `mmu/physical.ts`) to a host-physical page of RAM. */
  guardPage(page: number, flags: number): void {
    if ((flags & guard.watchAll) !== 0) this.tlb.neverRemember();
    this.#setGuards(page, this.physical.guards[page]! | flags);
  }

  unguardPage(page: number, flags: number): void {
    this.#setGuards(page, this.physical.guards[page]! & ~flags);
  }

  #setGuards(page: number, guards: number): void {
    if (this.physical.guards[page] === guards) return;
    this.physical.guards[page] = guards;
    this.tlb.applyGuards(page);
  }

  /** From now on this makes the accesses to its page, and none other to any. */
  intercept(interceptor: Interceptor | undefined): void {
    const before = this.physical.interceptor;
    if (before === interceptor) return;
    if (before && this.physical.isRam(before.page * 4096)) this.unguardPage(before.page, guard.intercepted);
    this.physical.interceptor = interceptor;
    if (interceptor && this.physical.isRam(interceptor.page * 4096))
      this.guardPage(interceptor.page, guard.intercepted);
  }

  /** Host-physical memory with devices and notification; 1, 2 or 4 bytes within a page, unsigned. */
  readPhysical(address: number, bytes: number): number {
    return this.physical.read(address, bytes);
  }
  writePhysical(address: number, bytes: number, value: number): void {
    this.physical.write(address, bytes, value);
  }
}
