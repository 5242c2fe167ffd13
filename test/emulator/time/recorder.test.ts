import { expect, test } from "vitest";
import type { ExitForm, ExitNumbers } from "../../../emulator/trace/event.ts";
import { Recorder } from "../../../emulator/trace/recorder.ts";
import { costProfiles, defaultCosts } from "../../../isa/costs.ts";

const stamp = (step: number) => ({ cycle: 10 * step, step, vm: "vm0", vcpu: 0, rip: "abc" });
const present = (step: number) => ({ cycle: 10 * step, step, vm: "vm0", vcpu: 0, linear: 0xabc });
const output = (text: string) => ({ kind: "output" as const, device: "UART", text });
const exit = {
  kind: "exit" as const,
  reason: "HLT",
  number: 12,
  fields: [],
  what: "hlt",
  why: { sentence: "", rule: "", source: "" },
  technique: "vtx-ept" as const,
};

function filled(count: number, limit?: number): Recorder {
  let step = 0;
  const recorder = new Recorder(() => present(step), limit);
  for (; step < count; step++) step % 3 === 2 ? recorder.recordExit(exit, 0, 0, 0) : recorder.record(output(`${step}`));
  return recorder;
}

test("events are numbered from 1 and stamped with the present", () => {
  const [first, second] = filled(3).after(0, 2);
  expect(first).toEqual({ sequence: 1, ...stamp(0), ...output("0") });
  expect(second).toMatchObject({ sequence: 2, step: 1, cycle: 10 });
});

test("events are asked for by number, kind and count", () => {
  const recorder = filled(10);
  expect(recorder.after(8, 100).map((e) => e.sequence)).toEqual([9, 10]);
  expect(recorder.after(0, 2, ["exit"]).map((e) => e.sequence)).toEqual([3, 6]);
  expect(recorder.after(10, 100)).toEqual([]);
});

test("the oldest events go when the memory bound is reached, in order and without gaps", () => {
  const recorder = filled(100_000, 300_000);
  const kept = recorder.after(0, 1_000_000);
  expect(kept.length).toBeGreaterThan(300);
  expect(kept.length).toBeLessThan(1000);
  expect(kept[0]!.sequence).toBe(recorder.firstSequence);
  expect(kept.map((e) => e.sequence)).toEqual(kept.map((_, n) => recorder.firstSequence + n));
  expect(recorder.lastSequence).toBe(100_000);
  expect(recorder.at(1)).toBeUndefined();
  expect(recorder.at(recorder.firstSequence)).toEqual(kept[0]);
});

test("a forgotten future is numbered again from the same number", () => {
  const recorder = filled(10);
  recorder.forgetAfter(4);
  expect(recorder.lastSequence).toBe(4);
  expect(recorder.record(output("again"))).toBe(5);
  expect(recorder.after(3, 9).map((e) => e.kind)).toEqual(["output", "output"]);
});

test("going back beyond what is kept leaves nothing, with the right number", () => {
  const recorder = filled(10_000, 30_000);
  recorder.forgetAfter(5);
  expect(recorder.after(0, 9)).toEqual([]);
  expect(recorder.record(output("again"))).toBe(6);
  expect(recorder.after(0, 9).map((e) => e.sequence)).toEqual([6]);
});

test("the cost of an exit is filled in later", () => {
  const recorder = filled(4);
  recorder.settle(3, 77);
  recorder.settle(4, 77);
  expect(recorder.at(3)).toMatchObject({ kind: "exit", cost: 77 });
  expect(recorder.at(4)).not.toHaveProperty("cost");
});

test("what explains an exit is worked out once, when it is read, and the event is then plain JSON", () => {
  const recorder = filled(2);
  let asked = 0;
  const what = ({ qualification, first, second }: ExitNumbers) => `${++asked}: ${qualification} ${first} ${second}`;
  const why = { sentence: "s", rule: "r", source: "m" };
  const fields = () => [{ name: "n", value: "v", bits: "0" }];
  const form: ExitForm = {
    kind: "exit",
    reason: "CPUID",
    number: 10,
    fields,
    what,
    why: () => why,
    technique: "vtx-ept",
  };
  recorder.recordExit(form, 0xffff_ffff_8000_0001n, 2, -3);
  recorder.settle(3, 55);
  expect(asked).toBe(0);
  const read = recorder.at(3)!;
  expect(read).toMatchObject({
    what: "1: 18446744071562067969 2 -3",
    qualification: "ffffffff80000001",
    fields: [{ name: "n" }],
    why,
    cost: 55,
  });
  expect(JSON.parse(JSON.stringify(read))).toEqual(recorder.after(2, 1)[0]);
  expect(Object.keys(read)).toEqual(
    "sequence cycle step vm vcpu rip kind reason number qualification fields what why cost technique".split(" "),
  );
  recorder.settle(3, 66);
  expect([read, recorder.at(3)]).toMatchObject([{ cost: 55 }, { cost: 66 }]);
});

test("cost profiles have unique names, sources, and among them the default", () => {
  const names = costProfiles.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain(defaultCosts);
  for (const profile of costProfiles) {
    expect(profile.exit).toBeGreaterThan(0);
    expect(profile.entry).toBeGreaterThan(0);
    expect(profile.source).not.toBe("");
  }
});

test("a port access is read back as it was recorded", () => {
  const recorder = new Recorder(() => present(7));
  const access = { kind: "io", direction: "out", port: 0xffff, bytes: 4, value: 0xffff_fffe, device: "none" } as const;
  recorder.record(access);
  recorder.record({ ...access, direction: "in", bytes: 1, value: 0 });
  expect(recorder.after(0, 9)).toEqual([
    { sequence: 1, ...stamp(7), ...access },
    { sequence: 2, ...stamp(7), ...access, direction: "in", bytes: 1, value: 0 },
  ]);
});

test("what was printed is read back as events and as one text, up to the last that is kept", () => {
  let step = 0;
  const recorder = new Recorder(() => present(step++));
  const texts = ["a", "é", "𝄞", "more at once", ""];
  for (const text of texts) recorder.record(output(text));
  recorder.record({ kind: "interrupt", vector: 32, irq: 0 });
  recorder.record(output("b"));
  expect(recorder.after(0, 9, ["output"]).map((event) => event.kind === "output" && event.text)).toEqual([
    ...texts,
    "b",
  ]);
  expect(recorder.printed(0).map(({ text }) => text)).toEqual([`${texts.join("")}b`]);
  expect(recorder.printed(2).map(({ text }) => text)).toEqual(["𝄞more at onceb"]);
  recorder.forgetAfter(6);
  expect(recorder.printed(4)).toMatchObject([{ text: "" }]);
  expect(recorder.printed(6)).toEqual([]);
});

test("addresses are read back as events write them", () => {
  const linear = (at: number) => new Recorder(() => ({ ...present(1), linear: at }));
  const rip = (at: number) => {
    const recorder = linear(at);
    recorder.record(output("x"));
    return recorder.at(1)!.rip;
  };
  expect([0, 0xffff_fff0, -(2 ** 31), -(2 ** 47)].map(rip)).toEqual([
    "0",
    "fffffff0",
    "ffffffff80000000",
    "ffff800000000000",
  ]);
});
