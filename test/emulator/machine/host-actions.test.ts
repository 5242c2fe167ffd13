import { describe, expect, test } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import type { Adjustment } from "../../../emulator/machine-interface.ts";
import { smpGuests } from "../vmm/smp-guests.ts";
import { echo, hosted, spinner, ticker, vmWith } from "./host.ts";

const everything = Number.MAX_SAFE_INTEGER;
const two = (scheduler = "credit2", until?: number): Machine =>
  hosted({ pcpus: 1, scheduler: { name: scheduler }, ...(until !== undefined && { until }) }, [
    vmWith("a", spinner),
    vmWith("b", spinner),
  ]);

const runningOf = (machine: Machine): number[] => machine.schedule()!.vcpus.map(({ times }) => times.running);
const totalOf = (machine: Machine): number => machine.vcpus().reduce((sum, { cycle }) => sum + cycle, 0);
const repeats = (machine: Machine, back: number): void => {
  const { digest, now } = machine;
  const events = machine.events(0, everything);
  machine.goTo(back);
  machine.goTo(now);
  expect(machine.digest).toEqual(digest);
  expect(machine.events(0, everything)).toEqual(events);
};

test("a weight that is changed while guests run changes their shares from then on, in a replay too", () => {
  const machine = two();
  machine.run({ steps: 12_000_000 });
  const [a, b] = runningOf(machine);
  expect(a! / b!).toBeCloseTo(1, 0);
  expect(machine.adjust("a", undefined, { kind: "set", parameters: { weight: 768 } })).toBeUndefined();
  machine.run({ steps: 24_000_000 });
  const [later, other] = runningOf(machine);
  expect((later! - a!) / (other! - b!)).toBeCloseTo(3, 0);
  repeats(machine, 11_000_000);
});

test("a vCPU that is unplugged does not run until it is plugged in again, and goes on where it was", () => {
  const machine = two("round-robin");
  machine.run({ steps: 3_000_000 });
  const before = runningOf(machine);
  expect(machine.adjust("b", 0, { kind: "unplug" })).toBeUndefined();
  expect(machine.adjust("b", 0, { kind: "unplug" })).toBe("b/0 is unplugged already.");
  machine.run({ steps: 6_000_000 });
  expect(runningOf(machine)[1]! - before[1]!).toBeLessThan(1000);
  expect(machine.vcpus()[1]).toMatchObject({ state: "offline", standing: undefined });
  expect(machine.adjust("b", undefined, { kind: "plug" })).toBeUndefined();
  machine.run({ steps: 6_000_000 });
  expect(runningOf(machine)[1]! - before[1]!).toBeGreaterThanOrEqual(20_000);
  repeats(machine, 2_999_999);
});

test("changes that the configuration sets happen at their moments", () => {
  const changes = [
    { at: 20_000, vm: "b", vcpu: 0, unplug: true },
    { at: 60_000, vm: "b", vcpu: 0, unplug: false },
  ];
  const machine = hosted({ pcpus: 1, scheduler: { name: "round-robin" }, until: 100_000, changes }, [
    vmWith("a", spinner),
    vmWith("b", spinner),
  ]);
  machine.run({ steps: 2 ** 40 });
  expect(machine.schedule()!.vcpus[1]!.times).toMatchObject({ offline: 40_000 });
  expect(machine.schedule()!.vcpus[0]!.times.running).toBe(70_000);
});

test("what the configuration types reaches the guest at its moment", () => {
  const inputs = [{ at: 5000, device: "serial" as const, text: "hi" }];
  const machine = hosted({ pcpus: 1, scheduler: { name: "round-robin" }, until: 40_000 }, [
    vmWith("a", spinner),
    vmWith("b", echo, { inputs }),
  ]);
  machine.run({ steps: 2 ** 40 });
  const output = machine.events(0, everything, ["output"]);
  expect(output.map((event) => event.kind === "output" && [event.vm, event.text])).toEqual([
    ["b", "h"],
    ["b", "i"],
  ]);
  expect(output[0]!.cycle).toBeGreaterThan(10_000 * 119);
});

test.each<[string, number | undefined, Adjustment, string]>([
  ["c", undefined, { kind: "plug" }, "There is no VM c."],
  ["a", 1, { kind: "plug" }, "a has no vCPU 1: it has 1, numbered from 0."],
  ["a", 0, { kind: "plug" }, "a/0 is plugged in already."],
  ["a", 0, { kind: "set", parameters: { weight: 5 } }, "Weight and cap are those of a VM"],
  ["a", undefined, { kind: "set", parameters: { weight: 0 } }, "A weight is a whole number from 1 to 65535"],
  ["a", 0, { kind: "set", parameters: { affinity: [1] } }, "There is no physical CPU 1"],
])("%s %s %j is refused", (vm, vcpu, adjustment, problem) => {
  const machine = two();
  expect(machine.adjust(vm, vcpu, adjustment)).toContain(problem);
  expect(machine.actions).toEqual([]);
});

describe("only one vCPU", () => {
  test("runs, and the others stay where they are", () => {
    const machine = two("round-robin");
    machine.run({ steps: 100_000 });
    const [a, b] = machine.vcpus();
    expect(a!.state).toBe("running");
    for (let n = 1; n <= 7; n++) {
      machine.run({ steps: 1, only: { vm: "b", vcpu: 0 } });
      expect(machine.vm).toBe("b");
    }
    expect(machine.now).toBe(100_007);
    expect(machine.vcpus()[0]).toEqual(a);
    expect(machine.vcpus()[1]!.cycle).toBeGreaterThanOrEqual(b!.cycle + 7);
    machine.run({ steps: 5_000_000 });
    expect(runningOf(machine).reduce((sum, time) => sum + time)).toBe(machine.schedule()!.time);
    repeats(machine, 100_003);
    repeats(machine, 10);
  });

  test("and if it has nothing to do, the others", () => {
    const machine = hosted({ pcpus: 1, scheduler: { name: "round-robin" } }, [
      vmWith("a", spinner),
      vmWith("b", ticker(1193, 100)),
    ]);
    machine.run({ steps: 500_000 });
    while (machine.vcpus()[1]!.state !== "blocked") machine.run({ steps: 1000 });
    const before = totalOf(machine);
    expect(machine.run({ steps: 100_000, only: { vm: "b", vcpu: 0 } })).toEqual({ kind: "limit" });
    expect(totalOf(machine)).toBeGreaterThan(before + 90_000);
    repeats(machine, 400_000);
  });
});

test("looking at any vCPU of any VM leaves everything as it was", () => {
  const [ticketLock] = smpGuests.slice(1);
  const made = () => {
    const machine = hosted({ pcpus: 2, scheduler: { name: "round-robin", options: { quantum: 300 } } }, [
      vmWith("smp", ticketLock!.text, { processors: 4, memory: 4 }),
      vmWith("b", spinner),
      vmWith("c", ticker(800, 3000)),
    ]);
    machine.run({ steps: 200_000 });
    return machine;
  };
  const [looked, plain] = [made(), made()];
  for (const { vm, vcpu } of looked.vcpus()) {
    looked.look({ vm, vcpu });
    expect([looked.vm, looked.vcpu]).toEqual([vm, vcpu]);
    expect(looked.digest).toEqual(plain.digest);
  }
  for (const machine of [looked, plain]) machine.run({ steps: 100_000 });
  expect(looked.digest).toEqual(plain.digest);
});
