import { type LaneName, lanesOf, type State } from "./model.ts";
import type { Window } from "./window.ts";

/** Pixels. */
export const gutter = 76;
const right = 8;
export const axisHeight = 18;
const pcpuHeight = 18;
const vcpuHeight = 13;
/** The numbers below the lanes take the room that is left, within these. */
const standingsHeight = { least: 44, most: 200 };

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

/** @param room pixels of height there are; the picture may need more */
export function layout(state: Pick<State, "trace">, room: number): Layout {
  const rows: Row[] = [];
  const groups: { y: number; height: number }[] = [];
  let y = axisHeight;
  let vm: string | undefined;
  for (const lane of lanesOf(state)) {
    const track = lane.kind === "vcpu" ? state.trace.vcpus[lane.n]! : undefined;
    if (track && track.vm !== vm) {
      y += 6;
      groups.push({ y, height: 0 });
      vm = track.vm;
    }
    const height = track ? vcpuHeight : pcpuHeight;
    rows.push({ lane, label: track?.id ?? `pCPU ${lane.n}`, y, height });
    y += height + 2;
    const group = groups.at(-1);
    if (track && group) group.height = y - group.y;
  }
  const height = Math.min(standingsHeight.most, Math.max(standingsHeight.least, room - y - 14));
  return { rows, groups, standings: { y: y + 10, height }, height: y + 10 + height + 4 };
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
  const row = rows.find((one) => y >= one.y && y < one.y + one.height + 2);
  const { trace } = state;
  if (!row) {
    const n = trace.time.upTo(time) - 1;
    return n < 0 ? undefined : n;
  }
  const lane = row.lane.kind === "pcpu" ? trace.pcpus[row.lane.n]! : trace.vcpus[row.lane.n]!.lane;
  return lane.eventOf(lane.spanAt(time));
}
