import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LaunchError, type Loaded, load, type MachineFileError } from "../../debug-adapter/launch.ts";
import type { LaunchArguments } from "../../debug-adapter/protocol.ts";
import { follow, type MachineEvent } from "../../emulator/index.ts";
import type { Fairness } from "../../emulator/schedule/fairness.ts";

const folder = join(import.meta.dirname, "../../examples/schedule");

/** Files by name, else those of the examples. */
const reader = (files: Readonly<Record<string, string>>) => async (file: string) => {
  const own = files[file.split("/").pop()!];
  if (own !== undefined) return new TextEncoder().encode(own);
  return existsSync(file) ? readFileSync(file) : undefined;
};

const open = (name: string, files: Readonly<Record<string, string>> = {}, more: Partial<LaunchArguments> = {}) =>
  load({ program: join(folder, name), ...more }, reader(files));

interface Ran {
  readonly machine: Loaded["machine"];
  readonly figures: Fairness;
  /** What each VM has written. */
  readonly output: Readonly<Record<string, string>>;
  readonly events: readonly MachineEvent[];
}

async function run(name: string, files: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { machine } = await open(name, files);
  const output: Record<string, string> = {};
  const events: MachineEvent[] = [];
  follow(machine, Number.MAX_SAFE_INTEGER, (event) => {
    if (event.kind === "output") output[event.vm] = (output[event.vm] ?? "") + event.text;
    if (event.kind === "schedule" || event.kind === "stop") events.push(event);
  });
  return { machine, figures: machine.schedule()!, output, events };
}

const dots = (vm: string) => (ran: Ran) => ran.output[vm]?.length ?? 0;
/** How many A are there for each B. */
const letters = (vm: string) => (ran: Ran) => {
  const text = ran.output[vm] ?? "";
  return text.replaceAll("B", "").length / text.replaceAll("A", "").length;
};
const worstLatency = (vcpu: string) => (ran: Ran) => ran.figures.vcpus.find((one) => one.vcpu === vcpu)!.latency!.most;

const shareOf = (vcpu: string) => (ran: Ran) => ran.figures.vcpus.find((one) => one.vcpu === vcpu)!.share;
/** Longest time, in microseconds, for which a vCPU was parked. */
function longestParked({ events }: Ran): number {
  let [since, longest] = [0, 0];
  for (const event of events) {
    if (event.kind !== "schedule") continue;
    for (const { state } of event.states) {
      if (state === "parked") since = event.time;
      else if (since > 0) [longest, since] = [Math.max(longest, event.time - since), 0];
    }
  }
  return longest;
}

/** For each example with programs what it is about, measured, and between which bounds that is. */
const measures: Readonly<Record<string, readonly [(ran: Ran) => number, number, number]>> = {
  "ticket-lock.ringside.json": [dots("L"), 1, 2],
  "ticket-lock-pause-loop.ringside.json": [dots("L"), 15, 25],
  "ticket-lock-paravirtual.ringside.json": [dots("L"), 15, 25],
  "threads.ringside.json": [letters("G"), 1.7, 2.3],
  "threads-steal-time.ringside.json": [letters("G"), 0.9, 1.15],
  "shootdown.ringside.json": [dots("T"), 3, 6],
  "shootdown-lazy.ringside.json": [dots("T"), 60, 100],
  "four-guests.ringside.json": [({ figures }) => figures.vcpus[2]!.share, 0.35, 0.45],
  "theft.ringside.json": [shareOf("Thief/0"), 0.75, 0.8],
  "theft-exact.ringside.json": [shareOf("Thief/0"), 0.45, 0.51],
  "cap.ringside.json": [longestParked, 85_000, 95_000],
  "cap-short-slice.ringside.json": [longestParked, 500, 3500],
  "boost.ringside.json": [worstLatency("Driver/0"), 0, 30_500],
  "boost-off.ringside.json": [worstLatency("Driver/0"), 45_000, 60_500],
};

describe("machine files with programs", () => {
  it("each example has a measure", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    const programs = names.filter((name) => readFileSync(join(folder, name), "utf8").includes('"program"'));
    expect(programs.sort()).toEqual(Object.keys(measures).sort());
  });

  it.each(Object.entries(measures))("%s shows what it is about", async (name, [measure, least, most]) => {
    const ran = await run(name);
    const value = measure(ran);
    expect(value).toBeGreaterThanOrEqual(least);
    expect(value).toBeLessThanOrEqual(most);
    for (const { times } of ran.figures.vcpus)
      expect(Object.values(times).reduce((sum, part) => sum + part, 0)).toBe(ran.figures.time);
  });
});

