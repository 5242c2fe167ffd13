import { describe, expect, it } from "vitest";
import {
  type Action,
  initial,
  mostCycles,
  parts,
  type Ran,
  reduce,
  verdictOf,
} from "../../client/views/compare/model.ts";
import type { TechniqueId } from "../../isa/technique.ts";

const totals = (cycles: number, exits: Ran["totals"]["exits"] = []): Ran["totals"] => ({
  ended: { reason: "halted", text: "" },
  ...{ output: "", instructions: 100, direct: 90, translated: 0, cycles, walkReferences: 0, writableOutside: 0 },
  ...{ exits, hypercalls: [], exceptions: [], injected: [], shadow: [] },
});
const ran = (technique: TechniqueId, cycles: number, more: Partial<Ran> = {}): Ran => ({
  ...{ technique, title: technique, totals: totals(cycles), divergence: undefined, compared: 100 },
  ...more,
});
const divergence = { instructions: 3, address: "7c00", registers: [], memory: [] };
const run = (...actions: Action[]) => actions.reduce(reduce, initial);

describe("the Compare view", () => {
  it("selects the first technique that makes a difference, until a person selects another", () => {
    const lying = ran("trap-and-emulate", 5, { divergence });
    const state = run(
      { kind: "start" },
      { kind: "run", run: ran("bare-metal", 1) },
      { kind: "run", run: lying },
      { kind: "run", run: ran("vtx-ept", 9, { divergence }) },
    );
    expect(state.selected).toBe("trap-and-emulate");
    expect(reduce(state, { kind: "select", technique: "vtx-ept" }).selected).toBe("vtx-ept");
  });

  it("forgets all when another session begins, and what failed when it starts again", () => {
    const state = run(
      { kind: "session", name: "a" },
      { kind: "run", run: ran("bare-metal", 1) },
      { kind: "failed", message: "no" },
    );
    expect(reduce(state, { kind: "session", name: "a" })).toBe(state);
    expect(reduce(state, { kind: "session", name: "b" })).toEqual({ ...initial, session: "b" });
    expect(reduce(state, { kind: "start" })).toMatchObject({ runs: [], failed: undefined });
  });

  it.each([
    [ran("bare-metal", 1), "reference"],
    [ran("vtx-ept", 1), "same"],
    [ran("trap-and-emulate", 1, { divergence }), "differs"],
    [{ technique: "svm-npt", title: "", refused: "no" } as const, "refused"],
  ] as const)("gives its verdict of each run", (given, verdict) => {
    expect(verdictOf(given)).toBe(verdict);
  });

  it("splits cycles into the guest's and those of each exit reason, the dearest first", () => {
    const exits = [
      { name: "CPUID", count: 5, cost: 100 },
      { name: "HLT", count: 1, cost: 300 },
    ];
    const split = parts(ran("vtx-ept", 1000, { totals: totals(1000, exits) }));
    expect(split.map(({ name, cycles }) => [name, cycles])).toEqual([
      ["guest", 600],
      ["HLT", 300],
      ["CPUID", 100],
    ]);
    expect(mostCycles([ran("vtx-ept", 7), { technique: "svm-npt", title: "", refused: "no" }])).toBe(7);
  });
});
