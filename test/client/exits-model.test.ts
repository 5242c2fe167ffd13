import { describe, expect, it } from "vitest";
import { type Exit, ExitLog } from "../../client/views/exits/exit-log.ts";
import { type Action, initial, place, reduce } from "../../client/views/exits/model.ts";
import { accent, cycles, percent } from "../../client/views/shared/format.ts";
import { ticks } from "../../client/views/shared/ticks.ts";
import { marksWidth } from "../../client/views/shared/time-marks.ts";
import { tickText } from "../../client/views/shared/time-ticks.tsx";
import type { LocatedEvent } from "../../debug-adapter/protocol.ts";
import { exitQualification } from "../../emulator/trace/exit-qualification.ts";

const stamp = (sequence: number) => ({ sequence, cycle: sequence * 10, step: sequence, vm: "A", vcpu: 0, rip: "7c00" });

const exit = (sequence: number, reason: string, line?: number): Exit => ({
  ...stamp(sequence),
  kind: "exit",
  reason,
  number: 0,
  qualification: "0",
  fields: [],
  what: `what ${sequence}`,
  why: { sentence: "", rule: "", source: "" },
  cost: 0,
  technique: "vtx-ept",
  ...(line === undefined ? {} : { source: { uri: "file:///x/boot.asm", line } }),
});

const entry = (sequence: number, of: number, cost: number): LocatedEvent => ({
  ...stamp(sequence),
  kind: "entry",
  exit: of,
  handled: "emulated",
  cost,
});

const run = (...actions: Action[]) => actions.reduce(reduce, initial());
const events = (last: number, ...list: LocatedEvent[]): Action => ({ kind: "events", events: list, last, dropped: 0 });
const present = (last: number): Action => ({
  kind: "present",
  last,
  now: { step: last, cycle: last * 10 },
  running: false,
});

