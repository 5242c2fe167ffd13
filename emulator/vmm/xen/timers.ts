import { cycleOf } from "../paravirtual-clock.ts";
import { virq } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { isPending, portOfVirq, raiseVirq } from "./event-channels.ts";

/** The times in nanoseconds at which something of the guest's is due. Its ticker does nothing until the virtual timer is bound. */
function dueTimes({ state }: Domain, bound: boolean): bigint[] {
  const times: (string | null | undefined)[] = [];
  if (bound) times.push(state.singleShot, state.periodic?.next);
  if (state.waits?.kind === "poll") times.push(state.waits.timeout);
  return times.filter((time) => typeof time === "string").map(BigInt);
}

/** Virtual time in cycles at which a timer of the guest is due; undefined if none is set. */
export function timerDeadline(domain: Domain): number | undefined {
  const times = dueTimes(domain, portOfVirq(domain, virq.timer) !== undefined);
  return times.length === 0 ? undefined : Math.min(...times.map(cycleOf));
}

/** Raises the virtual timer if it is due. What fired, or undefined. */
export function fireTimers(domain: Domain): string | undefined {
  const { state, now } = domain;
  const fired: string[] = [];
  if (portOfVirq(domain, virq.timer) !== undefined) {
    if (state.singleShot !== null && BigInt(state.singleShot) <= now) {
      state.singleShot = null;
      fired.push("the one-shot timer");
    }
    if (state.periodic && BigInt(state.periodic.next) <= now) {
      const period = BigInt(state.periodic.period);
      const next = BigInt(state.periodic.next);
      state.periodic = { ...state.periodic, next: (next + ((now - next) / period + 1n) * period).toString() };
      fired.push("the periodic timer");
    }
    if (fired.length > 0) raiseVirq(domain, virq.timer);
  }
  if (state.waits?.kind === "poll" && state.waits.timeout !== null && BigInt(state.waits.timeout) <= now)
    fired.push("the timeout of poll");
  if (fired.length === 0) return undefined;
  domain.writeTime();
  return fired.join(" and ");
}

/** What the guest waits for has come. */
export function waitIsOver(domain: Domain): boolean {
  const { state, now, upcallPending, upcallMasked } = domain;
  const { waits } = state;
  if (!waits) return false;
  if (waits.kind === "block") return upcallPending && !upcallMasked;
  if (waits.ports.some((port) => isPending(domain, port))) return true;
  return (waits.timeout !== null && BigInt(waits.timeout) <= now) || (upcallPending && !upcallMasked);
}

/** Notes in what state the guest was until now. */
export function noteRun(domain: Domain, was: "ran" | "blocked"): void {
  const { runs } = domain.state;
  const passed = domain.now - BigInt(runs.since);
  runs[was] = (BigInt(runs[was]) + passed).toString();
  runs.since = domain.now.toString();
}
