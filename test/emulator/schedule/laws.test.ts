import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fairness } from "../../../emulator/schedule/fairness.ts";
import type { Model } from "../../../emulator/schedule/model.ts";
import type { PhysicalCpus } from "../../../emulator/schedule/physical-cpus.ts";
import type { ScheduleEvent } from "../../../emulator/schedule/schedule-event.ts";
import { type SchedulerOptions, schedulers } from "../../../emulator/schedule/schedulers.ts";
import { Simulation } from "../../../emulator/schedule/simulation.ts";
import { allowed } from "../../../emulator/schedule/vcpu.ts";
import { type Workload, waitPolicies } from "../../../emulator/schedule/workload.ts";

const second = 1_000_000;
const names = schedulers.map(({ name }) => name);
const row = (name: string) => schedulers.find((one) => one.name === name)!;

const workload: fc.Arbitrary<Workload> = fc.oneof(
  fc.constant({ kind: "cpu" } as const),
  fc.record({
    kind: fc.constant("periodic" as const),
    period: fc.integer({ min: 500, max: 40_000 }),
    run: fc.integer({ min: 1, max: 20_000 }),
  }),
  fc.record({
    kind: fc.constant("thief" as const),
    tick: fc.constant(10_000),
    margin: fc.integer({ min: 1, max: 1000 }),
  }),
  fc.record({
    kind: fc.constant("lock" as const),
    work: fc.integer({ min: 20, max: 3000 }),
    hold: fc.integer({ min: 20, max: 500 }),
    wait: fc.constantFrom(...waitPolicies),
    ticket: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("shootdown" as const),
    work: fc.integer({ min: 100, max: 5000 }),
    answer: fc.integer({ min: 1, max: 100 }),
    lazy: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("threads" as const),
    quantum: fc.integer({ min: 1000, max: 20_000 }),
    clock: fc.constantFrom("wall" as const, "steal-time" as const),
  }),
);

const somePcpus = (pcpus: number): fc.Arbitrary<number[]> =>
  fc.subarray(
    Array.from({ length: pcpus }, (_, n) => n),
    { minLength: 1 },
  );

const reservation = fc.record({
  budget: fc.integer({ min: 500, max: 5000 }),
  period: fc.integer({ min: 5000, max: 40_000 }),
  extra: fc.boolean(),
});

/** Options that change how a scheduler works. */
const options: Readonly<Record<string, readonly SchedulerOptions[]>> = {
  credit: [{}, { slice: 1000 }, { boost: false }, { accounting: "sampled" }, { rateLimit: 0 }],
  credit2: [{}, { rateLimit: 0, migrationResistance: 0 }],
  eevdf: [{}, { slice: 10_000 }],
  gang: [{}, { alternates: true }],
};

/** A model that the scheduler can run: a gang has to fit side by side. */
const model = (scheduler: string): fc.Arbitrary<Model> =>
  fc.integer({ min: 1, max: 4 }).chain((pcpus) =>
    fc.record({
      pcpus: fc.constant(pcpus),
      scheduler: fc.constant(scheduler),
      options: fc.constantFrom(...(options[scheduler] ?? [{}])),
      seed: fc.integer({ min: 0, max: 1000 }),
      vms: fc
        .array(
          fc.record({
            workloads: fc.array(workload, { minLength: 1, maxLength: scheduler === "gang" ? pcpus : 3 }),
            weight: fc.integer({ min: 64, max: 1024 }),
            cap: row(scheduler).heeds.includes("cap") ? fc.constantFrom(0, 0, 25, 70) : fc.constant(0),
            affinity: scheduler === "gang" ? fc.constant(null) : fc.option(somePcpus(pcpus)),
            reservation: row(scheduler).heeds.includes("reservation") ? fc.option(reservation) : fc.constant(null),
            warp: fc.constantFrom(0, 5000),
          }),
          { minLength: 1, maxLength: 5 },
        )
        .map((vms) => vms.map(({ workloads, ...parameters }, n) => ({ name: "ABCDE"[n]!, workloads, parameters }))),
      changes: fc.constant([
        { at: 40_000, vm: "A", set: { weight: 300 } },
        { at: 60_000, vm: "A", vcpu: 0, unplug: true },
        { at: 110_000, vm: "A", vcpu: 0, unplug: false },
        ...(scheduler === "gang" ? [] : [{ at: 130_000, vm: "A", set: { affinity: [0] } }]),
        { at: 150_000, vm: "A", set: { cap: 0, weight: 64 } },
      ]),
    }),
  );

