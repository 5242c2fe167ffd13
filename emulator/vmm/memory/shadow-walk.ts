import type { Cpu } from "../../cpu/cpu.ts";
import type { WalkOutcome } from "../../cpu/walk-outcome.ts";
import type { WalkStep } from "../../trace/event.ts";
import type { ShadowPaging } from "./shadow-paging.ts";

/** A guest that runs on shadow tables. */
export interface Shadowed {
  /** The guest's own paging is in the processor, not the shadow. */
  readonly inside: boolean;
  /** Lets `look` find the guest's own paging in the processor. */
  withGuestPaging<T>(look: () => T): T;
}

/** The steps of the guest's own tables, as the VMM walks them, and then those of the shadow, which the processor walks. */
export function walkShadowed(cpu: Cpu, paging: ShadowPaging, shadowed: Shadowed, linear: number): WalkOutcome {
  const guest = shadowed.withGuestPaging(() => cpu.walk(linear, "read"));
  if (shadowed.inside) return guest;
  const shadow = cpu.walk(linear, "read");
  const steps = [...guest.steps, ...shadow.steps.map((step) => shadowStep(paging, step))];
  return { ...guest, steps, verdict: verdict(guest, shadow) };
}

function shadowStep(paging: ShadowPaging, step: WalkStep): WalkStep {
  const note = step.address.startsWith("register") ? undefined : paging.noteOn(Number.parseInt(step.address, 16));
  return { ...step, table: `shadow ${step.table}`, of: "shadow", ...(note === undefined ? {} : { note }) };
}

function verdict(guest: WalkOutcome, shadow: WalkOutcome): string {
  if (guest.errorCode !== undefined) return guest.verdict;
  if (shadow.errorCode === undefined) {
    if (guest.host === undefined || shadow.physical === guest.host) return guest.verdict;
    const stale = (shadow.physical ?? 0).toString(16).toUpperCase();
    return `${guest.verdict} by the guest's tables; the shadow is out of sync and still leads to host-physical ${stale}h`;
  }
  return `${guest.verdict} by the guest's tables; the shadow has no entry for it yet: a hidden page fault comes first`;
}
