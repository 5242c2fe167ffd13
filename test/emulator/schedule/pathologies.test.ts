import { describe, expect, it } from "vitest";
import { type Fairness, fairness } from "../../../emulator/schedule/fairness.ts";
import type { ModelVm } from "../../../emulator/schedule/model.ts";
import type { SchedulerOptions } from "../../../emulator/schedule/schedulers.ts";
import { Simulation } from "../../../emulator/schedule/simulation.ts";
import type { WaitPolicy, Workload } from "../../../emulator/schedule/workload.ts";

const time = 3_000_000;
const cpu: Workload = { kind: "cpu" };
const hog: ModelVm = { name: "C", workloads: [cpu] };

interface Setup {
  readonly scheduler?: string;
  readonly options?: SchedulerOptions;
  readonly pcpus?: number;
  readonly vms: readonly ModelVm[];
}

function run({ scheduler = "credit", options = {}, pcpus = 2, vms }: Setup) {
  const gaps: number[] = [];
  let idleSince = 0;
  const simulation = new Simulation({ pcpus, scheduler, options, vms }, ({ kind, time: at }) => {
    if (kind === "idle") idleSince = at;
    if (kind === "switch") gaps.push(at - idleSince);
  });
  simulation.run(time);
  return { simulation, figures: fairness(simulation.host), gaps };
}

type Run = ReturnType<typeof run>;

const ran = ({ vcpus }: Fairness, vm: string): number =>
  vcpus.filter(({ vcpu }) => vcpu.startsWith(`${vm}/`)).reduce((sum, { times }) => sum + times.running, 0);
/** Part of what the first VM ran that it spun. */
const spun = ({ simulation, figures }: Run): number => {
  const { vm } = figures.vms[0]!;
  const ids = figures.vcpus.map(({ vcpu }) => vcpu).filter((id) => id.startsWith(`${vm}/`));
  return ids.reduce((sum, id) => sum + simulation.figures(id).spun, 0) / ran(figures, vm);
};
const share = ({ figures }: Run): number => figures.vcpus[0]!.share;
const hazard = ({ figures }: Run): number => figures.vms[0]!.times["concurrency hazard"] / time;
const latency = ({ figures }: Run): number => figures.vcpus[0]!.latency!.p95;
/** The first thread's part of what both had. */
const firstThread = ({ simulation }: Run): number => {
  const [first, second] = simulation.threads("G/0")! as [number, number];
  return first / (first + second);
};
const longestGap = ({ gaps }: Run): number => Math.max(...gaps);

const lockers = (count: number, wait: WaitPolicy, ticket = false): ModelVm => ({
  name: "L",
  workloads: Array.from({ length: count }, () => ({ kind: "lock", work: 100, hold: 50, wait, ticket })),
});
const shooters = (lazy: boolean): ModelVm => ({
  name: "S",
  workloads: Array.from({ length: 2 }, () => ({ kind: "shootdown", work: 500, answer: 5, lazy })),
});
const driver: ModelVm = { name: "D", workloads: [{ kind: "periodic", period: 20_000, run: 100 }] };
const mixed: ModelVm = { name: "D", workloads: [{ kind: "periodic", period: 50_000, run: 20_000 }] };
const two: ModelVm = { name: "C", workloads: [cpu, cpu] };
const thief: ModelVm = { name: "T", workloads: [{ kind: "thief", tick: 10_000, margin: 100 }] };
const guestThreads = (clock: "wall" | "steal-time"): ModelVm => ({
  name: "G",
  workloads: [{ kind: "threads", quantum: 10_000, clock }],
});
const capped: ModelVm = { name: "A", workloads: [cpu], parameters: { cap: 40 } };
const gangOptions = { alternates: false };

/** What is measured, with the problem and with the remedy: the first is at least, the second at most. */
type Row = readonly [
  string,
  (run: Run) => number,
  { problem: Setup; atLeast: number },
  { remedy: Setup; atMost: number },
];