describe("the model of the VM Exits view", () => {
  it("gives up the older half of more exits than it holds, but not their counts", () => {
    const pairs = Array.from({ length: 12 }, (_, n) => [
      exit(2 * n + 1, n % 2 === 0 ? "CPUID" : "HLT"),
      entry(2 * n + 2, 2 * n + 1, 100 + n),
    ]);
    const begun = { ...initial(), log: new ExitLog(10) };
    const state = reduce(begun, events(24, ...pairs.flat()));
    expect(state.log.all.map(({ sequence }) => sequence)).toEqual([15, 17, 19, 21, 23]);
    expect([state.log.total, state.dropped]).toEqual([12, 7]);
    const bars = [
      { reason: "CPUID", count: 6, cost: 630 },
      { reason: "HLT", count: 6, cost: 636 },
    ];
    expect(state.log.bars).toEqual(bars);
    expect(state.log.costOf(state.log.all[0]!)).toBe(107);
    expect(state.log.sought).toHaveLength(5);

    // Before the last exit, of those that are held, and before all of these.
    const back = reduce(state, present(22));
    expect(back.log.bars).toEqual([
      { reason: "CPUID", count: 6, cost: 630 },
      { reason: "HLT", count: 5, cost: 525 },
    ]);
    expect(back.log.total).toBe(11);
    const farBack = reduce(back, present(8));
    expect([farBack.log.total, farBack.log.bars]).toEqual([0, []]);
  });

  it("completes an exit's cost from the entry that ends it", () => {
    const state = run(events(1, exit(1, "CPUID")), events(2, entry(2, 1, 1900)));
    expect(state.log.costOf(state.log.all[0]!)).toBe(1900);
    expect(state.log.handledOf(state.log.all[0]!)).toBe("emulated");
  });

  it("forgets what lies after the present when the present moves back", () => {
    const state = run(events(3, exit(1, "CPUID"), exit(3, "HLT")), { kind: "select", sequence: 3 }, present(2));
    expect(state.log.all.map((e) => e.sequence)).toEqual([1]);
    expect(state.selected).toBeUndefined();
    expect(state.last).toBe(2);
  });

  it("makes an exit pending again when the present moves back into it", () => {
    const state = run(events(2, exit(1, "CPUID"), entry(2, 1, 1900)), present(1));
    const [pending] = state.log.all;
    expect([state.log.all.length, state.log.costOf(pending!), state.log.handledOf(pending!)]).toEqual([
      1,
      0,
      undefined,
    ]);
    expect(state.log.bars).toEqual([{ reason: "CPUID", count: 1, cost: 0 }]);
  });

  it("keeps everything when the present moves on", () => {
    expect(run(events(1, exit(1, "CPUID")), present(9)).log.all).toHaveLength(1);
  });

  it("starts anew with another session, but keeps the filter", () => {
    const state = run(events(1, exit(1, "CPUID")), { kind: "filter", text: "io" }, { kind: "session", name: "b" });
    expect([state.log.all.length, state.filter]).toEqual([0, "io"]);
  });

  it.each([
    ["", [1, 2, 3]],
    ["cpuid", [1]],
    ["io_ boot.asm:8", [3]],
    ["#2", [2]],
    ["nothing", []],
  ])("filters by every word of %j", (filter, expected) => {
    const exits = [exit(1, "CPUID"), exit(2, "IO_INSTRUCTION", 3), exit(3, "IO_INSTRUCTION", 7)];
    const found = (...actions: Action[]) => run(...actions).log.sought.map((e) => e.sequence);
    expect(found(events(3, ...exits), { kind: "filter", text: filter })).toEqual(expected);
    // The same of exits that come later.
    expect(found({ kind: "filter", text: filter }, ...exits.map((one) => events(one.sequence, one)))).toEqual(expected);
  });

  it("counts by reason, most frequent first", () => {
    const state = run(events(5, exit(1, "HLT"), exit(2, "CPUID"), entry(3, 2, 70), exit(4, "CPUID"), entry(5, 4, 30)));
    const bars = state.log.bars.map((bar) => `${bar.reason} ${bar.count} ${bar.cost}`);
    expect(bars).toEqual(["CPUID 2 100", "HLT 1 0"]);
  });

  it.each([
    [999, "999"],
    [1900, "1.90 k"],
    [45_600, "45.6 k"],
    [2_000_000, "2.00 M"],
  ])("writes %d cycles as %s", (count, text) => expect(cycles(count)).toBe(text));

  it("names lines from 1, and addresses where there is no line", () => {
    expect([place(exit(1, "HLT", 0)), place(exit(1, "HLT"))]).toEqual(["boot.asm:1", "7c00h"]);
  });

  it("gives each kind of exit one accent", () => {
    expect(["IO_INSTRUCTION", "EPT_VIOLATION", "VMCALL", "CPUID", "TRIPLE_FAULT"].map(accent)).toEqual([
      "blue",
      "orange",
      "green",
      "purple",
      "red",
    ]);
    expect(["EPT_MISCONFIGURATION", "EXCEPTION_NMI #PF", "EXCEPTION_NMI #UD", "#GP", "INT 82h"].map(accent)).toEqual([
      "red",
      "orange",
      "yellow",
      "yellow",
      "green",
    ]);
    const amd = ["VMEXIT_IOIO", "VMEXIT_NPF", "VMEXIT_VMMCALL", "VMEXIT_INTR", "VMEXIT_CPUID", "VMEXIT_SHUTDOWN"];
    expect(amd.map(accent)).toEqual(["blue", "orange", "green", "yellow", "purple", "red"]);
  });

  it.each([
    ["EXCEPTION_NMI", "exception 14, error code 2h", "EXCEPTION_NMI #PF"],
    ["EXCEPTION_NMI", "an NMI of the machine", "EXCEPTION_NMI NMI"],
    ["SYSCALL", "hypercall console_io", "SYSCALL hypercall"],
    ["SYSCALL", "a system call of the guest's user mode", "SYSCALL"],
    ["CPUID", "cpuid leaf 0", "CPUID"],
  ])("tells what %s stands for by %j", (reason, what, name) => {
    const state = run(events(1, { ...exit(1, reason), what }));
    expect(state.log.bars.map((bar) => bar.reason)).toEqual([name]);
    expect(run(events(1, { ...exit(1, reason), what }), { kind: "filter", text: name }).log.sought).toHaveLength(1);
  });

  it("has a lane for each vCPU, in the order of their names", () => {
    const of = (sequence: number, vm: string, reason: string) => ({ ...exit(sequence, reason), vm });
    const state = run(events(4, of(1, "vm10", "HLT"), of(2, "vm2", "HLT"), of(3, "vm2", "IO_INSTRUCTION")));
    expect(state.log.lanes(100).map(({ vcpu, groups }) => [vcpu, ...groups.map(([colour]) => colour)])).toEqual([
      ["vm2/0", "purple", "blue"],
      ["vm10/0", "purple"],
    ]);
  });

  it.each([
    [{}, { title: "Exit qualification", value: "0h", none: true }],
    [
      { qualification: "3F80008", fields: [{ name: "Port", value: "3F8h", bits: "31:16" }] },
      { value: "3F80008h", none: false },
    ],
    [{ technique: "svm-npt" }, { title: "EXITINFO1" }],
    [
      { number: -1, reason: "#GP" },
      { title: "Error code", value: "0h" },
    ],
    [{ number: -1, reason: "INT 82h" }, undefined],
  ] as const)("says of an exit with %j what it said of itself", (part, expected) => {
    const found = exitQualification({ ...exit(1, "HLT"), ...part });
    if (expected) expect(found).toMatchObject(expected);
    else expect(found).toBeUndefined();
  });

  it.each([
    [0, 100, "0 %"],
    [1, 100_000, "<0.1 %"],
    [5, 100, "5.0 %"],
    [70, 100, "70 %"],
    [1, 0, "0 %"],
  ])("writes %d of %d as %s", (part, whole, text) => expect(percent(part, whole)).toBe(text));

  it("has round numbers below a line of time", () => {
    expect(ticks({ from: 0, to: 22_896 }, 7).map(tickText)).toEqual(["0", "5 k", "10 k", "15 k", "20 k"]);
    expect(ticks({ from: 0, to: 3 }, 7).map(tickText)).toEqual(["0", "1", "2", "3"]);
    expect(ticks({ from: 0, to: 35_800_000 }, 7).map(tickText)).toEqual(["0", "10 M", "20 M", "30 M"]);
  });
});

