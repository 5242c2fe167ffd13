import { describe, expect, it } from "vitest";
import { type Action, buildings, crossed, initial, reduce } from "../../client/views/rings/model.ts";
import type { LocatedEvent, RingsNow } from "../../debug-adapter/protocol.ts";

const exception = (sequence: number, name: string): LocatedEvent => ({
  ...{ kind: "exception", vector: 14, name, sequence, cycle: 0, step: 0, vm: "A", vcpu: 0, rip: "0" },
});
const present = (last: number, running = false): Action => ({ kind: "present", last, running });
const events = (last: number, ...list: LocatedEvent[]): Action => ({ kind: "events", events: list, last });
const run = (...actions: Action[]) => actions.reduce(reduce, initial);
const exceptions = (...actions: Action[]) => crossed(run(...actions)).find(({ kind }) => kind === "exception");

const now = (more: Partial<RingsNow>): RingsNow => ({
  ...{ technique: "vtx-ept", step: 1, cycle: 1, vcpu: 0, processors: 1, inVmm: false },
  ...{ ring: { seen: 0, real: 0 }, mode: "protected", differing: [], ...more },
});
/** Titles, and of each floor what is there: "1:guest kernel*" where the processor is, "0:the VMM?" where the guest thinks it is. */
const picture = (more: Partial<RingsNow>) =>
  buildings(now(more)).map(({ title, floors }) => [
    title,
    ...floors.map(({ ring, who, lit, seen }) => `${ring}:${who}${lit ? "*" : ""}${seen ? "?" : ""}`),
  ]);

describe("the Rings and Modes view", () => {
  it("counts what crossed since the last stop", () => {
    const first = [present(3), events(3, exception(2, "#PF"))] as const;
    expect(exceptions(...first)).toMatchObject({ count: 1, most: [["#PF", 1]] });
    const second = [...first, present(9), events(9, exception(5, "#GP"), exception(7, "#PF"), exception(9, "#PF"))];
    expect(exceptions(...second)).toMatchObject({
      count: 3,
      way: "within",
      most: [
        ["#PF", 2],
        ["#GP", 1],
      ],
    });
    // Told again of the same stop.
    expect(exceptions(...second, present(9))?.count).toBe(3);
    // While it runs on, from where it stopped.
    expect(exceptions(...second, present(12, true), events(12, exception(11, "#DE")))?.most).toEqual([["#DE", 1]]);
  });

  it("has crossed nothing after going back, and counts anew from there", () => {
    const back = [present(9), events(9, exception(5, "#PF")), present(4)];
    expect(exceptions(...back)?.count).toBe(0);
    expect(exceptions(...back, present(9), events(9, exception(5, "#PF")))?.count).toBe(1);
    expect(run(...back, { kind: "session", name: "b" })).toEqual({ ...initial, session: "b" });
  });

  it("has one building without a mode for guests, and shows deprivileging", () => {
    expect(picture({ technique: "bare-metal" })).toEqual([["The machine", "3:processes", "2:", "1:", "0:kernel*"]]);
    expect(picture({ technique: "trap-and-emulate", ring: { seen: 0, real: 1 } })).toEqual([
      ["One machine for both", "3:processes", "2:", "1:guest kernel*", "0:the VMM?"],
    ]);
    expect(picture({ technique: "trap-and-emulate", ring: { seen: 0, real: 3 }, mode: "64-bit" })).toEqual([
      ["One machine for both", "3:guest kernel, processes*", "2:", "1:", "0:the VMM?"],
    ]);
    expect(picture({ technique: "binary-translation", ring: { seen: 3, real: 3 } })).toEqual([
      ["One machine for both", "3:processes*", "2:", "1:guest kernel", "0:the VMM"],
    ]);
  });

  it("has two where the processor has one, with the light where it is", () => {
    expect(picture({ ring: { seen: 3, real: 3 } })).toEqual([
      ["VMX root operation", "3:", "2:", "1:", "0:the VMM"],
      ["VMX non-root operation", "3:processes*", "2:", "1:", "0:kernel"],
    ]);
    expect(picture({ technique: "svm-npt", inVmm: true }).map(([title, , , , ground]) => [title, ground])).toEqual([
      ["Host mode", "0:the VMM*"],
      ["Guest mode", "0:kernel"],
    ]);
    expect(
      picture({ technique: "bare-metal", operation: "root" }).map(([title, , , , ground]) => [title, ground]),
    ).toEqual([
      ["VMX root operation", "0:the hypervisor*"],
      ["VMX non-root operation", "0:kernel"],
    ]);
  });
});
