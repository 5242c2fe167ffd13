import type { Cpu } from "../../cpu/cpu.ts";
import { vector } from "../../cpu/fault.ts";
import { repeatBoundary } from "../../cpu/interrupts.ts";
import type { Fault } from "../../cpu/monitor.ts";
import type { GuestShadows } from "../cpu/guest-shadows.ts";
import type { Flushed, GuestWork } from "../cpu/guest-work.ts";
import { faultOf, type SavedFault } from "../cpu/saved-fault.ts";
import { vmmLinear } from "../cpu/shadow-descriptors.ts";
import { requestOf } from "../memory/shadow-faults.ts";
import type { Translations } from "./translations.ts";

/** Why the VMM has been entered. Plain JSON. */
export type Cause =
  | { readonly kind: "unplaced" | "lookup" | "callout" | "interrupt" | "nmi" }
  /** An exit of a unit, by its stub. */
  | { readonly kind: "exit"; readonly stub: number }
  | { readonly kind: "fault"; readonly fault: SavedFault };

interface CausesWiring {
  readonly cpu: Cpu;
  readonly shadows: GuestShadows;
  readonly translations: Translations;
  readonly work: GuestWork;
}

/** What the VMM does about each cause for which it was entered. The guest's own registers must be loaded. */
export class Causes {
  readonly #wiring: CausesWiring;

  constructor(wiring: CausesWiring) {
    this.#wiring = wiring;
  }

  /** The cause of the exit is dealt with; the guest's own registers are loaded. */
  handle(cause: Cause): string | undefined {
    switch (cause.kind) {
      case "interrupt":
        return "took the interrupt";
      case "nmi":
        return this.#wiring.work.deliverNmi();
      case "callout":
        return this.#callout();
      case "fault":
        return this.#handleFault(faultOf(cause.fault));
      default:
        return "found the translation";
    }
  }

  #callout(): string | undefined {
    const { adaptation } = this.#wiring.translations;
    const linear = this.#wiring.cpu.codeLinear(this.#wiring.cpu.rip);
    this.#wiring.shadows.tracedWritten = false;
    const handled = this.#wiring.work.emulate();
    if (adaptation.isAdapted(linear) && adaptation.ran(linear, this.#wiring.shadows.tracedWritten))
      this.#wiring.translations.adapt(linear, false);
    return handled;
  }

  #handleFault(fault: Fault): string | undefined {
    if (fault.vector === vector.PF && fault.source === "hardware") return this.#handlePageFault(fault);
    if (fault.source !== "hardware" || fault.vector === vector.DB) return this.#wiring.work.deliver(fault);
    // What the instruction raises at the level the guest believes to have is the guest's.
    return this.#wiring.work.emulate();
  }

  #handlePageFault(fault: Fault): string | undefined {
    const request = requestOf(fault, false, false);
    // Only segment limits keep the kernel from the VMM's addresses; a process finds their pages the supervisor's.
    const outcome = request.linear >= vmmLinear ? undefined : this.#wiring.shadows.faults.handle(request);
    if (outcome?.kind === "hidden") {
      repeatBoundary(this.#wiring.cpu);
      return outcome.what;
    }
    if (outcome?.kind === "guest") return this.#wiring.work.deliver({ ...fault, errorCode: outcome.errorCode });
    if (outcome?.kind === "traced") this.#wiring.shadows.paging.protectAt(outcome.linear);
    const at = this.#wiring.cpu.codeLinear(this.#wiring.cpu.rip);
    const isKernel = this.#wiring.cpu.cpl === 0;
    this.#wiring.shadows.tracedWritten = false;
    const handled = this.#wiring.work.emulate();
    const { adaptation } = this.#wiring.translations;
    if (isKernel && this.#wiring.shadows.tracedWritten && adaptation.trapped(at))
      this.#wiring.translations.adapt(at, true);
    return handled;
  }

  flushed(what: Flushed): void {
    if ("page" in what) {
      this.#wiring.shadows.faults.invalidated(what.page);
      this.#wiring.translations.review(what.page);
      return;
    }
    if (what.all === "CR3") this.#wiring.shadows.faults.loadedRoot();
    else this.#wiring.shadows.faults.flushed(`the guest executed ${what.all}`);
    this.#wiring.translations.review();
  }
}