const sum = (record: Readonly<Record<string, number>>): number => Object.values(record).reduce((a, b) => a + b, 0);

function checkAccounting(host: PhysicalCpus): void {
  for (const { id } of host.vcpus) expect(sum(host.timesOf(id))).toBe(host.now);
  for (const vm of host.vms) expect(sum(host.vmTimes(vm))).toBe(host.now);
  const ran = host.vcpus.reduce((all, { id }) => all + host.timesOf(id).running, 0);
  expect(host.pcpus.reduce((all, { busy }) => all + busy, 0)).toBe(ran);
}

/** Whoever only reads the events finds the times of all states. */
function checkTold(events: readonly ScheduleEvent[], host: PhysicalCpus): void {
  const told = new Map<string, { state: string; since: number; times: Record<string, number> }>();
  const enter = (id: string, state: string, time: number): void => {
    const before = told.get(id) ?? { state: id.includes("/") ? "blocked" : "offline", since: 0, times: {} };
    before.times[before.state] = (before.times[before.state] ?? 0) + time - before.since;
    told.set(id, { state, since: time, times: before.times });
  };
  for (const { states, vms, time } of events) {
    for (const { vcpu, state } of states) enter(vcpu, state, time);
    for (const { vm, state } of vms) enter(vm, state, time);
  }
  const times = (id: string, state: string): number => told.get(id)?.times[state] ?? 0;
  for (const { id, state } of host.vcpus) enter(id, state, host.now);
  for (const vm of host.vms) enter(vm, "offline", host.now);
  for (const { id } of host.vcpus)
    for (const [state, time] of Object.entries(host.timesOf(id)))
      expect([id, state, times(id, state)]).toEqual([id, state, time]);
  for (const vm of host.vms)
    for (const [state, time] of Object.entries(host.vmTimes(vm)))
      expect([vm, state, times(vm, state)]).toEqual([vm, state, time]);
}

/** pCPUs that idle although a vCPU waits that could run there. */
const idleBeside = (host: PhysicalCpus): string[] =>
  host.pcpus.flatMap(({ current }, pcpu) =>
    current === null
      ? host.vcpus
          .filter((vcpu) => vcpu.state === "runnable" && allowed(vcpu, pcpu))
          .map(({ id }) => `${id} at ${pcpu}`)
      : [],
  );

describe.each(names)("%s", (scheduler) => {
  it("adds up, keeps pCPUs busy, and repeats itself from a snapshot too", () => {
    fc.assert(
      fc.property(model(scheduler), (given) => {
        const events: ScheduleEvent[] = [];
        const simulation = new Simulation(given, (event) => void events.push(event));
        for (let time = 10_000; time <= 100_000; time += 10_000) {
          simulation.run(time);
          checkAccounting(simulation.host);
          if (row(scheduler).conserving) expect(idleBeside(simulation.host)).toEqual([]);
        }
        const saved = simulation.save();
        simulation.run(200_000);
        checkAccounting(simulation.host);
        checkTold(events, simulation.host);

        const again: ScheduleEvent[] = [];
        const other = new Simulation(given, (event) => void again.push(event));
        again.length = 0;
        other.restore(saved);
        expect(other.save()).toEqual(saved);
        other.run(200_000);
        expect(again).toEqual(events.filter(({ sequence }) => sequence >= (again[0]?.sequence ?? 0)));
        expect(other.save()).toEqual(simulation.save());

        const repeated: ScheduleEvent[] = [];
        new Simulation(given, (event) => void repeated.push(event)).run(200_000);
        expect(repeated).toEqual(events);
      }),
      { numRuns: 20, seed: 6, endOnFailure: true },
    );
  });

  it("starves nobody", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 6 }), (pcpus, vms) => {
        const cpu = { kind: "cpu" } as const;
        const simulation = new Simulation({
          pcpus,
          scheduler,
          vms: Array.from({ length: vms }, (_, n) => ({
            name: `V${n}`,
            workloads: [cpu],
            parameters: { weight: 64 << n },
          })),
        });
        simulation.run(2 * second);
        for (const { vcpu, share } of fairness(simulation.host).vcpus)
          expect([vcpu, share > 0.005]).toEqual([vcpu, true]);
      }),
      { numRuns: 10, seed: 6 },
    );
  });
});

