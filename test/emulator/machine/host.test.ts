import { describe, expect, test } from "vitest";
import type {
  ComputerConfiguration,
  HostConfiguration,
} from "../../../emulator/configuration/machine-configuration.ts";
import { configurationProblem } from "../../../emulator/index.ts";
import { schedulers } from "../../../emulator/schedule/schedulers.ts";
import { hosted, spinner, ticker, vmWith } from "./host.ts";

const roundRobin: HostConfiguration = { pcpus: 1, scheduler: { name: "round-robin" }, until: 100_000 };
const counted = (machine: ReturnType<typeof hosted>, vm: string): number => {
  machine.look({ vm, vcpu: 0 });
  return machine
    .readMemory("guest-physical", 0x20_0000n, 4)
    .reduceRight<number>((sum, byte) => sum * 256 + (byte ?? 0), 0);
};
const told = (machine: ReturnType<typeof hosted>) => machine.events(0, Number.MAX_SAFE_INTEGER);
const decisions = (machine: ReturnType<typeof hosted>) =>
  told(machine).flatMap((event) =>
    event.kind === "schedule" ? [`${event.time} ${event.what} ${event.subject} on ${event.pcpu}`] : [],
  );

test("two guests take turns, and each counts in its own memory", () => {
  const machine = hosted(roundRobin, [vmWith("a", spinner), vmWith("b", spinner)]);
  const stop = machine.run({ steps: 2 ** 40 });
  expect(stop).toMatchObject({ kind: "stopped", reason: "time-limit" });
  expect(counted(machine, "a")).toBe(counted(machine, "b"));
  // 50 ms at one step a cycle, two steps a round.
  expect(counted(machine, "a")).toBeGreaterThan(2_970_000);
  expect(
    decisions(machine)
      .filter((text) => text.includes("switch"))
      .slice(0, 4),
  ).toEqual(["0 switch a/0 on 0", "10000 switch b/0 on 0", "20000 switch a/0 on 0", "30000 switch b/0 on 0"]);
  expect(machine.schedule()!.vcpus.map(({ times: { running, runnable } }) => [running, runnable])).toEqual([
    [50_000, 50_000],
    [50_000, 50_000],
  ]);
});

test("a guest that stops leaves the others running", () => {
  const ends = "bits 32\norg 100000h\nmov al, 3\nout 0F4h, al\ncli\nhlt\n";
  const machine = hosted(roundRobin, [vmWith("short", ends), vmWith("long", spinner)]);
  expect(machine.run({ steps: 2 ** 40 })).toMatchObject({ reason: "time-limit" });
  const stops = told(machine).filter(({ kind }) => kind === "stop");
  expect(stops.map((event) => [event.vm, event.kind === "stop" && event.reason])).toEqual([
    ["short", "debug-exit"],
    ["long", "time-limit"],
  ]);
  expect(counted(machine, "long")).toBeGreaterThan(5_900_000);
});

test("without an end, the machine has stopped when the last guest has", () => {
  const ends = (rounds: number) => `bits 32\norg 100000h\nmov ecx, ${rounds}\n.l: loop .l\ncli\nhlt\n`;
  const { until: _, ...host } = roundRobin;
  const machine = hosted(host, [vmWith("a", ends(1000)), vmWith("b", ends(2_000_000))]);
  expect(machine.run({ steps: 2 ** 40 })).toMatchObject({ reason: "halted" });
  expect(machine.stopped).toMatchObject({ reason: "halted" });
  expect(machine.run({ steps: 10 })).toMatchObject({ kind: "stopped" });
});

test("a guest that halts gives up its physical CPU until its timer interrupts", () => {
  // 5 ms, of which it computes for 1.
  const machine = hosted({ ...roundRobin, pcpus: 1 }, [
    vmWith("ticker", ticker(5966, 119_318)),
    vmWith("spin", spinner),
  ]);
  machine.run({ steps: 2 ** 40 });
  const { vcpus, pcpus } = machine.schedule()!;
  const [sleeper, spin] = vcpus.map(({ times }) => times);
  expect(pcpus).toEqual([{ busy: 100_000, idle: 0 }]);
  expect(sleeper!.blocked).toBeGreaterThan(10_000);
  expect(sleeper!.running + spin!.running).toBe(100_000);
  const dots = told(machine).filter(({ kind }) => kind === "output").length;
  expect(dots).toBeGreaterThanOrEqual(5);
});

