import { format } from "../../../isa/format.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import { isSensitive } from "../../cpu/outlook.ts";
import { CR0, CR4 } from "../../cpu/state.ts";
import type { Outlook } from "../../trace/event.ts";
import { controls } from "../../vmx/controls.ts";
import type { EntryFailure } from "../../vmx/entry-checks.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import type { VmcsField } from "../../vmx/vmcs-fields.ts";
import type { VmmContext } from "../context.ts";
import type { KvmGuest } from "../kvm/guest.ts";
import { type SavedGuest, ShadowedGuest, shadowedCr0, shadowedCr4 } from "../memory/shadowed-guest.ts";
import { accessKvmMsr, answerHypercall, cpuid } from "./emulations.ts";
import type { HardwareShared } from "./hardware-shared.ts";
import type { RegisterVmm } from "./hardware-vmm.ts";

/** Bits of CR0 and CR4 that the VMM owns in VMX operation without nested paging, and those that must be 1. */
const owned = {
  cr0: { mask: shadowedCr0 | CR0.NE, must: CR0.PE | CR0.PG | CR0.WP | CR0.NE },
  cr4: { mask: shadowedCr4 | CR4.VMXE, must: CR4.VMXE },
} as const;

/** Fields that hold what `ShadowedGuest` puts into the processor. */
const realFields: readonly (readonly [VmcsField, number])[] = [
  ["guestCr0", layout.cr0],
  ["guestCr3", layout.cr3],
  ["guestCr4", layout.cr4],
  ["guestEfer", layout.efer],
  ["guestPdpte0", layout.pdptes],
  ["guestPdpte1", layout.pdptes + 8],
  ["guestPdpte2", layout.pdptes + 16],
  ["guestPdpte3", layout.pdptes + 24],
];

/** Code that the VMM executes for the guest, for VM entry with the guest's state is not possible. Plain JSON. */
interface Interpretation {
  /** Instructions retired by the processor when it began. */
  readonly from: number;
}

export interface SavedVtxShadow {
  readonly guest: SavedGuest;
  readonly interpretation: Interpretation | null;
}

/**
 * What VT-x without EPT takes beyond VT-x: shadow page tables behind the guest's control registers, and an interpreter. Unrestricted
 * guest needs EPT (SDM Vol. 3, 25.6.2), so that CR0.PE and CR0.PG are always 1 in the guest: while it has no paging it runs on shadow tables
 * that map memory one to one; in real mode, and while its segment registers still hold what real mode left in them, the VMM
 * executes its code by the interpreter, which is the processor's own semantics on the guest's own registers.
 */
export class VtxShadow {
  readonly guest: ShadowedGuest;
  readonly #kvm: KvmGuest;
  readonly #context: VmmContext;
  readonly #cpu: Cpu;
  readonly #vmcs: Vmcs;
  #interpretation: Interpretation | undefined;

  constructor(kvm: KvmGuest, { shadowPool, allocator }: HardwareShared, vmcs: Vmcs) {
    const { context } = kvm;
    this.#kvm = kvm;
    this.#context = context;
    this.#cpu = context.cpu;
    this.#vmcs = vmcs;
    this.guest = new ShadowedGuest(context, shadowPool!, allocator, owned);
    this.ownBits();
  }

  /** Which bits of CR0 and CR4 are the VMM's. */
  ownBits(): void {
    this.#vmcs.set("cr0Mask", owned.cr0.mask >>> 0);
    this.#vmcs.set("cr4Mask", owned.cr4.mask >>> 0);
  }

  /**
   * The virtual CPU is about to run again: others have run meanwhile, and what they did to the shadow reaches it now. What the interpreter
   * writes is noted when a page is first written to: from now on each is.
   */
  follow(): void {
    if (this.interprets) this.#cpu.flushTlb(true);
    else if (!this.guest.inside && this.guest.isOutdated) {
      this.guest.enter();
      this.leave();
    }
  }

