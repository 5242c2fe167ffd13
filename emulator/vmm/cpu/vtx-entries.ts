import type { TechniqueId } from "../../../isa/technique.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import { controls, inForce } from "../../vmx/controls.ts";
import { injectedEvent, SavedVmcs } from "../../vmx/entry.ts";
import { checkEntry, type EntryFailure } from "../../vmx/entry-checks.ts";
import { loadGuest, loadUsual, saveGuest } from "../../vmx/guest-state.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { loadMsrs } from "../../vmx/msr-areas.ts";
import type { NonRoot } from "../../vmx/non-root.ts";
import { forgetPauses } from "../../vmx/pause-loop.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import type { VmmContext } from "../context.ts";
import { entryFailed, msrLoadFailed } from "./vtx-entry-failure.ts";
import type { VtxShadow } from "./vtx-shadow.ts";
import type { VtxVmm } from "./vtx-vmm.ts";

export interface VtxEntriesWiring {
  readonly context: VmmContext;
  readonly technique: TechniqueId;
  readonly memory: HostMemory;
  readonly vmm: VtxVmm;
  readonly nonRoot: NonRoot;
  /** Instead of EPT. */
  readonly shadow: VtxShadow | undefined;
  /** The guest goes on; what was done about its exit. */
  readonly resumed: (handled: string) => void;
}

/** The ways into a guest: VM entry, or the interpreter where VM entry is not possible. */
export class VtxEntries {
  /** The VMCS as the last exit left it. */
  readonly saved: SavedVmcs;
  readonly #wiring: VtxEntriesWiring;
  readonly #cpu: Cpu;
  readonly #vmcs: Vmcs;

  constructor(wiring: VtxEntriesWiring) {
    this.#wiring = wiring;
    this.#cpu = wiring.context.cpu;
    this.#vmcs = wiring.vmm.vmcs;
    this.saved = new SavedVmcs(this.#vmcs);
  }

  /** VMLAUNCH, with the processor in the guest's start state. */
  launch(): void {
    const { shadow } = this.#wiring;
    if (shadow && !shadow.enterable) {
      shadow.beginInterpretation(undefined);
      return;
    }
    shadow?.leave();
    const failure = checkEntry(this.#vmcs);
    this.#vmcs.launched = true;
    if (!failure) loadGuest(this.#cpu, this.#vmcs);
    else if (shadow && failure.kind === "exit") this.#interpret(shadow, failure);
    else this.#failed(failure);
  }

  /** VMRESUME. */
  enter(handled: string): void {
    const { shadow, vmm } = this.#wiring;
    if (shadow?.guest.inside) {
      this.#goOnInterpreted(shadow, undefined, handled);
      return;
    }
    vmm.offerInterrupt();
    const { changed } = this.saved;
    const failure = this.saved.check(changed);
    if (shadow && failure?.kind === "exit") this.#goOnInterpreted(shadow, failure, handled);
    else if (failure) this.#failed(failure);
    else this.#load(changed, handled);
  }

  #load(changed: boolean, handled: string): void {
    const { context, technique, memory, vmm, nonRoot, resumed } = this.#wiring;
    const event = injectedEvent(this.#vmcs);
    if (changed) loadGuest(this.#cpu, this.#vmcs);
    else loadUsual(this.#cpu, this.#vmcs);
    const number = loadMsrs(this.#cpu, memory, this.#vmcs, "entryLoad");
    if (number !== 0) {
      msrLoadFailed(context, technique, this.#vmcs, { memory, number });
      return;
    }
    this.#cpu.attention = true;
    if (inForce(this.#vmcs, controls.pauseLoopExiting)) forgetPauses(nonRoot);
    resumed(handled);
    if (event) vmm.inject(event);
  }

  #goOnInterpreted(shadow: VtxShadow, failure: EntryFailure | undefined, handled: string): void {
    this.#interpret(shadow, failure);
    this.#wiring.resumed(handled);
  }

  /** The guest goes on, but the VMM executes its code: what is in the VMCS goes to the processor, with the guest's own registers. */
  #interpret(shadow: VtxShadow, failure: EntryFailure | undefined): void {
    const event = injectedEvent(this.#vmcs);
    const { inside } = shadow.guest;
    if (inside) loadUsual(this.#cpu, this.#vmcs);
    else loadGuest(this.#cpu, this.#vmcs);
    shadow.guest.enter();
    shadow.beginInterpretation(failure);
    if (event) this.#wiring.vmm.inject(event);
  }

  /** The interpreter's guest is in protected mode: enters it, if VM entry allows it. */
  tryEntry(shadow: VtxShadow): boolean {
    saveGuest(this.#cpu, this.#vmcs);
    shadow.leave();
    if (checkEntry(this.#vmcs)) {
      shadow.guest.enter();
      this.#cpu.attention = true;
      return false;
    }
    shadow.endInterpretation();
    this.#vmcs.set("tscOffset", this.#cpu.r64[layout.tscOffset >> 3]!);
    loadGuest(this.#cpu, this.#vmcs);
    this.#wiring.nonRoot.entered();
    this.#cpu.attention = true;
    return true;
  }

  #failed(failure: EntryFailure): void {
    const { context, technique } = this.#wiring;
    entryFailed(context, technique, this.#vmcs, failure);
  }
}
