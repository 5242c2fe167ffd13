import { type MachineFile, runsPrograms } from "../emulator/machine-file/machine-file.ts";
import type { WorkloadFigures } from "../emulator/machine-file/run.ts";
import { ganttChart, signOf } from "../emulator/schedule/chart.ts";
import type { Fairness } from "../emulator/schedule/fairness.ts";
import type { ScheduleEvent } from "../emulator/schedule/schedule-event.ts";
import { milliseconds } from "../emulator/schedule/scheduler.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";

export const eventText = ({ time, kind, pcpu, reason }: ScheduleEvent): string =>
  `${milliseconds(time).padStart(12)} ${(pcpu === null ? "" : `pCPU ${pcpu}`).padEnd(7)} ${kind.padEnd(9)} ${reason}\n`;

interface Chart {
  readonly events: readonly ScheduleEvent[];
  readonly figures: Fairness;
  readonly span: { readonly from: number; readonly to: number; readonly width: number };
}

/** Who ran on which pCPU when. */
export function chartText(
  { host: { pcpus }, scheduler: { name }, vms }: MachineFile,
  { events, figures, span }: Chart,
): string {
  const models = !runsPrograms({ vms });
  const { title } = schedulers.find((one) => one.name === name)!;
  const vcpus = figures.vcpus.map(({ vcpu }) => vcpu);
  const column = milliseconds((span.to - span.from) / span.width);
  const head = `${title}, ${pcpus} pCPU${pcpus === 1 ? "" : "s"}, ${milliseconds(span.from)} to ${milliseconds(span.to)}, ${column} a column${models ? "; models, no guests" : ""}\n`;
  const legend = vcpus.map((vcpu, n) => `${signOf(n)} ${vcpu}`).join("  ");
  return `${head}${ganttChart(events, { pcpus, vcpus, span })}${legend}\n\n`;
}

/** Columns as wide as they need be; the first to the left, the others to the right. */
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

/** @param workloads what came of models, where vCPUs are such */
export function fairnessText(figures: Fairness, workloads: Readonly<Record<string, WorkloadFigures>> = {}): string {
  const models = Object.keys(workloads).length > 0;
  const { time, vcpus, vms, jain, contextSwitches } = figures;
  const part = (of: number): string => percent(of / Math.max(1, time));
  const head = [
    "vCPU",
    "share",
    "due",
    "runnable",
    "parked",
    "blocked",
    "woke p50",
    "p95",
    "most",
    "switches",
    "moves",
    ...(models ? ["rounds", "spun"] : []),
  ];
  const rows = vcpus.map(({ vcpu, share, due, times, latency, switches, migrations }) => [
    vcpu,
    percent(share),
    percent(due),
    part(times.runnable),
    part(times.parked),
    part(times.blocked),
    ...(latency ? [latency.median, latency.p95, latency.most].map(milliseconds) : ["", "", ""]),
    String(switches),
    String(migrations),
    ...(models ? [String(workloads[vcpu]!.rounds), part(workloads[vcpu]!.spun)] : []),
  ]);
  const states = vms.map(({ vm, times }) => {
    const parts = Object.entries(times).filter(([, of]) => of > 0);
    return `${vm}: ${parts.map(([state, of]) => `${state} ${part(of)}`).join(", ")}\n`;
  });
  return `${tableText([head, ...rows])}\n${states.join("")}\nJain's index ${jain.toFixed(4)}, ${contextSwitches} context switches\n`;
}
