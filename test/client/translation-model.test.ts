import { describe, expect, it } from "vitest";
import {
  type Action,
  bitMeanings,
  columns,
  grouped,
  indexOf,
  initial,
  kindsOf,
  permissions,
  reduce,
  references,
  type Step,
  spentOn,
} from "../../client/views/translation/model.ts";
import type { TranslationNow } from "../../debug-adapter/protocol.ts";

type Walk = TranslationNow["walk"];

const step = (table: string, level: number, more: Partial<Step> = {}): Step => ({
  ...{ table, level, address: `${level}000`, entry: "1027", bits: ["P", "R/W", "U/S"], verdict: "ok" },
  ...more,
});
const nested = (): Step[] =>
  ["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE"].map((table, n) =>
    step(table, 4 - n, { of: "nested", bits: n === 3 ? ["R", "W"] : ["R", "W", "X"] }),
  );
const walkOf = (steps: readonly Step[], linear = "7c00", physical: string | undefined = "7c00"): Walk => ({
  ...{ kind: "walk", sequence: 1, cycle: 1, step: 1, vm: "A", vcpu: 0, rip: "0", linear, cached: false, steps },
  ...(physical === undefined ? {} : { physical }),
  ...{ references: { cold: steps.length, warm: 1 }, verdict: "ok" },
});
const guestTables = ["PML4E", "PDPTE", "PDE", "PTE"];
const both = walkOf([...guestTables.flatMap((table, n) => [...nested(), step(table, 4 - n)]), ...nested()]);
const shadowed = walkOf([
  step("PDE", 2),
  step("PTE", 1),
  step("shadow PDE", 2, { of: "shadow" }),
  step("shadow PTE", 1, { of: "shadow", bits: ["P"] }),
]);
const now = (walk: Walk): Action => ({
  kind: "translation",
  now: { walk, technique: "vtx-ept", picks: [], pages: [] },
});
const run = (...actions: Action[]) => actions.reduce(reduce, initial);

describe("what is said beside the picture", () => {
  it.each([
    ["of 8 bytes with more than two levels", both, 4, 0x200],
    ["of 4 bytes with two", shadowed, 0, 0x100],
  ])("has places of entries %s", (_, walk, n, place) => {
    const at = { ...walk.steps[n]!, address: (place * (n === 4 ? 8 : 4) + 0x5000).toString(16) };
    expect(indexOf(walk, at)).toBe(place & (n === 4 ? 0x1ff : 0x3ff));
  });

  it("has none of entries in registers", () => {
    expect(indexOf(both, step("PDPTE", 3, { address: "register PDPTE0" }))).toBeUndefined();
  });

  it.each([
    [false, "24 references cold, 1 warm · not in the TLB"],
    [true, "24 references cold, 1 warm, none now: the page is in the TLB"],
  ])("counts references with cached = %s", (cached, text) => expect(spentOn({ ...both, cached })).toBe(text));

  it("names the tables and the bits that there are", () => {
    expect(kindsOf(both).map(({ kind }) => kind)).toEqual(["guest", "nested"]);
    expect(kindsOf(shadowed).map(({ kind }) => kind)).toEqual(["guest", "shadow"]);
    expect(bitMeanings(both.steps)).toEqual([
      ...["P present", "R/W writable", "U/S user"],
      ...["R read", "W write", "X execute"],
    ]);
  });
});

describe("the Translation view", () => {
  it("has 24 references through two dimensions, those of each level before its entry", () => {
    expect(references(both)).toHaveLength(24);
    const found = columns(both);
    expect(found.map(({ title, entry }) => [title, entry?.number])).toEqual([
      ["PML4E", 5],
      ["PDPTE", 10],
      ["PDE", 15],
      ["PTE", 20],
      ["page", undefined],
    ]);
    expect(found.map((column) => column.nested.map(({ number }) => number))[4]).toEqual([21, 22, 23, 24]);
  });

  it("counts the shadow's entries only, beside those of the guest", () => {
    expect(references(shadowed).map(({ table }) => table)).toEqual(["shadow PDE", "shadow PTE"]);
    expect(columns(shadowed).map(({ title, entry, shadow }) => [title, entry?.number, shadow?.number])).toEqual([
      ["PDE", undefined, 1],
      ["PTE", undefined, 2],
      ["page", undefined, undefined],
    ]);
  });

  it("does not count registers, and shows no page where the walk ends before", () => {
    const ends = walkOf(
      [step("PDPTE", 3, { address: "register 0", spared: "register" }), step("PDE", 2, { verdict: "not present" })],
      "7c00",
      undefined,
    );
    expect(references(ends).map(({ table }) => table)).toEqual(["PDE"]);
    expect(columns(ends).map(({ title }) => title)).toEqual(["PDPTE", "PDE"]);
  });

  it("combines what the entries allow", () => {
    expect(permissions(both)).toEqual([
      { of: "guest", text: "write, user, execute" },
      { of: "EPT of the page", text: "read, write" },
    ]);
    expect(permissions(shadowed).map(({ text }) => text)).toEqual([
      "write, user, execute",
      "read only, supervisor only, execute",
    ]);
    expect(permissions(walkOf([step("PTE", 1, { bits: ["P", "R/W", "XD"] })]))).toEqual([
      { of: "guest", text: "write, supervisor only, no execute" },
    ]);
  });

  it("goes from reference to reference, and plays them to the end and again", () => {
    const at = (...actions: Action[]) => run(now(shadowed), ...actions);
    expect(at({ kind: "at", at: 9 }).at).toBe(2);
    expect(at({ kind: "at", at: -1 }).at).toBe(0);
    const playing = at({ kind: "play", on: true });
    expect(playing).toMatchObject({ at: 1, playing: true });
    const end = [1, 2].reduce((state) => reduce(state, { kind: "next" }), playing);
    expect(end).toMatchObject({ at: 2, playing: false });
    expect(reduce(end, { kind: "play", on: true })).toMatchObject({ at: 1, playing: true });
  });

  it("keeps its place while the address stays, and begins anew with another or in another session", () => {
    const state = run(now(both), { kind: "at", at: 7 }, now(both));
    expect(state.at).toBe(7);
    expect(reduce(state, now(walkOf(both.steps, "8000"))).at).toBe(0);
    expect(reduce(state, { kind: "session", name: "b" })).toEqual({ ...initial, session: "b" });
  });

  it.each([
    ["7c92", "0000 7C92"],
    ["7fff80001000", "0000 7FFF 8000 1000"],
  ])("groups the digits of %s", (address, text) => {
    expect(grouped(address)).toBe(text);
  });
});