const rows: readonly Row[] = [
  [
    "lock-holder preemption: PAUSE-loop exits let the holder run",
    spun,
    { problem: { vms: [lockers(2, "spin"), hog] }, atLeast: 0.2 },
    { remedy: { vms: [lockers(2, "pause-loop"), hog] }, atMost: 0.01 },
  ],
  [
    "lock-holder preemption: a directed yield under KVM's scheduler",
    spun,
    { problem: { scheduler: "eevdf", vms: [lockers(2, "spin"), hog] }, atLeast: 0.07 },
    { remedy: { scheduler: "eevdf", vms: [lockers(2, "directed-yield"), hog] }, atMost: 0.01 },
  ],
  [
    "lock-holder preemption: a paravirtual lock sleeps until it is kicked",
    spun,
    { problem: { vms: [lockers(2, "spin"), hog] }, atLeast: 0.2 },
    { remedy: { vms: [lockers(2, "paravirtual"), hog] }, atMost: 0.01 },
  ],
  [
    "lock-holder preemption: a gang runs together",
    spun,
    { problem: { vms: [lockers(2, "spin"), hog] }, atLeast: 0.2 },
    { remedy: { scheduler: "gang", options: gangOptions, vms: [lockers(2, "spin"), hog] }, atMost: 0.001 },
  ],
  [
    "lock-waiter preemption: a ticket lock stands still while the next in line waits for a pCPU",
    spun,
    { problem: { vms: [lockers(4, "spin", true)] }, atLeast: 0.95 },
    { remedy: { vms: [lockers(4, "paravirtual", true)] }, atMost: 0.02 },
  ],
  [
    "concurrency hazard: a gang has none",
    hazard,
    { problem: { vms: [lockers(2, "spin"), hog] }, atLeast: 0.5 },
    { remedy: { scheduler: "gang", options: gangOptions, vms: [lockers(2, "spin"), hog] }, atMost: 0 },
  ],
  [
    "shoot-down to a preempted vCPU: it flushes when it runs",
    spun,
    { problem: { vms: [shooters(false), hog] }, atLeast: 0.4 },
    { remedy: { vms: [shooters(true), hog] }, atMost: 0.02 },
  ],
  [
    "double scheduling: the guest's scheduler knows what was stolen",
    firstThread,
    {
      problem: { scheduler: "round-robin", options: { quantum: 15_000 }, pcpus: 1, vms: [guestThreads("wall"), hog] },
      atLeast: 0.66,
    },
    {
      remedy: {
        scheduler: "round-robin",
        options: { quantum: 15_000 },
        pcpus: 1,
        vms: [guestThreads("steal-time"), hog],
      },
      atMost: 0.51,
    },
  ],
  [
    "cap throttling: 90 ms without the pCPU, with a shorter slice a thirtieth of that",
    longestGap,
    { problem: { pcpus: 1, vms: [capped] }, atLeast: 90_000 },
    { remedy: { pcpus: 1, options: { slice: 1000 }, vms: [capped] }, atMost: 3000 },
  ],
  [
    "cap throttling: credit2 has budgets of 10 ms",
    longestGap,
    { problem: { pcpus: 1, vms: [capped] }, atLeast: 90_000 },
    { remedy: { scheduler: "credit2", pcpus: 1, vms: [capped] }, atMost: 6000 },
  ],
  [
    "latency of a driver: BOOST",
    latency,
    { problem: { pcpus: 1, options: { boost: false }, vms: [driver, two] }, atLeast: 30_000 },
    { remedy: { pcpus: 1, vms: [driver, two] }, atMost: 0 },
  ],
  [
    "the limit of BOOST: a VM that computes too waits for slices; shorter ones help",
    latency,
    { problem: { pcpus: 1, vms: [mixed, two] }, atLeast: 30_000 },
    { remedy: { pcpus: 1, options: { slice: 1000 }, vms: [mixed, two] }, atMost: 3000 },
  ],
  [
    "credit theft: exact accounting charges those that no tick sees",
    share,
    { problem: { pcpus: 1, options: { accounting: "sampled" }, vms: [thief, hog] }, atLeast: 0.89 },
    { remedy: { pcpus: 1, vms: [thief, hog] }, atMost: 0.51 },
  ],
];

describe("pathologies and what helps", () => {
  it.each(rows)("%s", (_, measure, { problem, atLeast }, { remedy, atMost }) => {
    expect(measure(run(problem))).toBeGreaterThanOrEqual(atLeast);
    expect(measure(run(remedy))).toBeLessThanOrEqual(atMost);
  });
});
