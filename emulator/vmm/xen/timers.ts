import { cycleOf, nanosecondsOf } from "../paravirtual-clock.ts";
import { virq } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { isPending, portOfVirq, raisePort, wouldEndWait } from "./event-channels.ts";
import type { RunTimes, VcpuState } from "./state.ts";

/** The times in nanoseconds at which something of a virtual CPU is due. */
function dueTimes({ singleShot, periodic, waits }: VcpuState, withTimer: boolean): bigint[] {
  const times: (string | null | undefined)[] = [];
  if (withTimer) times.push(singleShot, periodic?.next);
  if (waits?.kind === "poll") times.push(waits.timeout);
  return times.filter((time) => typeof time === "string").map(BigInt);
}

/** As a cycle, the first time at which something is due that is no timer, or one whose port is wanted. Unbound, the virtual timer does nothing. */
function firstDue(domain: Domain, vcpu: number, wanted: (port: number) => boolean): number | undefined {
  const state = domain.stateOf(vcpu);
  if (state.waits?.kind === "up") return undefined;
  const port = portOfVirq(domain, virq.timer, vcpu);
  const times = dueTimes(state, port !== undefined && wanted(port));
  return times.length === 0 ? undefined : Math.min(...times.map(cycleOf));
}

/** Virtual time in cycles at which a timer of a virtual CPU is due; undefined if none is set. */
export const timerDeadline = (domain: Domain, vcpu: number): number | undefined => firstDue(domain, vcpu, () => true);

/** The same of a timer that ends what the virtual CPU waits for: the guest has not masked its event. */
export const wakingDeadline = (domain: Domain, vcpu: number): number | undefined =>
  firstDue(domain, vcpu, (port) => wouldEndWait(domain, port, vcpu));

/** Raises the virtual timer of a virtual CPU if it is due at this cycle of its own time. What fired, or undefined. */
export function fireTimers(domain: Domain, vcpu: number, cycle: number): string | undefined {
  const state = domain.stateOf(vcpu);
  const now = nanosecondsOf(cycle);
  const fired: string[] = [];
  const port = portOfVirq(domain, virq.timer, vcpu);
  if (port !== undefined) {
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
    if (fired.length > 0) raisePort(domain, port);
  }
  if (state.waits?.kind === "poll" && state.waits.timeout !== null && BigInt(state.waits.timeout) <= now)
    fired.push("the timeout of poll");
  if (fired.length === 0) return undefined;
  if (vcpu === domain.context.vcpus.current) domain.writeTime();
  else state.timeDue = true;
  return fired.join(" and ");
}

/** What the virtual CPU in the core waits for has come. */
export function waitIsOver(domain: Domain): boolean {
  const { state, now, upcallPending, upcallMasked } = domain;
  const { waits } = state;
  if (!waits || state.isDown) return false;
  if (waits.kind === "up" || state.nmiDue) return true;
  if (waits.kind === "block") return upcallPending && !upcallMasked;
  if (waits.ports.some((port) => isPending(domain, port))) return true;
  return (waits.timeout !== null && BigInt(waits.timeout) <= now) || (upcallPending && !upcallMasked);
}

/** In what state a virtual CPU can be for a while, beside `runnable`, which the scheduler decides. */
type RunState = "running" | "blocked" | "offline";

/** How long it has been in each state now, where it has been in `was` since they were last added up. */
export function runTimes(domain: Domain, vcpu: number, was: RunState): RunTimes {
  const { runs } = domain.stateOf(vcpu);
  const { now, context } = domain;
  const passed = now > BigInt(runs.since) ? now - BigInt(runs.since) : 0n;
  const stolen = context.vcpus.stolen(vcpu);
  const taken = nanosecondsOf(stolen) - nanosecondsOf(runs.stolen);
  const runnable = taken < passed ? taken : passed;
  return {
    ...runs,
    since: (BigInt(runs.since) + passed).toString(),
    [was]: (BigInt(runs[was]) + passed - runnable).toString(),
    runnable: (BigInt(runs.runnable) + runnable).toString(),
    stolen,
  };
}

/** Adds up what has passed for the virtual CPU in the core: it was in this state until now. */
export function noteRun(domain: Domain, was: RunState): void {
  domain.state.runs = runTimes(domain, domain.context.vcpus.current, was);
}

/** In what state a virtual CPU is now, but for `runnable`. */
export const runStateOf = ({ waits }: VcpuState): RunState =>
  waits === null ? "running" : waits.kind === "up" ? "offline" : "blocked";
