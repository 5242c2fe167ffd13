import type { ScheduleEvent } from "./schedule-event.ts";

/** Which vCPU ran on which pCPU from when to when, in microseconds. */
interface Run {
  readonly pcpu: number;
  readonly vcpu: string;
  readonly from: number;
  readonly to: number;
}

/** The runs that a trace tells of, up to `end`. */
function runsOf(events: readonly ScheduleEvent[], end: number): Run[] {
  const open = new Map<number, { vcpu: string; from: number }>();
  const runs: Run[] = [];
  const close = (pcpu: number, to: number): void => {
    const run = open.get(pcpu);
    if (run && to > run.from) runs.push({ pcpu, ...run, to });
    open.delete(pcpu);
  };
  for (const { kind, time, pcpu, vcpu } of events) {
    if (pcpu === null) continue;
    const stopped = kind === "block" && open.get(pcpu)?.vcpu === vcpu;
    if (kind === "switch" || kind === "idle" || stopped) close(pcpu, time);
    if (kind === "switch" && vcpu !== null) open.set(pcpu, { vcpu, from: time });
  }
  for (const pcpu of [...open.keys()]) close(pcpu, end);
  return runs;
}

/** Signs of vCPUs in the chart, in their order. */
const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
export const signOf = (n: number): string => signs[n] ?? "#";

interface Span {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/**
 * A Gantt chart in text: a line for each pCPU, in each column the vCPU that ran there longest, a dot where most of the time it was idle;
 * where three or more vCPUs share a column, none for half of it, the small tilde says so.
 */
export function ganttChart(
  events: readonly ScheduleEvent[],
  { pcpus, vcpus, span: { from, to, width } }: { pcpus: number; vcpus: readonly string[]; span: Span },
): string {
  const columns = Array.from({ length: pcpus }, () => Array.from({ length: width }, () => new Map<string, number>()));
  const size = (to - from) / width;
  for (const run of runsOf(events, to))
    for (let n = Math.max(0, Math.floor((run.from - from) / size)); n < width && from + n * size < run.to; n++) {
      const time = Math.min(run.to, from + (n + 1) * size) - Math.max(run.from, from + n * size);
      const column = columns[run.pcpu]![n]!;
      if (time > 0) column.set(run.vcpu, (column.get(run.vcpu) ?? 0) + time);
    }
  const sign = (column: ReadonlyMap<string, number>): string => {
    const busy = [...column.values()].reduce((a, b) => a + b, 0);
    if (busy < size / 2) return ".";
    const [first] = [...column].sort(([, a], [, b]) => b - a);
    return column.size > 2 && first![1] < size / 2 ? "~" : signOf(vcpus.indexOf(first![0]));
  };
  const lines = columns.map((column, pcpu) => `pCPU ${String(pcpu).padStart(2)} |${column.map(sign).join("")}|`);
  return `${lines.join("\n")}\n`;
}
