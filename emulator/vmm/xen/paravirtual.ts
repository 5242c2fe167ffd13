import type { Decoded } from "../../../isa/operands.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault, Monitor, VmExit } from "../../cpu/monitor.ts";
import { unsigned64 } from "../../cpu/state.ts";
import type { AddressSpace } from "../../machine-interface.ts";
import type { Outlook } from "../../trace/event.ts";
import type { VmmContext } from "../context.ts";
import { Dispatcher, type ExitBody, type Pending } from "../dispatcher.ts";
import type { Vmm } from "../vmm.ts";
import { pageBytes } from "./abi.ts";
import { buildDomain } from "./builder.ts";
import { isContinuation } from "./call.ts";
import { Domain } from "./domain.ts";
import { domainView } from "./domain-view.ts";
import {
  type Entry,
  faultExit,
  hypercallExit,
  hypercallVector,
  kickExit,
  nmiExit,
  systemCallExit,
  timerExit,
} from "./entries.ts";
import { bounce } from "./entry-frames.ts";
import { offerUpcall, upcallDue } from "./event-channels.ts";
import { handleFault } from "./faults.ts";
import { hypercall, hypercallName, resultOf } from "./hypercalls.ts";
import { directVector, isDirect, paravirtualOutlook } from "./outlook.ts";
import { bitsOf } from "./refusal.ts";
import { renewRunState } from "./runstate.ts";
import { fireTimers, noteRun, runStateOf, timerDeadline, waitIsOver, wakingDeadline } from "./timers.ts";
import { beginVcpu } from "./vcpu-start.ts";

const vmExit: VmExit = { kind: "exit" };
const [RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11] = [0, 3, 1, 2, 6, 7, 5, 8, 9, 10, 11] as const;
/** Registers of a hypercall's arguments, in order. */
const argumentRegisters = { 32: [RBX, RCX, RDX, RSI, RDI, RBP], 64: [RDI, RSI, RDX, R10, R8, R9] } as const;

interface Saved {
  readonly pending: Pending | null;
  readonly entry: Entry | null;
  readonly fired: string | null;
}

/** Xen with a paravirtual guest: its domain, and a monitor for each of its virtual CPUs. */
export function xen(context: VmmContext): Vmm {
  const domain = new Domain(context, bitsOf(context.mode)!);
  buildDomain(domain, context.image);
  return {
    monitor: (vcpu) => new Paravirtual(domain, vcpu),
    domain: (vm) => domainView(domain, vm),
    save: () => domain.save(),
    restore: (state) => domain.restore(state as ReturnType<Domain["save"]>),
  };
}

/**
 * Xen, for paravirtual guests: the guest's kernel runs at CPL 1 (32-bit) or CPL 3 (64-bit) on page tables of its own that Xen has
 * validated, and calls Xen for what it may not do itself. Nothing of the guest is hidden behind its back.
 */
class Paravirtual implements Monitor {
  readonly ownsInterrupts = true;
  /** Machine addresses are what the guest's page tables hold. */
  readonly translationsLast = true;
  readonly translations: object;
  readonly #domain: Domain;
  readonly #vcpu: number;
  readonly #context: VmmContext;
  readonly #dispatcher: Dispatcher<Paravirtual>;
  #entry: Entry | undefined;
  /** Timers that have fired and not been seen at an instruction boundary yet. */
  #fired: string | undefined;

  constructor(domain: Domain, vcpu: number) {
    const { context } = domain;
    this.#context = context;
    this.#domain = domain;
    this.#vcpu = vcpu;
    this.translations = domain;
    this.#dispatcher = new Dispatcher(context, "paravirtualization", { enter: (xen) => xen.#handle() }, () => "trap");
  }

  // What the processor asks.

  beforeInstruction(): boolean {
    return false;
  }

  why(instruction: Decoded): Outlook {
    return paravirtualOutlook(this.#domain, instruction);
  }

  onException(fault: Fault): boolean {
    const { bits, cpu } = this.#domain;
    const software = fault.source === "software";
    const next = fault.source === "hardware" ? cpu.rip : cpu.sequential(fault.length);
    if (software && fault.vector === directVector && isDirect(this.#domain)) return false;
    if (software && bits === 32 && fault.vector === hypercallVector && cpu.cpl === 1)
      this.#left(hypercallExit(this.#domain), { kind: "hypercall", next });
    else
      this.#left(faultExit(this.#domain, fault), {
        kind: "fault",
        vector: fault.vector,
        errorCode: fault.errorCode ?? null,
        address: fault.address?.toString() ?? null,
        debug: fault.debug ?? null,
        source: fault.source,
        next,
      });
    return true;
  }

  onSystemCall(next: number): void {
    const { state } = this.#domain;
    if (state.kernelMode) this.#left(hypercallExit(this.#domain), { kind: "hypercall", next });
    else this.#left(systemCallExit, { kind: "syscall", next });
    throw vmExit;
  }

  #left(body: ExitBody, entry: Entry): void {
    this.#entry = entry;
    this.#dispatcher.left(body, "enter");
  }

