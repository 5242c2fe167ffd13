import { fairShares } from "./fair-shares.ts";
import type { PhysicalCpus } from "./physical-cpus.ts";
import type { RunState, VmState } from "./vcpu.ts";

export interface VcpuFairness {
  readonly vcpu: string;
  readonly times: Readonly<Record<RunState, number>>;
  /** Part of one pCPU that it had while it was there. */
  readonly share: number;
  /** Part that its weight, cap and own demand give it, if every vCPU could run anywhere. */
  readonly due: number;
  /** Microseconds from being woken to running; undefined if it was never woken. */
  readonly latency:
    | { readonly median: number; readonly p95: number; readonly p99: number; readonly most: number }
    | undefined;
  readonly switches: number;
  readonly migrations: number;
  readonly preemptions: number;
}

export interface Fairness {
  readonly time: number;
  readonly vcpus: readonly VcpuFairness[];
  readonly vms: readonly { readonly vm: string; readonly times: Readonly<Record<VmState, number>> }[];
  /** Of what each had for its weight, among those that always wanted to run: 1 is fair, 1/n is all to one. */
  readonly jain: number;
  readonly contextSwitches: number;
  readonly pcpus: readonly { readonly busy: number; readonly idle: number }[];
}

/** Jain's index of fairness. */
export function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0);
  const squares = values.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** The value below which a part of all are, by nearest rank. */
function percentile(counts: readonly (readonly [number, number])[], part: number): number {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [value, count] of counts) {
    seen += count;
    if (seen >= Math.ceil(part * total)) return value;
  }
  return 0;
}

function latencyOf(latencies: Readonly<Record<string, number>>): VcpuFairness["latency"] {
  const counts = Object.entries(latencies)
    .map(([value, count]) => [Number(value), count] as const)
    .sort(([a], [b]) => a - b);
  if (counts.length === 0) return undefined;
  const at = (part: number): number => percentile(counts, part);
  return { median: at(0.5), p95: at(0.95), p99: at(0.99), most: counts.at(-1)![0] };
}

/** How the time was shared so far. */
export function fairness(host: PhysicalCpus): Fairness {
  const time = Math.max(1, host.now);
  const times = host.vcpus.map(({ id }) => host.timesOf(id));
  const wanted = times.map(({ running, runnable, parked }) => (running + runnable + parked) / time);
  const claims = host.vcpus.map(({ vm, parameters: { weight, cap } }, n) => {
    const siblings = host.vcpus.filter((other) => other.vm === vm).length;
    return { weight, most: Math.min(1, wanted[n]!, cap === 0 ? 1 : cap / 100 / siblings) };
  });
  const due = fairShares(claims, host.pcpus.length);
  const vcpus = host.vcpus.map(({ id, latencies, counts }, n) => ({
    vcpu: id,
    times: times[n]!,
    share: times[n]!.running / time,
    due: due[n]!,
    latency: latencyOf(latencies),
    ...counts,
  }));
  const greedy = host.vcpus.map((_, n) => n).filter((n) => wanted[n]! > 0.99);
  return {
    time: host.now,
    vcpus,
    vms: host.vms.map((vm) => ({ vm, times: host.vmTimes(vm) })),
    jain: jainIndex(greedy.map((n) => vcpus[n]!.share / host.vcpus[n]!.parameters.weight)),
    contextSwitches: host.pcpus.reduce((sum, { switches }) => sum + switches, 0),
    pcpus: host.pcpus.map(({ busy }) => ({ busy, idle: host.now - busy })),
  };
}