  /** Can VM entry be tried? */
  get enterable(): boolean {
    return (this.#cpu.cr0 & CR0.PE) !== 0;
  }

  /** The VMM's registers are in the processor and the VMCS from now on. */
  leave(): void {
    this.guest.leave();
    const { own } = this.guest;
    for (const [field, offset] of realFields) this.#set(field, this.#cpu.r64[offset >> 3]!);
    this.#set("cr0Shadow", BigInt(own.cr0));
    this.#set("cr4Shadow", BigInt(own.cr4));
    if (this.#vmcs.bit("entryControls", controls.ia32eModeGuest.bit) !== this.#cpu.longMode)
      this.#vmcs.setBit("entryControls", controls.ia32eModeGuest.bit, this.#cpu.longMode);
  }

  #set(field: VmcsField, value: bigint): void {
    if (this.#vmcs.get(field) !== value) this.#vmcs.set(field, value);
  }

  addressLineChanged(): void {
    if (this.guest.inside) this.guest.paging.drop();
    else this.guest.with(() => this.guest.faults.dropped("address line 20 was switched"));
  }

  /** As `Monitor.changeGuest`. */
  change(change: () => true | string, translation: boolean): true | string {
    const { guest } = this;
    const { inside } = guest;
    guest.enter();
    const result = change();
    if (translation && result === true) guest.faults.dropped("a debugger changed the guest's paging");
    if (!inside) this.leave();
    this.#cpu.attention = true;
    this.#vmcs.set("tscOffset", this.#cpu.r64[layout.tscOffset >> 3]!);
    this.#cpu.refresh();
    return result;
  }

  // The interpreter.

  get interprets(): boolean {
    return this.#interpretation !== undefined;
  }

  /** Instructions that the interpreter has executed and that are not counted as the VMM's yet. */
  get interpreted(): number {
    return this.#interpretation ? this.#retired - this.#interpretation.from : 0;
  }

  get #retired(): number {
    const { f64 } = this.#cpu;
    return f64[layout.steps >> 3]! - f64[layout.unretired >> 3]!;
  }

  /** The processor holds the guest's own state, and executes on behalf of the VMM from now on. */
  beginInterpretation(failure: EntryFailure | undefined): void {
    const why =
      failure?.kind === "exit"
        ? `VM entry is not possible: ${failure.check.sentence}`
        : "CR0.PE = 0, and real mode in the guest needs unrestricted guest, which needs EPT";
    this.#interpretation = { from: this.#retired };
    this.guest.paging.drop();
    this.#cpu.flushTlb(true);
    this.#cpu.refresh();
    this.#cpu.attention = true;
    this.#context.record({ kind: "interpret", instructions: 0, what: `the VMM interprets the guest's code: ${why}` });
  }

  /** The guest is about to be entered, or reset: what was interpreted counts as emulated. */
  endInterpretation(because = "VM entry is possible now"): void {
    const instructions = this.interpreted;
    const { f64 } = this.#cpu;
    f64[layout.unretired >> 3]! += instructions;
    f64[layout.emulated >> 3]! += instructions;
    this.#interpretation = undefined;
    this.#cpu.refresh();
    const what = `the VMM has interpreted ${instructions} instruction${instructions === 1 ? "" : "s"}; ${because}`;
    this.#context.record({ kind: "interpret", instructions, what });
  }

  /** Before an instruction that the interpreter executes. True if it was done here, for the guest is not to see the machine's answer. */
  beforeInterpreted(decoded: Decoded): boolean {
    const { exits } = decoded.row;
    if (exits.kind === "never") return false;
    // Protected mode may have begun after it.
    if (exits.reason === "CR_ACCESS") this.#cpu.attention = true;
    if (this.#answered(exits.reason, this.#interpreterFor(decoded)) === undefined) return false;
    this.#cpu.f64[layout.unretired >> 3]! += 1;
    this.#cpu.f64[layout.emulated >> 3]! += 1;
    return true;
  }

  /** What is the VMM's own, not the processor's: its CPUID leaves, hypercalls and registers. */
  #answered(reason: string, vm: RegisterVmm): string | undefined {
    if (reason === "CPUID") return cpuid(vm);
    if (reason === "VMCALL") return answerHypercall(vm);
    return reason === "RDMSR" || reason === "WRMSR" ? accessKvmMsr(vm, reason) : undefined;
  }

  /** What becomes of an instruction that the interpreter is about to execute. */
  why(decoded: Decoded): Outlook {
    const name = decoded.row.mnemonic.toUpperCase();
    return {
      outcome: "runs",
      what: format(decoded),
      why: {
        sentence: `The VMM's interpreter executes ${name}: the processor cannot enter the guest in this state.`,
        rule: "secondary controls 401Eh, bit 7: unrestricted guest = 0, for it needs EPT",
        source: "SDM Vol. 3, 25.6.2: Processor-Based VM-Execution Controls",
      },
      sensitive: isSensitive(decoded.row),
    };
  }

  /** The VMM's emulations without a control block: all of the guest's state is in the processor. */
  #interpreterFor(decoded: Decoded): RegisterVmm {
    const cpu = this.#cpu;
    return {
      cpu,
      context: this.#context,
      kvm: this.#kvm,
      guestIs64: cpu.bits === 64,
      guestCpl: cpu.cpl,
      advance: () => {
        cpu.rip = cpu.sequential(decoded.length);
      },
    };
  }

  save(): SavedVtxShadow {
    return { guest: this.guest.save(), interpretation: this.#interpretation ?? null };
  }

  restore({ guest, interpretation }: SavedVtxShadow): void {
    this.guest.restore(guest);
    this.#interpretation = interpretation ?? undefined;
  }
}
