import { describe, expect, it } from "vitest";
import { eventAt, layout } from "../../client/views/schedule/layout.ts";
import {
  type Action,
  inDetail,
  initial,
  inSight,
  present,
  reduce,
  type State,
} from "../../client/views/schedule/model.ts";
import { segments } from "../../client/views/schedule/segments.ts";
import { shares } from "../../client/views/schedule/shares.ts";
import { idle, Trace } from "../../client/views/schedule/trace.ts";
import { timeText, within, zoomed } from "../../client/views/schedule/window.ts";
import { ticks } from "../../client/views/shared/ticks.ts";
import type { LocatedEvent } from "../../debug-adapter/protocol.ts";
import { fairness } from "../../emulator/schedule/fairness.ts";
import type { Model } from "../../emulator/schedule/model.ts";
import { scheduleBody } from "../../emulator/schedule/schedule-event.ts";
import { Simulation } from "../../emulator/schedule/simulation.ts";

const cpu = { kind: "cpu" } as const;
const lock = { kind: "lock", work: 400, hold: 300, wait: "spin" } as const;

/** Two that share a lock, one that computes, one with a cap beside one that sleeps, on two physical CPUs. */
const model = (scheduler: string): Model => ({
  pcpus: 2,
  scheduler,
  vms: [
    { name: "A", workloads: [lock, lock], parameters: { weight: 512 } },
    { name: "B", workloads: [cpu] },
    { name: "C", workloads: [cpu, { kind: "periodic", period: 20_000, run: 3000 }], parameters: { cap: 40 } },
  ],
  changes: [
    { at: 200_000, vm: "B", vcpu: 0, unplug: true },
    { at: 240_000, vm: "B", vcpu: 0, unplug: false },
  ],
});

const cyclesPerMicrosecond = 3000;

/** The events of a model as the machine would stamp them. */
function eventsOf(scheduler: string, time = 400_000) {
  const events: LocatedEvent[] = [];
  const simulation = new Simulation(model(scheduler), (event) =>
    events.push({
      sequence: events.length + 1,
      cycle: event.time * cyclesPerMicrosecond,
      step: events.length,
      vm: event.vcpu?.split("/")[0] ?? "",
      vcpu: Number(event.vcpu?.split("/")[1] ?? 0),
      rip: "7c00",
      ...scheduleBody(event),
    }),
  );
  simulation.run(time);
  return { events, host: simulation.host };
}

const heard = (events: readonly LocatedEvent[]): Action => ({
  kind: "events",
  events,
  last: events.at(-1)!.sequence,
  dropped: 0,
});
const now = (last: number, time: number): Action => ({
  kind: "present",
  last,
  now: { step: last, cycle: time * cyclesPerMicrosecond },
  running: false,
});
const run = (...actions: readonly Action[]): State => actions.reduce(reduce, initial());

function opened(scheduler = "credit") {
  const { events, host } = eventsOf(scheduler);
  return { events, host, state: run(now(events.length, host.now), heard(events)) };
}

