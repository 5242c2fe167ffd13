import type { Refused } from "./abi.ts";
import type { Domain } from "./domain.ts";
import type { VcpuState } from "./state.ts";
import { layoutOf, unwritable } from "./structure.ts";
import { runStateOf, runTimes } from "./timers.ts";

/** struct vcpu_runstate_info: the state, since when, and the time in each. */
const fields = {
  state: "u32",
  entry: "u64",
  running: "u64",
  runnable: "u64",
  blocked: "u64",
  offline: "u64",
} as const;
const numbers = { running: 0, runnable: 1, blocked: 2, offline: 3 } as const;

/** Only the scheduler knows whether one that could run does. */
function stateOf(domain: Domain, vcpu: number, state: VcpuState): keyof typeof numbers {
  const own = runStateOf(state);
  return own === "running" && domain.context.vcpus.state(vcpu) === "runnable" ? "runnable" : own;
}

function bytesOf(domain: Domain, vcpu: number): Uint8Array {
  const state = domain.stateOf(vcpu);
  const { runs } = state;
  const times = runTimes(domain, vcpu, runStateOf(state));
  const { offsets, size } = layoutOf(fields, domain.bits);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(offsets.state.at, numbers[stateOf(domain, vcpu, state)], true);
  view.setBigUint64(offsets.entry.at, BigInt(runs.since), true);
  for (const name of ["running", "runnable", "blocked", "offline"] as const)
    view.setBigUint64(offsets[name].at, BigInt(times[name]), true);
  return bytes;
}

/** Writes what is known of a virtual CPU to a linear address of the one in the core. */
export const writeRunState = (domain: Domain, vcpu: number, linear: number): Refused | undefined =>
  domain.access.write(linear, bytesOf(domain, vcpu)) ? undefined : unwritable(linear);

/** The virtual CPU in the core goes on: its own area, if it has asked for one. Where that is not mapped at present, nothing is written. */
export function renewRunState(domain: Domain): void {
  const { runsAt } = domain.state;
  if (runsAt !== null) domain.access.write(runsAt, bytesOf(domain, domain.context.vcpus.current));
}
