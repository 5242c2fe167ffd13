import { describe, expect, it } from "vitest";
import { CallLog, type Hypercall, isRefused } from "../../client/views/hypercalls/call-log.ts";
import { type Action, argument, callInDetail, initial, place, reduce } from "../../client/views/hypercalls/model.ts";
import { marksWidth } from "../../client/views/shared/time-marks.ts";

const call = (sequence: number, name: string, result = "0", more: Partial<Hypercall> = {}): Hypercall => ({
  ...{ kind: "hypercall", sequence, cycle: sequence * 10, step: sequence, vm: "A", vcpu: 0, rip: "7c00" },
  ...{ number: "1", name, arguments: [`count = ${sequence}h`], result },
  ...more,
});
const refusal = "-16 (EBUSY): frame 10F7h is a page table of level 1";
const events = (last: number, ...list: Hypercall[]): Action => ({ kind: "events", events: list, last, dropped: 0 });
const present = (last: number, cycle: number): Action => ({
  ...{ kind: "present", last, running: false },
  now: { step: last, cycle },
});
const run = (...actions: Action[]) => actions.reduce(reduce, initial());
const calls = [call(1, "console_io"), call(4, "mmu_update", refusal), call(9, "console_io"), call(10, "mmu_update")];

describe("the Hypercalls view", () => {
  it("forgets what lies after the present, the selection too", () => {
    const state = run(events(12, ...calls), { kind: "select", sequence: 9 }, present(5, 50));
    expect(state.log.all.map(({ sequence }) => sequence)).toEqual([1, 4]);
    expect([state.selected, state.last]).toEqual([undefined, 5]);
    expect(reduce(state, { kind: "session", name: "b" })).toEqual({ ...initial(), session: "b" });
  });

  it("gives up the older half of more calls than it holds, but not their counts", () => {
    const state = reduce({ ...initial(), log: new CallLog(3) }, events(12, ...calls));
    expect(state.log.all.map(({ sequence }) => sequence)).toEqual([10]);
    expect([state.log.total, state.log.refused, state.dropped]).toEqual([4, 1, 3]);
    expect(state.log.lanes(100).map(({ name, count }) => [name, count])).toEqual([
      ["console_io", 2],
      ["mmu_update", 2],
    ]);
    expect(reduce(state, present(9, 90)).log.total).toBe(0);
  });

  it("finds by name, argument, reason and line, and refusals alone", () => {
    const state = run(events(12, ...calls));
    const found = (action: Action) => reduce(state, action).log.sought.map(({ sequence }) => sequence);
    expect(found({ kind: "filter", text: "MMU" })).toEqual([4, 10]);
    expect(found({ kind: "filter", text: "console 9h" })).toEqual([9]);
    expect(found({ kind: "filter", text: "page table" })).toEqual([4]);
    expect(found({ kind: "filter", text: "" })).toEqual([1, 4, 9, 10]);
    expect(found({ kind: "refusals", on: true })).toEqual([4]);
  });

  it("has a lane for each name, and one mark for calls too close to tell apart", () => {
    const { log } = run(events(12, ...calls));
    const [consoleLane, mmu] = log.lanes(1_000_000);
    expect([consoleLane?.name, consoleLane?.count, consoleLane?.refused]).toEqual(["console_io", 2, 0]);
    expect(consoleLane?.marks).toMatchObject([{ x: 0, count: 2, special: false }]);
    expect(mmu?.marks).toMatchObject([{ count: 2, special: true }]);
    expect(log.lanes(100)[1]!.marks.map(({ x }) => x)).toEqual([0.4 * marksWidth, marksWidth]);
  });

  it("counts what was dropped before it was asked for", () => {
    const gap = (last: number, dropped: number): Action => ({ kind: "events", events: [], last, dropped });
    expect(run(gap(5, 2), gap(9, 0), gap(20, 7)).dropped).toBe(9);
  });

  it("details the selected call, else the newest", () => {
    const state = run(events(12, ...calls));
    expect(callInDetail(state)?.sequence).toBe(10);
    expect(callInDetail(reduce(state, { kind: "select", sequence: 4 }))?.sequence).toBe(4);
    expect(callInDetail(initial())).toBeUndefined();
  });

  it.each([
    [refusal, true],
    ["-1000 (ENOSYS): there is no hypercall 9", true],
    ["-3", false],
    ["returned to the interrupted code", false],
  ])("tells whether %s is a refusal", (result, refused) => {
    expect(isRefused({ result })).toBe(refused);
  });

  it("splits arguments into name and value, and leaves what is said beside them", () => {
    expect(argument("req = 1F000h")).toEqual({ name: "req", value: "1F000h" });
    expect(argument("write")).toEqual({ name: "", value: "write" });
    expect([place(calls[0]!), place({ ...calls[0]!, source: { uri: "file:///x/a.asm", line: 2 } })]).toEqual([
      "7C00h",
      "a.asm:3",
    ]);
  });
});