describe.each(["credit", "credit2", "bvt", "sedf", "round-robin", "eevdf", "rtds", "gang"])(
  "the Schedule view of %s",
  (scheduler) => {
    const { events, host, state } = opened(scheduler);
    const { trace } = state;

    it("has the times that the host accounted", () => {
      for (const { id, lane } of trace.vcpus)
        expect([id, lane.countedUpTo(host.now)]).toEqual([id, host.timesOf(id).running]);
      for (const { name, lane } of trace.vms)
        expect([name, lane.countedUpTo(host.now)]).toEqual([name, host.vmTimes(name)["concurrency hazard"]]);
      expect(trace.pcpus.map((lane) => lane.latest)).toEqual(
        host.pcpus.map(({ current }) => (current === null ? idle : trace.vcpus.findIndex(({ id }) => id === current))),
      );
    });

    it("tells shares, and what was due, as the fairness figures do", () => {
      const figures = fairness(host).vcpus;
      const all = shares(trace, { from: 0, to: host.now });
      for (const { id, share } of all.flatMap(({ vcpus }) => vcpus))
        expect([id, share]).toEqual([id, figures.find(({ vcpu }) => vcpu === id)!.share]);
      for (const { vm, due } of all) {
        const each = figures.filter(({ vcpu }) => vcpu.startsWith(`${vm}/`));
        expect(due).toBeCloseTo(
          each.reduce((sum, one) => sum + one.due, 0),
          9,
        );
      }
    });

    it("is the same after going back and forth again", () => {
      const middle = events[Math.floor(events.length / 2)]!;
      const again = [now(middle.sequence, 1), heard(events.slice(middle.sequence))].reduce(
        reduce,
        opened(scheduler).state,
      );
      expect(shares(again.trace, { from: 0, to: host.now })).toEqual(shares(trace, { from: 0, to: host.now }));
      expect(again.trace.row(events.length - 1).reason).toBe(trace.row(events.length - 1).reason);
      expect(again.trace.vcpus.map(({ standings }) => standings.length)).toEqual(
        trace.vcpus.map(({ standings }) => standings.length),
      );
    });

    it("divides each pixel as time was divided, however narrow the spans are", () => {
      const window = { from: 0, to: host.now };
      for (const width of [600, 3]) {
        const area = trace.pcpus.map((lane) =>
          segments(lane, window, width)
            .filter(({ value }) => value !== idle)
            .reduce((sum, segment) => sum + (segment.width * segment.height) / width, 0),
        );
        const busy = host.pcpus.map((pcpu) => pcpu.busy / host.now);
        for (const [n, part] of busy.entries())
          expect(Math.abs(area[n]! - part)).toBeLessThan(width > 100 ? 1e-9 : 0.25);
      }
    });
  },
);