describe("the time cursor", () => {
  const three = run(events(6, exit(1, "CPUID"), exit(3, "HLT"), exit(5, "HLT")));

  it.each([
    [9, undefined],
    [10, 1],
    [49, 3],
    [1000, 5],
  ])("at cycle %i selects the exit before it", (cycle, selected) => {
    expect(reduce(three, { kind: "cursor", cycle })).toMatchObject({ selected, live: false, cursor: cycle });
  });

  it("leaves what is selected where the selection moved it", () => {
    const twins = run(events(6, exit(1, "CPUID"), { ...exit(2, "HLT"), cycle: 10 }));
    const selected = reduce(twins, { kind: "select", sequence: 1 });
    expect(reduce(selected, { kind: "cursor", cycle: 10 }).selected).toBe(1);
  });

  it("back at the present, keeps the selection", () => {
    const there = reduce(three, { kind: "cursor", cycle: 30 });
    expect(reduce(there, { kind: "cursor", cycle: undefined })).toMatchObject({ selected: 3, cursor: undefined });
  });
});

it("draws exits of a colour in one place of the timeline as one mark, and finds them in a run of many", () => {
  const many = Array.from({ length: 200_000 }, (_, n) => exit(n + 1, n % 4 === 0 ? "CPUID" : "IO_INSTRUCTION"));
  let state = initial();
  for (let n = 0; n < many.length; n += 5000) state = reduce(state, events(n + 5000, ...many.slice(n, n + 5000)));
  const drawn = [...state.log.marks(2_000_000).values()].flat();
  expect(drawn.length).toBeLessThanOrEqual(2 * (marksWidth + 1));
  expect(drawn.reduce((sum, { count }) => sum + count, 0)).toBe(200_000);
  expect(state.log.bars.map(({ reason, count }) => [reason, count])).toEqual([
    ["IO_INSTRUCTION", 150_000],
    ["CPUID", 50_000],
  ]);
});

it("does not let one state's entries into another session's", () => {
  const first = run({ kind: "session", name: "a" }, events(2, exit(1, "HLT"), entry(2, 1, 30)));
  const second = reduce(first, { kind: "session", name: "b" });
  expect([second.log.all.length, second.log.bars.length, first.log.all.length]).toEqual([0, 0, 1]);
});
