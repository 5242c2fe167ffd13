import { describe, expect, it } from "vitest";
import { fairness } from "../../../emulator/schedule/fairness.ts";
import type { Model } from "../../../emulator/schedule/model.ts";
import type { ScheduleEvent } from "../../../emulator/schedule/schedule-event.ts";
import { Simulation } from "../../../emulator/schedule/simulation.ts";
import type { Parameters } from "../../../emulator/schedule/vcpu.ts";
import type { Workload } from "../../../emulator/schedule/workload.ts";

const cpu: Workload = { kind: "cpu" };
const vm = (name: string, workload: Workload = cpu, parameters: Partial<Parameters> = {}) => ({
  name,
  workloads: [workload],
  parameters,
});

function traced(model: Model, time: number) {
  const events: ScheduleEvent[] = [];
  const simulation = new Simulation(model, (event) => void events.push(event));
  simulation.run(time);
  return { events, figures: fairness(simulation.host) };
}

/** Who began to run on pCPU 0 when, in milliseconds. */
const turns = ({ events }: ReturnType<typeof traced>, count: number): string[] =>
  events
    .filter(({ kind, pcpu }) => pcpu === 0 && kind === "switch")
    .slice(0, count)
    .map(({ time, vcpu }) => `${time / 1000} ${vcpu!.split("/")[0]}`);

describe("who runs when", () => {
  it.each<[string, Omit<Model, "pcpus"> & { pcpus?: number }, string[]]>([
    [
      "round robin: in turns of 10 ms",
      { scheduler: "round-robin", vms: [vm("A"), vm("B"), vm("C")] },
      ["0 A", "10 B", "20 C", "30 A", "40 B"],
    ],
    [
      "credit2: until the credit of the other, but not less than the rate limit",
      { scheduler: "credit2", vms: [vm("A"), vm("B")] },
      ["0 A", "1 B", "2.5 A", "3.5 B", "4.5 A", "5.5 B", "6.5 A"],
    ],
    [
      "BVT: 5 ms ahead of the other",
      { scheduler: "bvt", vms: [vm("A"), vm("B")] },
      ["0 A", "5 B", "15 A", "25 B", "35 A"],
    ],
    [
      "BVT: twice the weight lasts twice as long",
      { scheduler: "bvt", vms: [vm("A", cpu, { weight: 512 }), vm("B")] },
      ["0 A", "5 B", "12.5 A", "27.5 B"],
    ],
    [
      "EEVDF on one CPU: slices of 0.7 ms",
      { scheduler: "eevdf", vms: [vm("A"), vm("B")] },
      ["0 A", "0.7 B", "1.4 A", "2.1 B"],
    ],
    [
      "RTDS: the earliest deadline first, and nobody gets more than its budget",
      {
        scheduler: "rtds",
        vms: [
          vm("A", cpu, { reservation: { budget: 2000, period: 10_000, extra: false } }),
          vm("B", cpu, { reservation: { budget: 6000, period: 20_000, extra: false } }),
        ],
      },
      ["0 A", "2 B", "10 A", "20 A", "22 B", "30 A"],
    ],
    [
      "RTDS: time that nobody reserved goes to those that take it",
      {
        scheduler: "rtds",
        vms: [
          vm("A", cpu, { reservation: { budget: 3000, period: 10_000, extra: false } }),
          vm("B", cpu, { reservation: { budget: 2000, period: 10_000, extra: true } }),
        ],
      },
      ["0 A", "3 B", "10 A", "13 B"],
    ],
    [
      "SEDF: the earliest deadline first",
      {
        scheduler: "sedf",
        vms: [
          vm("A", cpu, { reservation: { budget: 2000, period: 20_000, extra: false } }),
          vm("B", cpu, { reservation: { budget: 4000, period: 10_000, extra: false } }),
        ],
      },
      ["0 B", "4 A", "10 B", "20 B", "24 A"],
    ],
    [
      "gang: a row each, for 10 ms",
      {
        scheduler: "gang",
        pcpus: 2,
        vms: [
          { name: "A", workloads: [cpu, cpu] },
          { name: "B", workloads: [cpu, cpu] },
        ],
      },
      ["0 A", "10 B", "20 A"],
    ],
  ])("%s", (_, { pcpus = 1, ...model }, expected) => {
    expect(turns(traced({ pcpus, ...model }, 100_000), expected.length)).toEqual(expected);
  });
});

