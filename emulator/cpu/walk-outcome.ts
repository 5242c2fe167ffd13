import type { WalkStep } from "../trace/event.ts";
import type { Cpu } from "./cpu.ts";
import type { Access, NestedAccess } from "./monitor.ts";

export interface WalkOutcome {
  /** Guest-physical address; undefined if the walk faults. */
  readonly physical: number | undefined;
  /** Host-physical; undefined if nested paging refuses it. */
  readonly host: number | undefined;
  /** #PF error code where it faults. */
  readonly errorCode: number | undefined;
  readonly steps: readonly WalkStep[];
  readonly verdict: string;
}

interface Probe {
  readonly linear: number;
  readonly access: Access;
  /** As CPL 3. */
  readonly user: boolean;
}

/** Walks the paging structures without changing anything. */
export function probe(cpu: Cpu, { linear, access, user }: Probe): WalkOutcome {
  const steps: WalkStep[] = [];
  const result = cpu.walker.walk({ linear, access, user, probe: true, steps });
  if (result.kind === "fault") {
    const code = result.errorCode;
    const verdict = `#PF, error code ${code.toString(16).toUpperCase()}h`;
    return { physical: undefined, host: undefined, errorCode: code, steps, verdict };
  }
  if (result.kind === "refused")
    return { physical: undefined, host: undefined, errorCode: undefined, steps, verdict: "no nested translation" };
  const host = hostOf(cpu, result.physical, access, {
    linear: BigInt.asUintN(64, BigInt(linear)),
    forTable: false,
    probe: true,
    steps,
  });
  const verdict = host === undefined ? "no nested translation" : "ok";
  return { physical: result.physical, host, errorCode: undefined, steps, verdict };
}

function hostOf(cpu: Cpu, guest: number, access: Access, nested: NestedAccess): number | undefined {
  return cpu.monitor ? cpu.monitor.translate(guest, access, nested) : cpu.nested.bare(guest);
}