  /** Xen serves the machine's interrupts itself: the guest has no devices, and hears of events by upcalls. */
  onInterrupt(): boolean {
    return false;
  }

  /** No guest has a task gate or TSS in its tables: Xen's check of descriptors refuses them. */
  onTaskSwitch(): void {}

  onNmi(): boolean {
    this.#left(nmiExit, { kind: "nmi" });
    return true;
  }

  /** Cannot be: Xen is asked about the first exception already. */
  onTripleFault(): boolean {
    this.#domain.crash("an exception came while another was delivered");
    return true;
  }

  /** Timers that have fired, and the end of a wait. */
  atBoundary(): boolean {
    const fired = this.#fired;
    this.#fired = undefined;
    const { state } = this.#domain;
    if (state.waits) return this.#review(fired);
    if (fired !== undefined) this.#left(timerExit(fired), { kind: "timer", what: fired });
    else if (state.kicked || state.nmiDue) this.#left(kickExit(this.#kickedBy), { kind: "kick" });
    else return false;
    state.kicked = false;
    return true;
  }

  #review(fired: string | undefined): boolean {
    const { state } = this.#domain;
    if (waitIsOver(this.#domain)) {
      const waited = `waited in ${state.waits!.kind} until ${fired ?? "an event"} came`;
      noteRun(this.#domain, runStateOf(state));
      state.waits = null;
      state.kicked = false;
      this.#domain.cpu.activity = 0;
      this.#domain.cpu.attention = true;
      this.#resume(waited);
      return true;
    }
    if (this.#nobodyWakes)
      this.#context.stop(
        "halted",
        `The guest waits for an event (sched_op ${state.waits!.kind}), and none is going to come.`,
      );
    return false;
  }

  get #kickedBy(): string {
    const { isDown, nmiDue } = this.#domain.state;
    if (isDown) return "vcpu_op down";
    return nmiDue ? "vcpu_op send_nmi" : "an event";
  }