describe("special rules", () => {
  const driver: Workload = { kind: "periodic", period: 20_000, run: 100 };

  it("BVT: a warp takes away what a driver waits beyond the allowance", () => {
    const latency = (warp: number) => {
      const model = { pcpus: 1, scheduler: "bvt", vms: [vm("D", driver, { warp }), vm("A"), vm("B")] };
      return traced(model, 2_000_000).figures.vcpus[0]!.latency!.most;
    };
    expect(latency(20_000)).toBeLessThanOrEqual(5000);
    expect(latency(0)).toBeGreaterThan(latency(20_000));
  });

  it("credit: the rate limit holds a boosted vCPU back", () => {
    const latencies = (rateLimit: number) => {
      const often: Workload = { kind: "periodic", period: 700, run: 50 };
      const model = { pcpus: 1, scheduler: "credit", options: { rateLimit }, vms: [vm("D", often), vm("A")] };
      return traced(model, 1_000_000).figures.vcpus[0]!.latency!;
    };
    expect(latencies(0).p95).toBe(0);
    expect(latencies(1000).p95).toBeGreaterThan(300);
    expect(latencies(1000).p95).toBeLessThanOrEqual(1000);
  });

  it("credit: a heavy vCPU that waits long stops earning, and gets less than its weight", () => {
    const vms = [64, 610, 159].map((weight, n) => vm("ABC"[n]!, cpu, { weight }));
    const { events, figures } = traced({ pcpus: 1, scheduler: "credit", vms }, 10_000_000);
    const halved = events.filter(({ reason }) => /B\/0 \+\d+ = 1\d\d UNDER \(more than 300: halved/.test(reason));
    expect(halved.length).toBeGreaterThan(10);
    expect(figures.vcpus[1]!.due - figures.vcpus[1]!.share).toBeGreaterThan(0.03);
  });

  it("credit: a pCPU takes better work from a peer's queue, and says from where", () => {
    const { events } = traced({ pcpus: 2, scheduler: "credit", vms: ["A", "B", "C"].map((name) => vm(name)) }, 300_000);
    const stolen = events.filter(({ kind }) => kind === "steal");
    expect(stolen.length).toBeGreaterThan(0);
    expect(stolen[0]!.reason).toMatch(/^pCPU 1 takes [ABC]\/0 \((BOOST|UNDER|OVER) -?\d+\) from the queue of pCPU 0$/);
  });

  it("EEVDF: Linux's slice grows with the CPUs", () => {
    const first = (pcpus: number) => {
      const pinned = ["A", "B"].map((name) => vm(name, cpu, { affinity: [0] }));
      return turns(traced({ pcpus, scheduler: "eevdf", vms: pinned }, 20_000), 2)[1];
    };
    expect([1, 2, 4, 8, 16].map(first)).toEqual(["0.7 B", "1.4 B", "2.1 B", "2.8 B", "2.8 B"]);
  });

  it("RTDS: reservations that fit are all met, on every pCPU", () => {
    const reserved = (name: string, budget: number, period: number) =>
      vm(name, cpu, { reservation: { budget, period, extra: false } });
    const vms = [reserved("A", 2000, 10_000), reserved("B", 4000, 20_000), reserved("C", 6000, 10_000)];
    const { figures } = traced({ pcpus: 1, scheduler: "rtds", vms }, 2_000_000);
    expect(figures.vcpus.map(({ share }) => Number(share.toFixed(3)))).toEqual([0.2, 0.2, 0.6]);
  });

  it("gang: a place is lent only if alternates are allowed", () => {
    const idle = (alternates: boolean) => {
      const vms = [{ name: "A", workloads: [cpu, driver] }, vm("B"), { name: "C", workloads: [cpu, cpu] }];
      const { figures } = traced({ pcpus: 2, scheduler: "gang", options: { alternates }, vms }, 1_000_000);
      return figures.pcpus[1]!.idle;
    };
    expect(idle(true)).toBeLessThan(idle(false));
  });
});