test("a timer wakes its guest on an idle host at the very microsecond", () => {
  const machine = hosted({ ...roundRobin, until: 30_000 }, [vmWith("ticker", ticker(5966, 1000))]);
  machine.run({ steps: 2 ** 40 });
  const wakes = told(machine).flatMap((event) =>
    event.kind === "schedule" && event.what === "wake" ? [event.time] : [],
  );
  const gaps = wakes.slice(2).map((time, n) => time - wakes[n + 1]!);
  expect(gaps.length).toBeGreaterThanOrEqual(4);
  for (const gap of gaps) expect([4999, 5000, 5001]).toContain(gap);
});

const three = (scheduler: string, over: Partial<HostConfiguration> = {}) =>
  hosted({ pcpus: 2, scheduler: { name: scheduler }, until: 30_000, seed: 7, ...over }, [
    vmWith("a", spinner),
    vmWith("b", ticker(1193, 5000)),
    vmWith("c", spinner),
  ]);

describe.each(schedulers.map(({ name }) => name))("under %s", (scheduler) => {
  test("times add up, and the same seed gives the same trace", () => {
    const [once, again] = [three(scheduler), three(scheduler)];
    once.run({ steps: 2 ** 40 });
    while (again.run({ steps: 123_457 }).kind !== "stopped");
    const { vcpus, pcpus, time } = once.schedule()!;
    expect(time).toBe(30_000);
    for (const { times } of vcpus) expect(Object.values(times).reduce((a, b) => a + b)).toBe(30_000);
    const running = vcpus.reduce((sum, { times }) => sum + times.running, 0);
    expect(pcpus.reduce((sum, { busy }) => sum + busy, 0)).toBe(running);
    expect(told(again)).toEqual(told(once));
    expect(again.digest).toEqual(once.digest);
  });

  test("going back and forward is the identity", () => {
    const machine = three(scheduler);
    machine.run({ steps: 2_000_001 });
    const { digest, now } = machine;
    const events = told(machine);
    for (const back of [1_999_990, 700_000, 10]) {
      machine.goTo(back);
      expect(machine.now).toBe(back);
      machine.goTo(now);
      expect(machine.digest).toEqual(digest);
      expect(told(machine)).toEqual(events);
    }
  });
});

const good: ComputerConfiguration = {
  technique: "vtx-ept",
  host: { pcpus: 2, memory: 16, scheduler: { name: "credit" } },
  vms: [vmWith("a", spinner), vmWith("b", spinner)],
};
const { host } = good;

test.each<[Partial<ComputerConfiguration>, string]>([
  [
    { technique: "bare-metal" },
    "On bare metal there is no hypervisor: one guest has the machine for itself, not a and b together.",
  ],
  [{ vms: [] }, "A machine has at least one VM."],
  [{ vms: [good.vms[0]!, good.vms[0]!] }, "There are two VMs named a."],
  [{ host: { ...host!, memory: 7 } }, "The VMs have 8 MiB together, the host 7 MiB."],
  [{ host: { ...host!, pcpus: 0 } }, "A host has 1 to 64 physical CPUs; it has 0."],
  [
    { host: { ...host!, scheduler: { name: "fair" } } },
    "There is no scheduler “fair”; there are credit, credit2, bvt, sedf, round-robin, eevdf, rtds, gang.",
  ],
  [
    { host: { ...host!, scheduler: { name: "bvt", options: { slice: 1 } } } },
    "The scheduler bvt has no option slice; it has allowance.",
  ],
  [
    { vms: [vmWith("a", spinner, { parameters: { cap: 101 } })] },
    "a: A cap is a whole number of percent up to 100 for each vCPU, of which it has 1; it is 101.",
  ],
  [
    { vms: [vmWith("a", spinner, { parameters: { affinity: [2] } })] },
    "a: There is no physical CPU 2: the host has 2, numbered from 0.",
  ],
  [{ vms: [vmWith("a", spinner, { parameters: { warp: 5 } })] }, "a: Xen credit does not heed a warp."],
  [
    {
      vms: [vmWith("a", spinner, { memory: 1024 }), vmWith("b", spinner, { memory: 1024 })],
      host: { pcpus: 1, scheduler: { name: "credit" } },
    },
    "The VMs and what VT-x with EPT keeps for each take 2052 MiB; a machine can have 2046.",
  ],
  [{ host: { ...host!, changes: [{ at: 5, vm: "c" }] } }, "A change is of the VM c, which there is not."],
  [
    { vms: [vmWith("a", spinner, { inputs: [{ at: 1, device: "keyboard", text: "{no}" }] })] },
    "a: There is no key {no}; there are esc",
  ],
])("%# is refused before anything starts", (over, problem) => {
  expect(configurationProblem(good)).toBeUndefined();
  expect(configurationProblem({ ...good, ...over })).toContain(problem);
});

test("several VMs need a host", () => {
  const { technique, vms } = good;
  expect(configurationProblem({ technique, vms })).toContain("say how many there are");
});
