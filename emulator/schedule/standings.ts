import type { ScheduleOutcome } from "./schedule-event.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Vcpu } from "./vcpu.ts";

/** How vCPUs stand with a scheduler now; `earlier`: their standings before what it has just done. */
export function standings(
  scheduler: Scheduler,
  vcpus: readonly (Vcpu | undefined)[],
  earlier: ReadonlyMap<string, number> | undefined,
): ScheduleOutcome["standings"] {
  const there = vcpus.filter((vcpu) => vcpu !== undefined).filter(({ state }) => state !== "offline");
  return there.map((vcpu) => {
    const standing = scheduler.standingValue(vcpu);
    const before = earlier?.get(vcpu.id) ?? standing.value;
    return { vcpu: vcpu.id, ...standing, ...(before !== standing.value && { before }) };
  });
}
