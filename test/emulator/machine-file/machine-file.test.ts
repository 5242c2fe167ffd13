import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMachineFile } from "../../../emulator/machine-file/read.ts";
import { runMachineFile } from "../../../emulator/machine-file/run.ts";

const folder = join(import.meta.dirname, "../../../examples/schedule");

const valid = {
  host: { pcpus: 2, memory: 64 },
  scheduler: { name: "credit" },
  duration: 1000,
  vms: [{ name: "A", vcpus: 2, memory: 16, workload: { kind: "cpu" } }],
};
const vm = valid.vms[0]!;
const withVm = (fields: object) => ({ ...valid, vms: [{ ...vm, ...fields }] });
const under = (name: string, fields: object = {}, options?: object) => ({
  ...withVm(fields),
  scheduler: { name, ...(options && { options }) },
});

/** Paths and messages of what is wrong. */
function problems(file: unknown): string[] {
  const read = readMachineFile(JSON.stringify(file));
  return "problems" in read ? read.problems.map(({ path, message }) => `${path}: ${message}`) : [];
}

it("accepts a file", () => expect(problems(valid)).toEqual([]));

describe("wrong machine files", () => {
  it.each<[unknown, string, RegExp]>([
    [[], "", /^The file must be an object, not \[\]/],
    [{ ...valid, host: {} }, "host", /host\.pcpus is missing/],
    [{ ...valid, duration: 0 }, "duration", /must be at least 1; it is 0/],
    [{ ...valid, vms: [] }, "vms", /a list of at least 1/],
    [{ ...valid, cpus: 1 }, "cpus", /There is no field cpus; there are host, /],
    [{ ...valid, host: { pcpus: 65 } }, "host.pcpus", /at most 64/],
    [withVm({ name: "A/B" }), "vms[0].name", /a letter, then up to 15/],
    [withVm({ program: "a.asm" }), "vms[0].workload", /has a program: that says what its vCPUs do/],
    [withVm({ workload: { kind: "mine" } }), "vms[0].workload.kind", /one of "cpu", "periodic"/],
    [withVm({ workload: { kind: "lock", work: 1, hold: 1, wait: "sleep" } }), "vms[0].workload.wait", /"pause-loop"/],
    [withVm({ workload: { kind: "thief", tick: 10, margin: 5 } }), "vms[0].workload", /never runs/],
    [withVm({ vcpus: "two" }), "vms[0].vcpus", /a whole number or a list/],
    [withVm({ vcpus: [{}], workload: undefined }), "vms[0].vcpus[0]", /has no workload/],
    [withVm({ workload: undefined }), "vms[0]", /vms\[0\]\.program or vms\[0\]\.workload is missing/],
    [withVm({ program: "" }), "vms[0].program", /a text that is not empty/],
    [withVm({ program: "a.asm", workload: undefined, vcpus: 65 }), "vms[0].vcpus", /can have \d+ vCPUs; these are 65/],
    [withVm({ program: "a.asm", workload: undefined, inputs: [{ at: 1 }] }), "vms[0].inputs[0]", /text is missing/],
    [withVm({ serial: "x" }), "vms[0].serial", /is for VMs with a program/],
    [{ ...valid, technique: "vtx-ept" }, "technique", /is for VMs with programs/],
    [{ ...valid, technique: "vtx" }, "technique", /must be one of "bare-metal"/],
    [{ ...valid, duration: undefined }, "", /duration is missing: models do not end/],
    [{ ...valid, vms: [{ name: "P", program: "p.asm" }, vm] }, "vms[1]", /models and programs do not go together/],
    [withVm({ cap: 201 }), "vms[0].cap", /2 vCPUs can use 200 % at most/],
    [withVm({ affinity: [0, 2] }), "vms[0].affinity[1]", /There is no physical CPU 2: the host has 2/],
    [withVm({ memory: 65 }), "host.memory", /The VMs have 65 MiB together, the host 64 MiB/],
    [withVm({ warp: 5 }), "vms[0].warp", /Only BVT/],
    [withVm({ reservation: { budget: 1, period: 2, extra: true } }), "vms[0].reservation", /no reservations/],
    [under("rtds", { reservation: { budget: 3, period: 2, extra: true } }), "vms[0].reservation", /does not fit into/],
    [under("round-robin", { cap: 50 }), "vms[0].cap", /Round robin has no caps/],
    [under("rtds", { weight: 5 }), "vms[0].weight", /does not heed weights/],
    [under("gang", { vcpus: 3 }), "vms[0].vcpus", /A gang of 3 does not fit side by side on 2/],
    [under("gang", { affinity: [1] }), "vms[0].vcpus", /A gang of 2 does not fit/],
    [under("credit", {}, { slices: 1 }), "scheduler.options.slices", /it has slice, rateLimit, boost, accounting/],
    [under("credit", {}, { slice: true }), "scheduler.options.slice", /must be a number/],
    [under("credit", {}, { slice: 500 }), "scheduler.options", /rate limit, 1000 µs, cannot be more than/],
    [under("credit", {}, { accounting: "none" }), "scheduler.options.accounting", /"exact" or "sampled"/],
    [under("bvt", {}, { allowance: 0 }), "scheduler.options.allowance", /at least 1/],
    [{ ...valid, vms: [vm, vm] }, "vms[1].name", /two VMs named A/],
    [{ ...valid, changes: [{ at: 1, vm: "B" }] }, "changes[0].vm", /There is no VM B/],
    [{ ...valid, changes: [{ at: 1, vm: "A", unplug: 2 }] }, "changes[0].unplug", /A has no vCPU 2/],
    [{ ...valid, changes: [{ at: 1, vm: "A", cap: 900 }] }, "changes[0].cap", /A cap of 900 %/],
  ])("%j: %s", (file, path, message) => {
    const found = problems(file);
    expect(found.map((problem) => problem.split(": ")[0])).toContain(path);
    expect(found.some((problem) => message.test(problem.slice(path.length + 2)))).toBe(true);
  });

  it("are located by line and column", () => {
    const text =
      '{\n  "host": { "pcpus": 1 },\n  "scheduler": { "name": "credit" }, "duration": -1,\n  "vms": [{ "name": "A" }]\n}\n';
    const read = readMachineFile(text);
    expect("problems" in read && read.problems.map(({ line, column }) => [line, column])).toEqual([[3, 38]]);
  });

  it("need not be JSON at all", () => {
    const read = readMachineFile("{");
    expect("problems" in read && read.problems[0]!.message).toMatch(/^This is not JSON: /);
  });
});

