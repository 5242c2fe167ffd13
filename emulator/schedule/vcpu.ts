import { newTimed, type Timed } from "./state-times.ts";

/** What a vCPU does; `parked`: it could run, but a cap or a spent budget keeps it from running. */
export const runStates = ["running", "runnable", "parked", "blocked", "offline"] as const;
export type RunState = (typeof runStates)[number];

/** What may be changed while a vCPU lives. Times in microseconds. */
export interface Parameters {
  /** Share relative to others; each vCPU of a VM counts with it. */
  readonly weight: number;
  /** Most that all vCPUs of the VM together may use, in percent of one pCPU; 0: no cap. */
  readonly cap: number;
  /** The pCPUs it may run on; null: all. One alone is pinning. */
  readonly affinity: readonly number[] | null;
  /** Reservation, for SEDF and RTDS: so much in every period; null: what the scheduler gives by default. */
  readonly reservation: Reservation | null;
  /** How far BVT lets it borrow ahead when it wakes, in microseconds of virtual time. */
  readonly warp: number;
}

export interface Reservation {
  readonly budget: number;
  readonly period: number;
  /** May also use time that nobody has reserved. */
  readonly extra: boolean;
}

const defaultParameters: Parameters = { weight: 256, cap: 0, affinity: null, reservation: null, warp: 0 };

/** A vCPU as the host keeps it: plain data. Times are microseconds of virtual time. */
export interface Vcpu extends Timed<RunState> {
  /** `VM/number`. */
  readonly id: string;
  readonly vm: string;
  parameters: Parameters;
  /** Where it runs or last ran; null: nowhere yet. */
  pcpu: number | null;
  readonly created: number;
  /** When it was woken, if it has not run since. */
  woken: number | null;
  /** How often it took so many microseconds from being woken to running. */
  readonly latencies: Record<string, number>;
  /** Times it was put on a pCPU that had run another, times it came to another pCPU, times it lost one while it could run. */
  readonly counts: { switches: number; migrations: number; preemptions: number };
}

/** One that is plugged in now, and blocked until it is woken. */
export const newVcpu = (vm: string, number: number, parameters: Partial<Parameters>, now: number): Vcpu => ({
  id: `${vm}/${number}`,
  vm,
  parameters: { ...defaultParameters, ...parameters },
  ...newTimed(runStates, "blocked", now),
  pcpu: null,
  created: now,
  woken: null,
  latencies: {},
  counts: { switches: 0, migrations: 0, preemptions: 0 },
});

export const allowed = ({ parameters: { affinity } }: Vcpu, pcpu: number): boolean =>
  affinity === null || affinity.includes(pcpu);

/**
 * What a VM as a whole does, in the terms of Xen's trace analysis: *concurrency hazard* is when some of its vCPUs run while others
 * wait for a pCPU, so that those that run may spin for what those that wait hold.
 */
export const vmStates = [
  "full run",
  "partial run",
  "concurrency hazard",
  "partial contention",
  "full contention",
  "blocked",
  "offline",
] as const;
export type VmState = (typeof vmStates)[number];

/** A parked vCPU counts as one that waits: what it holds is held all the same. */
export function vmState(vcpus: readonly Vcpu[]): VmState {
  const has = (...states: RunState[]): boolean => vcpus.some(({ state }) => states.includes(state));
  const waits = has("runnable", "parked");
  if (has("running")) return waits ? "concurrency hazard" : has("blocked") ? "partial run" : "full run";
  if (waits) return has("blocked") ? "partial contention" : "full contention";
  return has("blocked") ? "blocked" : "offline";
}
