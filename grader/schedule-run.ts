import type { FileBytes } from "../assembler/index.ts";
import { runsPrograms } from "../emulator/machine-file/machine-file.ts";
import { type PlacedProblem, readMachineFile } from "../emulator/machine-file/read.ts";
import { runMachineFile } from "../emulator/machine-file/run.ts";
import { utf8Text } from "../emulator/utf8.ts";
import type { Assignment, Scenario, SchedulePredicate } from "./assignment.ts";
import { comparison, comparisonText, holds } from "./comparison.ts";
import { listed, plain } from "./shown.ts";
import { baseless, undecided, type Verdict, verdict } from "./verdict.ts";

/** How the time was shared; of models also what came of them, by vCPU. */
export type Run = ReturnType<typeof runMachineFile>;
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

/** What a machine file is: models that have run, programs still to run; or why neither, and whether that is the instructor's fault. */
export type MachineFileRun =
  | { readonly kind: "models"; readonly run: Run }
  | { readonly kind: "programs" }
  | { readonly kind: "problem"; readonly text: string; readonly isAssignments: boolean };

const problemsText = (file: string, problems: readonly PlacedProblem[]): string =>
  listed(
    problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${plain(message)}`),
    3,
  );

/** Microseconds that models of a submission may run. */
const longest = 600_000_000;

/** Reads the machine file of a scenario, and runs its models if it has any. */
export async function runModels(
  { files }: Assignment,
  { machine, scheduler, seed, technique }: Scenario,
  readFile: (file: string) => Promise<FileBytes>,
): Promise<MachineFileRun> {
  const isAssignments = !files.includes(machine!);
  const problem = (text: string) => ({ kind: "problem", text, isAssignments }) as const;
  const bytes = await readFile(machine!);
  if (!(bytes instanceof Uint8Array)) return problem(`there is no ${machine}`);
  const overrides = { scheduler, seed, technique };
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const read = readMachineFile(utf8Text(bytes), given);
  if ("problems" in read) return problem(problemsText(machine!, read.problems));
  if (runsPrograms(read.file)) return { kind: "programs" };
  if (!isAssignments && read.file.duration! > longest)
    return problem(`${machine} runs for ${read.file.duration} µs; ${longest} are the most`);
  return { kind: "models", run: runMachineFile(read.file, () => undefined) };
}

/** For checks of the figures of a schedule. */
export function scheduleVerdict({ measure, of, is }: SchedulePredicate, run: Run): Verdict {
  const bound = comparison(is);
  const expected = `${measure}${of === undefined ? "" : ` of ${of}`}: ${comparisonText(bound)}`;
  if (isOfHost(measure)) {
    const value = ofHost[measure](run);
    return verdict(holds(value, bound), { expected, happened: `it is ${text(value)}` });
  }
  const meant = run.figures.vcpus.filter(({ vcpu }) => vcpu === of || vcpu.startsWith(`${of}/`));
  if (meant.length === 0) return baseless(expected, `there is no VM or vCPU ${of}`);
  const { workloads } = run;
  if ((measure === "rounds" || measure === "spun") && !workloads[meant[0]!.vcpu])
    return undecided(expected, `programs have no ${measure}: that is a figure of models`);
  const values = meant.map((vcpu) => ({ vcpu: vcpu.vcpu, value: ofVcpu[measure](vcpu, run) }));
  const met = values.every(({ value }) => value !== undefined && holds(value, bound));
  const told = values.map(({ vcpu, value }) => `${vcpu}: ${value === undefined ? "never woken" : text(value)}`);
  return verdict(met, { expected, happened: listed(told) });
}
