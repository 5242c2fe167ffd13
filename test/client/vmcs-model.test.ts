import { describe, expect, it } from "vitest";
import {
  type Action,
  baseline,
  bitState,
  changes,
  exitsOf,
  fieldInDetail,
  initial,
  named,
  reduce,
  type State,
  visible,
} from "../../client/views/vmcs/model.ts";
import type { ControlBlock, ControlBlockNow } from "../../debug-adapter/protocol.ts";

const field = (place: string, value: string, shown = false) => ({
  ...{ name: `field ${place}`, place, value, width: 32, shown },
  bits: place === "4002" ? [{ name: "HLT exiting", value: "1", bits: "7" }] : [],
});

const now = (step: number, exit: number, rip: string, more: Partial<ControlBlock> = {}): ControlBlockNow => ({
  ...{ step, cycle: step },
  ...(exit > 0 ? { exit: { sequence: exit, reason: `R${exit}` } } : {}),
  block: {
    ...{ kind: "VMCS", address: "1000", state: "" },
    groups: [
      { group: "control", fields: [field("4002", "80", true)] },
      { group: "guest", fields: [field("681E", rip), field("6820", "2")] },
    ],
    other: {
      kind: "VMCB",
      groups: [
        {
          group: "save",
          fields: [
            { ...field("578", rip), sources: ["681E"], note: "VT-x: Guest RIP." },
            { ...field("570", "2"), sources: ["6820"] },
          ],
        },
        { group: "alone", fields: [{ ...field("4002", "80", true), sources: ["4002"] }] },
      ],
    },
    ...more,
  },
});
const look = (...args: Parameters<typeof now>): Action => ({ kind: "block", now: now(...args) });
const run = (...actions: Action[]) => actions.reduce(reduce, initial);
const places = (state: State) => visible(state).flatMap(({ fields }) => fields.map(({ place }) => place));

describe("the VMCS view", () => {
  it("compares with what it saw before the last exit, over several steps", () => {
    const state = run(look(1, 0, "10"), look(5, 3, "20"), look(6, 3, "20"), look(9, 8, "30"), look(10, 8, "31"));
    expect(baseline(state)).toMatchObject({ step: 6, exit: 3 });
    expect(changes(state).get("681E")).toBe("20");
    expect([...changes(state).keys()]).toEqual(["681E", "578"]);
  });

  it("compares with the first look where there was no exit yet, and with nothing at first", () => {
    expect(baseline(run(look(1, 0, "10")))).toBeUndefined();
    expect(changes(run(look(1, 0, "10"), look(2, 0, "11"))).get("681E")).toBe("10");
  });

  it("forgets the future after a step back", () => {
    const state = run(look(1, 0, "10"), look(5, 3, "20"), look(9, 8, "30"), look(5, 3, "20"));
    expect(state.looks.map(({ step }) => step)).toEqual([1, 5]);
    expect(changes(state).get("681E")).toBe("10");
  });

  it("does not compare a control block with another one", () => {
    expect(baseline(run(look(1, 0, "10"), look(5, 3, "20", { address: "2000" })))).toBeUndefined();
  });

  it("begins with what the last exit said", () => {
    const groups = ["Control fields", "Exit information", "Guest state"].map((group) => ({ group, fields: [] }));
    const state = run(look(1, 1, "10", { groups }));
    expect(named(state)?.groups.map(({ group }) => group)).toEqual([
      ...["Exit information", "Control fields", "Guest state"],
    ]);
  });

  it("shows what matters, what changed, what is at fault, or what is looked for", () => {
    const state = run(look(1, 0, "10"), look(5, 3, "20"));
    expect(places(state)).toEqual(["4002", "681E"]);
    expect(places(reduce(state, { kind: "show", show: "changed" }))).toEqual(["681E"]);
    expect(places(reduce(state, { kind: "show", show: "all" }))).toEqual(["4002", "681E", "6820"]);
    expect(places(reduce(state, { kind: "filter", text: "hlt exit" }))).toEqual(["4002"]);
    const failure = { place: "6820", check: "rflags", sentence: "Bit 1 is 1." };
    const failing = run(look(1, 0, "10", { failure }));
    expect(places(failing)).toEqual(["4002", "6820"]);
    expect(fieldInDetail(failing)?.place).toBe("6820");
    expect(fieldInDetail(reduce(failing, { kind: "select", place: "681E" }))?.place).toBe("681E");
  });

  it("opens one group to all its fields, and folds it again", () => {
    const opened = reduce(run(look(1, 0, "10")), { kind: "open", group: "guest" });
    expect(places(opened)).toEqual(["4002", "681E", "6820"]);
    expect(visible(opened).map(({ group, total }) => [group, total])).toEqual([
      ["control", 1],
      ["guest", 2],
    ]);
    expect(places(reduce(opened, { kind: "open", group: "guest" }))).toEqual(["4002"]);
  });

  it("shows the same under the other vendor's names, with what changed and what is at fault", () => {
    const failure = { place: "6820", check: "rflags", sentence: "Bit 1 is 1." };
    const state = reduce(run(look(1, 0, "10"), look(5, 3, "20", { failure })), { kind: "naming", naming: "other" });
    expect(named(state)?.kind).toBe("VMCB");
    expect(places(state)).toEqual(["578", "570", "4002"]);
    expect(fieldInDetail(state)?.place).toBe("570");
    expect(changes(state).get("578")).toBe("10");
  });

  it("adds up how often the bits of a field made the guest exit", () => {
    const bits = [3, undefined, 0].map((exits, n) => ({
      name: "b",
      value: "1",
      bits: `${n}`,
      ...(exits === undefined ? {} : { exits }),
    }));
    expect(exitsOf({ ...field("4002", "0"), bits })).toBe(3);
    expect(exitsOf(field("6820", "2"))).toBeUndefined();
  });

  it("says that there is none, and why", () => {
    const state = run(look(1, 0, "10"), { kind: "block", now: { step: 4, cycle: 4, absent: "VMX is off." } });
    expect(visible(state)).toEqual([]);
    expect(fieldInDetail(state)).toBeUndefined();
  });

  it.each([
    ["1", "on"],
    ["no", "off"],
    ["CPUID", "value"],
  ] as const)("tells a bit that is %s", (value, expected) => {
    expect(bitState(value)).toBe(expected);
  });
});