const hello = 'mov al, "!"\nout 0E9h, al\nhlt\n';
const file = (vms: object[], more: object = {}) =>
  JSON.stringify({ host: { pcpus: 1 }, scheduler: { name: "round-robin" }, technique: "vtx-ept", vms, ...more });
const two = [
  { name: "A", program: "a.asm" },
  { name: "B", program: "b.asm" },
];

describe("a machine file as a program", () => {
  it("gives each VM its program, and runs until all have stopped", async () => {
    const files = {
      "m.ringside.json": file(two),
      "a.asm": `bits 16\n${hello}`,
      "b.asm": `bits 32\norg 8000h\n${hello}`,
    };
    const { programs } = await open("m.ringside.json", files);
    expect([...programs].map(([vm, program]) => [vm, program.file.split("/").pop()])).toEqual([
      ["A", "a.asm"],
      ["B", "b.asm"],
    ]);
    const { output, events } = await run("m.ringside.json", files);
    expect(output).toEqual({ A: "!", B: "!" });
    expect(events.filter(({ kind }) => kind === "stop").map(({ vm }) => vm)).toEqual(["A", "B"]);
  });

  it.each<[string, object[], object, RegExp]>([
    ["a missing program", [{ name: "A", program: "none.asm" }], {}, /there is no file .*none\.asm/i],
    ["a program that does not assemble", [{ name: "A", program: "bad.asm" }], {}, /bad\.asm:1:1: error/],
    [
      "a VM that does not fit",
      [{ ...two[0], memory: 64 }],
      { host: { pcpus: 1, memory: 32 } },
      /64 MiB together, the host 32/,
    ],
    ["a technique without sharing", two, { technique: "bare-metal" }, /On bare metal there is no hypervisor/],
    ["keys that are none", [{ ...two[0], keys: "{nokey}" }], {}, /what is typed on the keyboard: /],
    [
      "models",
      [{ name: "A", workload: { kind: "cpu" } }],
      { technique: undefined, duration: 1000 },
      /describes model workloads/,
    ],
  ])("refuses %s before anything starts", async (_, vms, more, message) => {
    const files = { "m.ringside.json": file(vms, more), "a.asm": hello, "b.asm": hello, "bad.asm": "move eax\n" };
    const refused = open("m.ringside.json", files);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(LaunchError);
  });

  it("names VMs that ask for different techniques", async () => {
    const under = (technique: string) => `%pragma ringside technique ${technique}\n${hello}`;
    const files = {
      "m.ringside.json": file(two, { technique: undefined }),
      "a.asm": under("vtx-ept"),
      "b.asm": under("svm-npt"),
    };
    await expect(open("m.ringside.json", files)).rejects.toThrow(/A is for vtx-ept, B for svm-npt/);
  });

  it("gives all problems of the file, with their places", async () => {
    const refused = open("m.ringside.json", { "m.ringside.json": '{\n  "host": { "pcpus": 0 },\n  "vms": []\n}\n' });
    const error = await refused.then(
      () => undefined,
      (problem: unknown) => problem,
    );
    expect((error as MachineFileError).problems.map(({ line, path }) => [line, path])).toEqual([
      [1, ""],
      [2, "host.pcpus"],
      [3, "vms"],
    ]);
    expect((error as MachineFileError).message).toMatch(/m\.ringside\.json:1:1: error: .*\(and 2 more\)$/);
  });

  it("can be given another scheduler and seed, and nothing that the file says of VMs", async () => {
    const files = { "m.ringside.json": file(two), "a.asm": hello, "b.asm": hello };
    const { machine } = await open("m.ringside.json", files, { scheduler: "credit2", seed: 7 });
    expect(machine.configuration.host).toMatchObject({ scheduler: { name: "credit2" }, seed: 7 });
    await expect(open("m.ringside.json", files, { memory: 8 })).rejects.toThrow(
      /"memory": a machine file says that itself/,
    );
    await expect(open("a.asm", files, { seed: 1 })).rejects.toThrow(/"seed" is for machine files/);
  });
});
