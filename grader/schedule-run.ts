import type { FileBytes } from "../assembler/index.ts";
import { type PlacedProblem, readMachineFile } from "../emulator/machine-file/read.ts";
import { runMachineFile } from "../emulator/machine-file/run.ts";
import { utf8Text } from "../emulator/utf8.ts";
import type { Assignment, Scenario, SchedulePredicate } from "./assignment.ts";
import { comparison, comparisonText, holds } from "./comparison.ts";
import { listed, plain } from "./shown.ts";
import { baseless, undecided, type Verdict, verdict } from "./verdict.ts";

type Run = ReturnType<typeof runMachineFile>;
type Vcpu = Run["figures"]["vcpus"][number];
type VcpuMeasure = Exclude<SchedulePredicate["measure"], keyof typeof ofHost>;

/** Standard deviation of the physical CPUs' utilisation, in percent. */
function deviation(pcpus: Run["figures"]["pcpus"]): number {
  const parts = pcpus.map(({ busy, idle }) => (100 * busy) / Math.max(1, busy + idle));
  const mean = parts.reduce((sum, part) => sum + part, 0) / parts.length;
  return Math.sqrt(parts.reduce((sum, part) => sum + (part - mean) ** 2, 0) / parts.length);
}

const ofHost = {
  "utilisation-deviation": ({ figures }: Run) => deviation(figures.pcpus),
  jain: ({ figures }: Run) => figures.jain,
  "context-switches": ({ figures }: Run) => figures.contextSwitches,
} as const;

/** Undefined: it was never woken. */
const ofVcpu: Readonly<Record<VcpuMeasure, (vcpu: Vcpu, run: Run) => number | undefined>> = {
  share: ({ share }) => share,
  due: ({ due }) => due,
  error: ({ share, due }) => Math.abs(share - due),
  "latency-median": ({ latency }) => latency?.median,
  "latency-p95": ({ latency }) => latency?.p95,
  "latency-p99": ({ latency }) => latency?.p99,
  "latency-most": ({ latency }) => latency?.most,
  switches: ({ switches }) => switches,
  migrations: ({ migrations }) => migrations,
  rounds: ({ vcpu }, { workloads }) => workloads[vcpu]!.rounds,
  spun: ({ vcpu }, { workloads }) => workloads[vcpu]!.spun,
};

const isOfHost = (measure: SchedulePredicate["measure"]): measure is keyof typeof ofHost =>
  Object.hasOwn(ofHost, measure);
const text = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 4 });

/** A machine file that has run; or why it could not, and whether it is the instructor's. */
export type ScheduleRun = Run | { readonly problem: string; readonly isAssignments: boolean };

const problemsText = (file: string, problems: readonly PlacedProblem[]): string =>
  listed(
    problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${plain(message)}`),
    3,
  );

/** Runs the machine file of a scenario. */
export async function runSchedule(
  { files }: Assignment,
  { machine, seed }: Scenario,
  readFile: (file: string) => Promise<FileBytes>,
): Promise<ScheduleRun> {
  const isAssignments = !files.includes(machine!);
  const bytes = await readFile(machine!);
  if (!(bytes instanceof Uint8Array)) return { problem: `there is no ${machine}`, isAssignments };
  const read = readMachineFile(utf8Text(bytes));
  if ("problems" in read) return { problem: problemsText(machine!, read.problems), isAssignments };
  return runMachineFile(seed === undefined ? read.file : { ...read.file, seed }, () => undefined);
}

/** For checks of the figures of a schedule. */
export function scheduleVerdict({ measure, of, is }: SchedulePredicate, run: ScheduleRun): Verdict {
  const bound = comparison(is);
  const expected = `${measure}${of === undefined ? "" : ` of ${of}`}: ${comparisonText(bound)}`;
  if ("problem" in run) return (run.isAssignments ? undecided : baseless)(expected, run.problem);
  if (isOfHost(measure)) {
    const value = ofHost[measure](run);
    return verdict(holds(value, bound), { expected, happened: `it is ${text(value)}` });
  }
  const meant = run.figures.vcpus.filter(({ vcpu }) => vcpu === of || vcpu.startsWith(`${of}/`));
  if (meant.length === 0) return baseless(expected, `there is no VM or vCPU ${of}`);
  const values = meant.map((vcpu) => ({ vcpu: vcpu.vcpu, value: ofVcpu[measure](vcpu, run) }));
  const met = values.every(({ value }) => value !== undefined && holds(value, bound));
  const told = values.map(({ vcpu, value }) => `${vcpu}: ${value === undefined ? "never woken" : text(value)}`);
  return verdict(met, { expected, happened: listed(told) });
}