describe.each(schedulers.filter(({ heeds }) => heeds.includes("weight")).map(({ name }) => name))("%s", (scheduler) => {
  /** How far the worst off is from its due, in parts of the host, after 10 s of vCPUs that always want to run. */
  function unfairness(pcpus: number, weights: readonly number[]): number {
    const simulation = new Simulation({
      pcpus,
      scheduler,
      vms: weights.map((weight, n) => ({ name: `V${n}`, workloads: [{ kind: "cpu" }], parameters: { weight } })),
    });
    simulation.run(10 * second);
    return Math.max(...fairness(simulation.host).vcpus.map(({ share, due }) => Math.abs(share - due) / pcpus));
  }

  const sets: readonly (readonly [pcpus: number, weights: readonly number[]])[] = [
    [1, [256, 512]],
    [1, [100, 200, 300, 400]],
    [2, [256, 256, 256]],
    [2, [256, 512, 256, 512]],
    [3, [512, 512, 256, 256, 300, 400, 100]],
    [4, [256, 256, 256, 256, 256, 256]],
  ];
  // SEDF never moves a vCPU: its shares are those of a pCPU.
  const held = sets.filter(([pcpus]) => scheduler !== "sedf" || pcpus === 1);
  it.each(held)("gives CPU-bound vCPUs on %i pCPUs their shares of weights %j", (pcpus, weights) => {
    expect(unfairness(pcpus, weights)).toBeLessThan(0.01);
  });

  // Credit halves what a heavy vCPU saves while it waits for its turn: with some weights that shows (docs/scheduling.md).
  const tolerance = scheduler === "credit" ? 0.15 : 0.01;
  it(`does so for any weights, within ${100 * tolerance} %`, () => {
    const pcpus = fc.integer({ min: 1, max: scheduler === "sedf" ? 1 : 4 });
    const weights = fc.array(fc.integer({ min: 64, max: 1024 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(pcpus, weights, (...given) => {
        expect(unfairness(...given)).toBeLessThan(tolerance);
      }),
      { numRuns: 8, seed: 6, endOnFailure: true },
    );
  });
});

describe.each(schedulers.filter(({ heeds }) => heeds.includes("cap")).map(({ name }) => name))("%s", (scheduler) => {
  it.each([
    [1, 1, 40],
    [2, 2, 40],
    [2, 2, 130],
    [4, 3, 75],
  ])("on %i pCPUs keeps %i vCPUs below a cap of %i", (pcpus, vcpus, cap) => {
    const simulation = new Simulation({
      pcpus,
      scheduler,
      vms: [
        { name: "A", workloads: Array.from({ length: vcpus }, () => ({ kind: "cpu" }) as const), parameters: { cap } },
      ],
    });
    // Credits can be overdrawn by a slice for each vCPU, which is paid back; a budget never is.
    const overdraft = scheduler === "credit" ? 30_000 * vcpus * 2 : 0;
    for (let period = 1; period <= 100; period++) {
      const time = period * 100_000;
      simulation.run(time);
      const ran = simulation.host.vcpus.reduce((all, { id }) => all + simulation.host.timesOf(id).running, 0);
      expect(ran).toBeLessThanOrEqual((time * cap) / 100 + overdraft);
      if (period === 100) expect(ran / time).toBeGreaterThan(cap / 100 - 0.02);
    }
  });
});
