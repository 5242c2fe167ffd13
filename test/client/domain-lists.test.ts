import { describe, expect, it } from "vitest";
import { changesIn, columns, type Lists, learnLists, noLists } from "../../client/views/hypercalls/domains.ts";
import { initial, reduce } from "../../client/views/hypercalls/model.ts";
import type { ChannelView, DomainsNow, GrantView } from "../../debug-adapter/protocol.ts";

const channel = (port: number, more: Partial<ChannelView> = {}): ChannelView => ({
  ...{ port, kind: "ipi", vcpu: 0, pending: false, masked: false, events: { sent: 0, raised: 0, merged: 0 } },
  ...more,
});
const grant = (reference: number, more: Partial<GrantView> = {}): GrantView => ({
  ...{ reference, kind: "access", domain: 0, frame: 0x10fb, physical: 0x104, readOnly: false, reading: false },
  ...{ writing: false, mappings: [] },
  ...more,
});
const domains = (step: number, channels: readonly ChannelView[], grants: readonly GrantView[] = []): DomainsNow => ({
  step,
  cycle: step,
  domains: [{ vm: "A", id: 0, ports: 1024, upcalls: [], channels, grantFrames: [], entriesPerFrame: 512, grants }],
});
const stops = (...all: readonly DomainsNow[]): Lists =>
  all.reduce((lists, now) => learnLists(lists, now, true), noLists);
const marked = (lists: Lists, list: "channels" | "grants" = "channels") =>
  [...changesIn(lists, list).cells].map(([key, cells]) => [key, [...cells].map((n) => columns[list][n]!.title)]);

describe("the lists of the Hypercalls view", () => {
  it("have a cell for each column, in words", () => {
    const lists = stops(
      domains(
        1,
        [
          channel(1, { kind: "unbound", remote: 0, masked: true }),
          channel(2, { kind: "virq", virq: 0, name: "timer", events: { sent: 0, raised: 3, merged: 1 } }),
          channel(3, { kind: "interdomain", remote: 0, remotePort: 4, pending: true }),
        ],
        [
          grant(8, {
            readOnly: true,
            reading: true,
            mappings: [{ handle: 2, readOnly: true, entry: "F000", linear: null }],
          }),
        ],
      ),
    );
    expect(lists.rows.channels.map(({ cells }) => cells)).toEqual([
      ["1", "unbound", "waits for domain 0 to bind", "0", "masked", "0", "0"],
      ["2", "VIRQ", "virtual interrupt 0, timer", "0", "", "0", "3, 1 merged"],
      ["3", "interdomain", "domain 0, port 4", "0", "pending", "0", "0"],
    ]);
    expect(lists.rows.channels.map(({ lit }) => lit)).toEqual([false, false, true]);
    expect(lists.rows.grants.map(({ cells }) => cells)).toEqual([
      ["8", "domain 0", "10FBh, page 104h", "read", "read", "1", "entry F000h (handle 2, to read)"],
    ]);
    for (const list of ["channels", "grants"] as const)
      expect(lists.rows[list][0]!.cells).toHaveLength(columns[list].length);
  });

  it("mark the cells that are other than at the stop before, whole rows that are new, and name what is gone", () => {
    const lists = stops(
      domains(1, [channel(1), channel(2)], [grant(8)]),
      domains(5, [channel(1, { pending: true }), channel(3)], [grant(8, { reading: true })]),
    );
    expect(marked(lists)).toEqual([
      ["A 1", ["state"]],
      ["A 3", columns.channels.map(({ title }) => title)],
    ]);
    expect(changesIn(lists, "channels").gone).toEqual(["2"]);
    expect(marked(lists, "grants")).toEqual([["A 8", ["in use"]]]);
  });

  it("mark nothing at the first stop, nor where nothing changed", () => {
    expect(marked(stops(domains(1, [channel(1)])))).toEqual([]);
    expect(marked(stops(domains(1, [channel(1)]), domains(2, [channel(1)])))).toEqual([]);
  });

  it("compare while the guest runs with the last stop, not with what was seen in between", () => {
    const running = (lists: Lists, now: DomainsNow) => learnLists(lists, now, false);
    const lists = running(
      running(stops(domains(1, [channel(1)])), domains(5, [channel(1), channel(2)])),
      domains(9, [channel(1), channel(2)]),
    );
    expect(marked(lists).map(([key]) => key)).toEqual(["A 2"]);
  });

  it("compare after a step back with the stop before that moment; what came later has not happened", () => {
    const lists = stops(domains(1, []), domains(9, [channel(1), channel(2)]), domains(5, [channel(1)]));
    expect(marked(lists).map(([key]) => key)).toEqual(["A 1"]);
    expect(changesIn(lists, "channels").gone).toEqual([]);
  });

  it("are those of the stop only where the answer is of that moment", () => {
    const at = (step: number, running: boolean) =>
      reduce(initial(), { kind: "present", last: 0, now: { step, cycle: step }, running });
    const learn = (state: ReturnType<typeof initial>, step: number) =>
      reduce(state, { kind: "domains", now: domains(step, []) }).lists.looks.length;
    expect([learn(at(5, false), 5), learn(at(5, false), 7), learn(at(5, true), 5)]).toEqual([1, 0, 0]);
  });

  it("keep why they are not known until they are", () => {
    const failed = reduce(initial(), { kind: "failed", message: "The debug session has ended." });
    expect(failed.lists.failed).toBe("The debug session has ended.");
    expect(reduce(failed, { kind: "domains", now: domains(1, []) }).lists.failed).toBeUndefined();
  });
});
