import { type LaneName, lanesOf, type State } from "./model.ts";
import type { Window } from "./window.ts";

/** Pixels. */
export const gutter = 76;
const right = 8;
export const axisHeight = 18;
const pcpuHeight = 18;
const vcpuHeight = 13;
/** Between lanes, between VMs, and before and behind the numbers below the lanes. */
const gaps = { lane: 2, vm: 6, standings: 10, end: 4 };
/** The numbers below the lanes take the room that is left, within these. */
const standingsHeight = { least: 44, most: 360 };
/** Lanes are higher where there is room: so much at most. */
const mostStretch = 1.8;

export interface Row {
  readonly lane: LaneName;
  readonly label: string;
  readonly y: number;
  readonly height: number;
}

/** Where everything is in the picture. */
export interface Layout {
  readonly rows: readonly Row[];
  /** The lanes of each VM together, in the order of the trace's VMs. */
  readonly groups: readonly { readonly y: number; readonly height: number }[];
  readonly standings: { readonly y: number; readonly height: number };
  readonly height: number;
}

/** How much higher lanes are than at least, so that they take about half of the room. */
function stretch(lanes: readonly LaneName[], room: number): number {
  const least = lanes.reduce((sum, { kind }) => sum + gaps.lane + (kind === "pcpu" ? pcpuHeight : vcpuHeight), 0);
  return Math.min(mostStretch, Math.max(1, (0.5 * (room - axisHeight)) / Math.max(1, least)));
}

/** @param room pixels of height there are; the picture may need more */
export function layout(state: Pick<State, "trace">, room: number): Layout {
  const rows: Row[] = [];
  const groups: { y: number; height: number }[] = [];
  let y = axisHeight;
  let vm: string | undefined;
  const lanes = lanesOf(state);
  const higher = stretch(lanes, room);
  for (const lane of lanes) {
    const track = lane.kind === "vcpu" ? state.trace.vcpus[lane.n]! : undefined;
    if (track && track.vm !== vm) {
      y += gaps.vm;
      groups.push({ y, height: 0 });
      vm = track.vm;
    }
    const height = Math.round(higher * (track ? vcpuHeight : pcpuHeight));
    rows.push({ lane, label: track?.id ?? `pCPU ${lane.n}`, y, height });
    y += height + gaps.lane;
    const group = groups.at(-1);
    if (track && group) group.height = y - group.y;
  }
  const top = y + gaps.standings;
  const height = Math.min(standingsHeight.most, Math.max(standingsHeight.least, room - top - gaps.end));
  return { rows, groups, standings: { y: top, height }, height: top + height + gaps.end };
}

/** Between moments and pixels of a picture so wide. */
export function scaleOf({ from, to }: Window, width: number) {
  const pixels = Math.max(1, width - gutter - right);
  return {
    pixels,
    x: (time: number) => gutter + ((time - from) / (to - from)) * pixels,
    time: (x: number) => from + ((x - gutter) / pixels) * (to - from),
  };
}

/** The event that begins what is drawn at a place; undefined where nothing is. */
export function eventAt(state: State, { rows }: Layout, y: number, time: number): number | undefined {
  const row = rows.find((one) => y >= one.y && y < one.y + one.height + gaps.lane);
  const { trace } = state;
  if (!row) {
    const n = trace.time.upTo(time) - 1;
    return n < 0 ? undefined : n;
  }
  const lane = row.lane.kind === "pcpu" ? trace.pcpus[row.lane.n]! : trace.vcpus[row.lane.n]!.lane;
  return lane.eventOf(lane.spanAt(time));
}
