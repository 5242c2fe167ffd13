import type { Cpu } from "../../cpu/cpu.ts";
import { CR0 } from "../../cpu/state.ts";
import { saveControlRegisters } from "../../svm/guest-state.ts";
import type { Vmcb } from "../../svm/vmcb.ts";
import { cleanBits } from "../../svm/vmcb-fields.ts";
import type { VmmContext } from "../context.ts";
import { ShadowedGuest, shadowedCr0, shadowedCr4 } from "../memory/shadowed-guest.ts";
import type { HardwareShared } from "./hardware-shared.ts";

/**
 * Bits of CR0 and CR4 in which the guest's own may differ from the real ones. CR0.PE is the guest's: with CR0.PG that is paged real
 * mode, which AMD-V has for this (APM Vol. 2, 15.19).
 */
const owned = {
  cr0: { mask: shadowedCr0 & ~CR0.PE, must: CR0.PG | CR0.WP },
  cr4: { mask: shadowedCr4, must: 0 },
} as const;

/** Bits that are always 1 in the real CR0. */
const { must } = owned.cr0;

/** What AMD-V without nested paging takes beyond AMD-V: shadow page tables behind the guest's control registers. */
export class SvmShadow {
  readonly guest: ShadowedGuest;
  readonly #cpu: Cpu;
  readonly #vmcb: Vmcb;

  constructor(context: VmmContext, { shadowPool, allocator }: HardwareShared, vmcb: Vmcb) {
    this.#cpu = context.cpu;
    this.#vmcb = vmcb;
    this.guest = new ShadowedGuest(context, shadowPool!, allocator, owned);
  }

  /** The VMM's control registers are in the processor and the VMCB from now on. */
  leave(): void {
    this.guest.leave();
    if (saveControlRegisters(this.#cpu, this.#vmcb)) this.#stale("controlRegisters");
    this.#interceptCr0((this.guest.own.cr0 & must) !== must);
  }

  /** The virtual CPU is about to run again: others have run meanwhile, and what they did to the shadow reaches it now. */
  follow(): void {
    if (this.guest.inside || !this.guest.isOutdated) return;
    this.guest.enter();
    this.leave();
  }

  /** While the real CR0 is what the guest believes it to be, only writes that change more than TS and MP matter. */
  #interceptCr0(wanted: boolean): void {
    if (this.#vmcb.bit("crReads", 0) === wanted) return;
    this.#vmcb.setBit("crReads", 0, wanted);
    this.#vmcb.setBit("crWrites", 0, wanted);
    this.#stale("intercepts");
  }

  #stale(group: keyof typeof cleanBits): void {
    this.#vmcb.setBit("clean", cleanBits[group].bit, false);
  }

  addressLineChanged(): void {
    if (this.guest.inside) this.guest.paging.drop();
    else this.guest.with(() => this.guest.faults.dropped("address line 20 was switched"));
  }
}