describe("the Schedule view", () => {
  it("says nothing of what came before the first event that is kept", () => {
    const { events, host } = eventsOf("credit");
    const late = events.slice(30);
    const { trace } = run(now(events.length, host.now), heard(late));
    const first = late[0] as LocatedEvent & { kind: "schedule" };
    for (const { lane } of trace.vcpus) expect(lane.countedUpTo(first.time)).toBe(0);
    expect(trace.vcpus.every(({ lane }) => lane.countedUpTo(host.now) <= host.now - first.time)).toBe(true);
    expect(shares(trace, { from: 0, to: host.now }).map(({ due }) => due)).toEqual([undefined, undefined, undefined]);
  });

  it("begins anew when it holds more events than it can, and says so", () => {
    const { events, host } = eventsOf("credit");
    const [early, late] = [events.slice(0, 60), events.slice(60)];
    const begun = { ...initial(), trace: new Trace(50), filter: "weight" };
    const full = [now(events.length, host.now), heard(early)].reduce(reduce, begun as State);
    expect([full.trace.length, full.dropped]).toEqual([60, 0]);
    const anew = reduce(full, heard(late));
    expect([anew.trace.length, anew.dropped, anew.filter]).toEqual([late.length, 60, "weight"]);
    expect(anew.trace.sequence.at(0)).toBe(61);
    expect(anew.trace.most).toBe(50);
  });

  it("goes with the present while it is live, and stays where it is moved to", () => {
    const { state } = opened();
    const near = reduce(state, { kind: "zoom", factor: 0.25 });
    expect(inSight(near)).toEqual({ from: 300_000, to: 400_000 });
    const later = reduce(near, now(state.last, 500_000));
    expect([inSight(later), present(later)]).toEqual([{ from: 400_000, to: 500_000 }, 500_000]);
    const moved = reduce(later, { kind: "pan", part: -1 });
    expect([inSight(moved), moved.live]).toEqual([{ from: 300_000, to: 400_000 }, false]);
    expect(inSight(reduce(moved, { kind: "all" }))).toEqual({ from: 0, to: 500_000 });
  });

  it("zooms about the pointer, and stays there", () => {
    const { state } = opened();
    const near = reduce(state, { kind: "zoom", factor: 0.5, centre: 100_000 });
    expect([inSight(near), near.live]).toEqual([{ from: 50_000, to: 250_000 }, false]);
    expect(zoomed({ from: 100, to: 300 }, 0.5, 150, 1000)).toEqual({ from: 125, to: 225 });
    expect(zoomed({ from: 0, to: 1000 }, 2, 10, 1000)).toEqual({ from: 0, to: 1000 });
    expect(within({ from: 990, to: 991 }, 1000)).toEqual({ from: 980, to: 1000 });
  });

  it("goes along a lane by keys, from one change to the next, and back", () => {
    const { state } = opened();
    const first = [{ kind: "lane", by: 1 } as const, { kind: "along", by: 1 } as const].reduce(reduce, state);
    expect(first.lane).toEqual({ kind: "pcpu", n: 0 });
    const visited: (number | undefined)[] = [];
    let at = first;
    for (let n = 0; n < 20; n++) {
      visited.push(at.selected);
      at = reduce(at, { kind: "along", by: 1 });
    }
    expect(new Set(visited).size).toBe(20);
    for (let n = 0; n < 20; n++) at = reduce(at, { kind: "along", by: -1 });
    expect(at.selected).toBe(first.selected);
    expect(inDetail(at)?.pcpu).toBe(0);
  });

  it("finds under the pointer the decision by which somebody came to run", () => {
    const { state, events } = opened();
    const place = layout(state, 300);
    const row = place.rows.find(({ label }) => label === "pCPU 1")!;
    const event = events[eventAt(state, place, row.y + 2, 100_000)!]!;
    expect(event).toMatchObject({ kind: "schedule", what: "switch", pcpu: 1 });
    expect(place.rows.map(({ label }) => label)).toEqual(["pCPU 0", "pCPU 1", "A/0", "A/1", "B/0", "C/0", "C/1"]);
  });

  it.each([
    ["", (what: string) => what !== ""],
    ["park c/0", (what: string) => what === "park" || what === "unpark"],
  ])("filters by every word of %j, and goes on as events come", (text, wanted) => {
    const { events } = eventsOf("credit");
    const half = events.slice(0, 50);
    const state = [heard(half), { kind: "filter", text } as const, heard(events.slice(50))].reduce(reduce, initial());
    const rows = Array.from({ length: state.matches.length }, (_, row) => state.trace.row(state.matches.at(row)!));
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.filter(({ what }) => !wanted(what))).toEqual([]);
    expect(rows.map(({ n }) => state.matches.rowOf(n))).toEqual(rows.map((_, row) => row));
  });

  it("tells from where a vCPU came, as often as the host has counted that", () => {
    const { events, host } = eventsOf("eevdf");
    const state = [heard(events), { kind: "filter", text: "migrated from pcpu" } as const].reduce(reduce, initial());
    const counted = fairness(host).vcpus.reduce((sum, { migrations }) => sum + migrations, 0);
    expect(counted).toBeGreaterThan(1);
    expect([state.matches.length, state.trace.migrations.length]).toEqual([counted, counted]);
    const rows = Array.from({ length: counted }, (_, n) => state.trace.row(state.trace.migrations.at(n)));
    expect(rows.filter(({ movedFrom, pcpu }) => movedFrom === undefined || movedFrom === pcpu)).toEqual([]);
    state.trace.rewind(rows[1]!.sequence - 1);
    expect(state.trace.migrations.length).toBe(1);
  });

  it("forgets the future and a selection in it when the present moves back", () => {
    const { state, events } = opened();
    const back = [{ kind: "select", sequence: 60 } as const, now(40, 1)].reduce(reduce, state);
    expect([back.trace.length, back.selected, back.last, back.matches.length]).toEqual([40, undefined, 40, 40]);
    expect(present(back)).toBe((events[39] as LocatedEvent & { kind: "schedule" }).time);
  });

  it("starts anew with another session, but keeps the filter", () => {
    const { state } = opened();
    const other = [{ kind: "filter", text: "boost" } as const, { kind: "session", name: "b" } as const].reduce(
      reduce,
      state,
    );
    expect([other.trace.length, other.filter, other.matches.length]).toEqual([0, "boost", 0]);
  });

  it.each([
    [{ from: 0, to: 100_000 }, 5, [0, 20_000, 40_000, 60_000, 80_000, 100_000]],
    [{ from: 12, to: 31 }, 4, [15, 20, 25, 30]],
  ])("marks %j at round times", (window, most, expected) => expect(ticks(window, most)).toEqual(expected));

  it.each([
    [0, "0 µs"],
    [999, "999 µs"],
    [12_500, "12.5 ms"],
    [1_234_567, "1,234.567 ms"],
  ])("writes %d as %s", (time, text) => expect(timeText(time)).toBe(text));
});