  /** All virtual CPUs wait, and no timer is set that one would hear of. */
  get #nobodyWakes(): boolean {
    for (let vcpu = 0; vcpu < this.#domain.vcpus; vcpu++) {
      const { waits, isDown } = this.#domain.stateOf(vcpu);
      const waitsForGood = waits !== null && wakingDeadline(this.#domain, vcpu) === undefined;
      if (!isDown && (!waitsForGood || (vcpu !== this.#vcpu && this.#context.vcpus.state(vcpu) !== "blocked")))
        return false;
    }
    return true;
  }

  // Turns.

  /** Others may have changed what is the guest's meanwhile; and a virtual CPU that was brought up begins. */
  takenUp(): void {
    const { state } = this.#domain;
    if (state.start && !state.isDown) this.#begin();
    if (state.waits?.kind !== "up") this.#domain.reviewPdptes();
    if (state.timeDue && state.isInitialised) {
      state.timeDue = false;
      this.#domain.writeTime();
    }
  }

  #begin(): void {
    const { state } = this.#domain;
    noteRun(this.#domain, "offline");
    state.waits = null;
    if (beginVcpu(this.#domain)) renewRunState(this.#domain);
  }

  scheduled(): void {
    renewRunState(this.#domain);
  }

  // Time.

  get deadline(): number | undefined {
    return timerDeadline(this.#domain, this.#vcpu);
  }

  get wakingDeadline(): number | undefined {
    return wakingDeadline(this.#domain, this.#vcpu);
  }

  tick(cycle: number): void {
    const fired = fireTimers(this.#domain, this.#vcpu, cycle);
    if (fired === undefined) return;
    this.#fired = fired;
    if (this.#context.vcpus.current === this.#vcpu) this.#domain.cpu.attention = true;
  }

  // Addresses.

  translate(physical: number): number {
    return physical;
  }

  readControl(_number: 0 | 4, real: bigint): bigint {
    return real;
  }

  /** The pseudo-physical address; undefined for frames that have no pseudo-physical number. */
  guestPhysical(linear: number): number | undefined {
    const machine = this.place("linear", linear);
    if (machine === undefined) return undefined;
    const { frames, space } = this.#domain;
    const number = Math.floor(machine / pageBytes);
    const frame = frames.exists(number) ? space.physicalOf(number) : undefined;
    return frame === undefined ? undefined : frame * pageBytes + (machine % pageBytes);
  }

  /** Machine address: by the page tables, or by the machine-to-physical table read backwards. */
  place(space: Exclude<AddressSpace, "host-physical">, address: number): number | undefined {
    const { cpu, frames, space: own } = this.#domain;
    if (space === "linear") return cpu.walk(address, "read", false).host;
    const wanted = Math.floor(address / pageBytes);
    for (let frame = frames.end - 1; frame >= frames.first; frame--)
      if (frames.isAllocated(frame) && own.physicalOf(frame) === wanted)
        return frame * pageBytes + (address % pageBytes);
    return undefined;
  }

  viewGuest<T>(look: () => T): T {
    return look();
  }

  /** What a paravirtual guest may not set itself, a debugger cannot set for it: Xen would not know. */
  changeGuest(change: () => true | string): true | string {
    const { cpu } = this.#domain;
    const before = cpu.u32.slice(0, layout.end >> 2);
    const guarded = [layout.cr0, layout.cr3, layout.cr4, layout.efer, layout.cpl & ~7] as const;
    const values = guarded.map((offset) => cpu.r64[offset >> 3]!);
    const result = change();
    if (result !== true || guarded.every((offset, n) => cpu.r64[offset >> 3] === values[n])) return result;
    cpu.u32.set(before);
    cpu.refresh();
    return "This is Xen's to change: paging, modes and the privilege level of a paravirtual guest change by its hypercalls.";
  }

  // Xen.

  get exitPending(): boolean {
    return this.#dispatcher.pending !== undefined && this.#domain.stateOf(this.#vcpu).waits === null;
  }

  get openExit(): number | undefined {
    return this.#dispatcher.pending?.sequence;
  }

  handleExit(): void {
    const handled = this.#dispatcher.dispatch(this);
    if (handled === undefined) return;
    if (this.#domain.state.waits) {
      noteRun(this.#domain, "running");
      this.#domain.cpu.activity = 1;
      this.#domain.cpu.attention = true;
      this.#context.timeChanged();
    } else this.#resume(handled);
  }

  #resume(handled: string): void {
    const due = upcallDue(this.#domain);
    const upcall = offerUpcall(this.#domain);
    if (due && upcall === "") return;
    this.#dispatcher.resumed(handled + upcall, 0);
    renewRunState(this.#domain);
    this.#context.timeChanged();
  }

  /** The handler of every entry; what was done, or undefined if the guest does not go on. */
  #handle(): string | undefined {
    const entry = this.#entry!;
    switch (entry.kind) {
      case "hypercall":
        return this.#hypercall(entry.next);
      case "syscall":
        return this.#systemCall(entry.next);
      case "fault":
        return handleFault(this.#domain, entry, () => this.#dispatcher.completed(1));
      case "timer":
        return `raised the virtual timer: ${entry.what}`;
      case "kick":
        return this.#kicked();
      case "nmi":
        return this.#nmi();
    }
  }

  #kicked(): string | undefined {
    const { state } = this.#domain;
    if (state.isDown) {
      state.waits = { kind: "up" };
      return "took the virtual CPU down";
    }
    if (!state.nmiDue) return "looked for events";
    state.nmiDue = false;
    return this.#nmi();
  }

  #nmi(): string | undefined {
    const { nmi } = this.#domain.state.callbacks;
    if (!nmi) return "nothing: the guest has no handler of NMIs";
    return bounce(this.#domain, nmi) ? "passed the NMI to the guest's handler" : undefined;
  }

  #clobber(next: number): void {
    const { cpu } = this.#domain;
    cpu.r64[RCX] = unsigned64(next);
    cpu.r64[R11] = BigInt(cpu.flags);
  }

  #hypercall(next: number): string | undefined {
    const domain = this.#domain;
    const { cpu, bits } = domain;
    const mask = bits === 64 ? -1n : 0xffff_ffffn;
    const number = cpu.r64[RAX]! & BigInt.asUintN(64, mask);
    const values = argumentRegisters[bits].map((register) => BigInt.asUintN(bits, cpu.r64[register]!));
    if (bits === 64) this.#clobber(next);
    const answer = hypercall(domain, number, values);
    if (isContinuation(answer)) {
      for (const [n, value] of answer.again.entries())
        cpu.r64[argumentRegisters[bits][n]!] = BigInt.asUintN(bits, value);
      return `a part of hypercall ${hypercallName(number)}`;
    }
    if (answer !== "resumed") cpu.rip = next;
    this.#dispatcher.completed(1);
    if (answer === undefined) return undefined;
    if (answer !== "resumed") cpu.r64[RAX] = BigInt.asUintN(bits, resultOf(answer));
    return `hypercall ${hypercallName(number)}`;
  }

  #systemCall(next: number): string | undefined {
    const domain = this.#domain;
    const { syscall } = domain.state.callbacks;
    if (!syscall)
      return domain.crash("user mode made a system call, and the kernel has set no handler for it (set_callbacks)");
    domain.cpu.rip = next;
    this.#clobber(next);
    this.#dispatcher.completed(1);
    return bounce(domain, syscall) ? "passed the system call to the guest's kernel" : undefined;
  }

  save(): Saved {
    return {
      pending: this.#dispatcher.pending ?? null,
      entry: this.#entry ?? null,
      fired: this.#fired ?? null,
    };
  }

  restore(state: unknown): void {
    const saved = state as Saved;
    this.#dispatcher.pending = saved.pending ?? undefined;
    this.#entry = saved.entry ?? undefined;
    this.#fired = saved.fired ?? undefined;
  }
}
