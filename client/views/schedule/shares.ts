import { fairShares } from "../../../emulator/schedule/fair-shares.ts";
import type { Parameters } from "../../../emulator/schedule/vcpu.ts";
import type { Trace, VcpuTrack, VmTrack } from "./trace.ts";
import type { Window } from "./window.ts";

/** How a VM fared in a window of time. All parts are of one physical CPU. */
export interface VmShare {
  readonly vm: string;
  readonly share: number;
  /** What weight, cap and its own demand give it, if every vCPU could run anywhere; undefined if its weights are not known. */
  readonly due: number | undefined;
  /** Part of the time in which some of its vCPUs ran while others waited. */
  readonly hazard: number;
  readonly weight: number | undefined;
  /** Percent of one physical CPU; 0: none. */
  readonly cap: number;
  readonly vcpus: readonly VcpuShare[];
}

export interface VcpuShare {
  readonly id: string;
  readonly share: number;
  readonly state: number;
  /** How it stands at the end of the window. */
  readonly standing: string;
}

const parametersOf = ({ parameters }: VcpuTrack): Parameters | undefined => parameters.at(-1)?.of;

/** Who had how much in a window, and what was due. */
export function shares(trace: Trace, window: Window): readonly VmShare[] {
  const time = Math.max(1, window.to - window.from);
  const part = ({ lane }: VcpuTrack | VmTrack): number => lane.countedIn(window) / time;
  const all = dues(trace, window);
  return trace.vms.map((vm) => {
    const tracks = trace.vcpus.filter((track) => track.vm === vm.name);
    const vcpus = tracks.map((track) => ({
      id: track.id,
      share: part(track),
      state: track.lane.valueOf(track.lane.spanAt(window.to)),
      standing: track.standings.textAt(window.to),
    }));
    const parameters = tracks[0] && parametersOf(tracks[0]);
    return {
      vm: vm.name,
      share: vcpus.reduce((sum, { share }) => sum + share, 0),
      due: all && tracks.reduce((sum, track) => sum + all.get(track)!, 0),
      hazard: part(vm),
      weight: parameters?.weight,
      cap: parameters?.cap ?? 0,
      vcpus,
    };
  });
}

/** What is due to each vCPU, from its weight, its cap and the time in which it wanted to run. */
function dues(trace: Trace, window: Window): ReadonlyMap<VcpuTrack, number> | undefined {
  const claims = trace.vcpus.map((track) => {
    const parameters = parametersOf(track);
    const siblings = trace.vcpus.filter(({ vm }) => vm === track.vm).length;
    const cap = parameters?.cap ? parameters.cap / 100 / siblings : 1;
    const wanted = track.lane.countedIn(window, 1) / Math.max(1, window.to - window.from);
    return { weight: parameters?.weight ?? 0, most: Math.min(1, cap, wanted) };
  });
  if (claims.some(({ weight }) => weight === 0)) return undefined;
  const parts = fairShares(claims, trace.pcpus.length);
  return new Map(trace.vcpus.map((track, n) => [track, parts[n]!]));
}
