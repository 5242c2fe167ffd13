import { describe, expect, it } from "vitest";
import {
  type Action,
  arrows,
  initial,
  mostUnits,
  place,
  reduce,
  summary,
  type Unit,
  unitAt,
  unitInDetail,
  visible,
} from "../../client/views/cache/model.ts";

type Exit = Unit["exits"][number];

const exitTo = (unit: number | null, kind: Exit["kind"] = "jump", elided = false): Exit => ({
  ...{ kind, target: "8000", unit, elided },
});
const unit = (id: number, linear: number, hits: number, exits: readonly Exit[] = [], alive = true): Unit => ({
  ...{ id, linear: linear.toString(16), cache: "ff00", bytes: 10, alive, hits, exits },
  guest: [
    { address: linear.toString(16), bytes: [0x90], text: `nop ${id}`, kind: "identical", code: [] },
    {
      address: (linear + 1).toString(16),
      bytes: [0xfa],
      text: "cli",
      kind: id === 2 ? "callout" : "in-cache",
      code: [],
    },
  ],
});
const now = (units: readonly Unit[], at = "0"): Action => ({
  kind: "units",
  now: { technique: "binary-translation", at, units },
});
const run = (...actions: Action[]) => actions.reduce(reduce, initial);
const ids = (state: ReturnType<typeof run>) => visible(state).units.map(({ id }) => id);

const loop = [
  unit(0, 0x9000, 1, [exitTo(2)]),
  unit(1, 0x7000, 5, [exitTo(2, "taken"), exitTo(null, "fall-through")]),
  unit(2, 0x8000, 9, [exitTo(1), exitTo(3)]),
  unit(3, 0x8000, 2, [], false),
];

describe("the Translation Cache view", () => {
  it("has the units in the order of the guest's code, dead ones when asked", () => {
    expect(ids(run(now(loop)))).toEqual([1, 2, 0]);
    expect(ids(run(now(loop), { kind: "dead", on: true }))).toEqual([1, 2, 3, 0]);
    expect(ids(run(now(loop), { kind: "filter", text: "callout" }))).toEqual([2]);
  });

  it("draws the hottest of very many", () => {
    const many = Array.from({ length: mostUnits + 50 }, (_, n) => unit(n, 0x1000 + 8 * n, n));
    const { units, matching } = visible(run(now(many)));
    expect([units.length, matching, units[0]!.id]).toEqual([mostUnits, mostUnits + 50, 50]);
  });

  it("draws an arrow for each chained exit between units in sight", () => {
    const { units } = visible(run(now(loop)));
    expect(arrows(units).map(({ from, to, kind }) => [from, to, kind])).toEqual([
      [0, 1, "taken"],
      [1, 0, "jump"],
      [2, 1, "jump"],
    ]);
  });

  it("details the selected unit, else that about to run, else the hottest", () => {
    expect(unitInDetail(run(now(loop)))?.id).toBe(2);
    const state = run(now(loop, "7001"));
    expect([unitAt(state)?.id, unitInDetail(state)?.id]).toEqual([1, 1]);
    const selected = reduce(state, { kind: "select", unit: 0 });
    expect(unitInDetail(selected)?.id).toBe(0);
    // Before the moment at which it was translated there is no such unit.
    expect(reduce(selected, now(loop.slice(1))).selected).toBeUndefined();
  });

  it("does not take a dead unit for the one about to run", () => {
    expect(unitAt(run(now(loop.slice(3), "8000")))).toBeUndefined();
  });

  it("sums up what is alive", () => {
    expect(summary({ units: loop })).toEqual({
      ...{ units: 3, dead: 1, bytes: 30, exits: 5, chained: 4 },
      kinds: { identical: 3, "in-cache": 2, callout: 1 },
    });
  });

  it("names lines where there are some", () => {
    const [instruction] = loop[0]!.guest;
    expect(place(instruction!)).toBe("9000h");
    expect(place({ ...instruction!, source: { uri: "file:///x/boot%20it.asm", line: 11 } })).toBe("boot it.asm:12");
  });
});