describe("changes while running", () => {
  it("weights, unplugging and plugging in again take effect at their time", () => {
    const read = readMachineFile(
      JSON.stringify({
        host: { pcpus: 1 },
        scheduler: { name: "credit2" },
        duration: 4_000_000,
        vms: ["A", "B"].map((name) => ({ name, workload: { kind: "cpu" } })),
        changes: [
          { at: 1_000_000, vm: "A", weight: 768 },
          { at: 2_000_000, vm: "B", unplug: 0 },
          { at: 3_000_000, vm: "B", plug: 0, weight: 768 },
        ],
      }),
    );
    if ("problems" in read) throw new Error(read.problems[0]!.message);
    const { figures } = runMachineFile(read.file, () => undefined);
    const [a, b] = figures.vcpus.map(({ times }) => times.running / 1_000_000) as [number, number];
    // Half, three quarters, all, half.
    expect(a).toBeCloseTo(0.5 + 0.75 + 1 + 0.5, 1);
    expect(b).toBeCloseTo(0.5 + 0.25 + 0 + 0.5, 1);
    expect(figures.vcpus[1]!.times.offline).toBe(1_000_000);
  });
});

type Ran = ReturnType<typeof runMachineFile>;

/** For each example what it is about, measured, and between which bounds that is. */
const measures: Readonly<Record<string, readonly [(run: Ran) => number, number, number]>> = {
  "credit-shares.ringside.json": [({ figures }) => figures.vcpus[0]!.share, 0.33, 0.337],
  "credit-cap.ringside.json": [({ figures }) => figures.vcpus[0]!.share, 0.395, 0.405],
  "lock-holder.ringside.json": [({ workloads }) => workloads["L/0"]!.spun, 300_000, 1_000_000],
  "lock-holder-pause-loop.ringside.json": [({ workloads }) => workloads["L/0"]!.spun, 0, 1000],
};

describe("examples", () => {
  it("each has a measure", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    // Those with programs are tested where programs are loaded.
    const models = names.filter((name) => readFileSync(join(folder, name), "utf8").includes('"workload"'));
    expect(models.sort()).toEqual(Object.keys(measures).sort());
  });

  it.each(Object.entries(measures))("%s shows what it is about", (name, [measure, least, most]) => {
    const read = readMachineFile(readFileSync(join(folder, name), "utf8"));
    if ("problems" in read) throw new Error(read.problems[0]!.message);
    const value = measure(runMachineFile(read.file, () => undefined));
    expect(value).toBeGreaterThanOrEqual(least);
    expect(value).toBeLessThanOrEqual(most);
  });
});
