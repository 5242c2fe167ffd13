import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Snapshots } from "../../../emulator/time/snapshots.ts";
import { CountingMachine } from "./counting-machine.ts";

describe("snapshots", () => {
  test("store a page once for as long as it does not change", () => {
    const memory = new Uint8Array(16 * 4096);
    const snapshots = new Snapshots(new Int32Array(memory.buffer), 2 ** 30);
    memory.fill(7);
    snapshots.take(0, "a");
    expect(snapshots.bytes).toBe(16 * 4096);
    memory[5 * 4096] = 1;
    snapshots.take(10, "b");
    snapshots.take(20, "c");
    expect(snapshots.bytes).toBe(17 * 4096);
    memory.fill(9);
    const nearest = snapshots.nearest(15)!;
    expect(nearest.rest).toBe("b");
    snapshots.restore(nearest);
    expect(memory[5 * 4096]).toBe(1);
    expect(memory[0]).toBe(7);
    expect(snapshots.lastStep).toBe(10);
  });

  test("pages that are known to be unwritten are not looked at", () => {
    const memory = new Uint8Array(2 * 4096);
    let started = 0;
    const writes = { written: [], perhaps: [0], start: () => void started++ };
    const snapshots = new Snapshots(new Int32Array(memory.buffer), 2 ** 30, writes);
    memory.fill(3);
    snapshots.take(0, null);
    memory.fill(4);
    snapshots.take(10, null);
    memory.fill(5);
    snapshots.restore(snapshots.nearest(10)!);
    // Page 1 was written in secret: neither copied nor put back.
    expect([memory[0], memory[4096], started]).toEqual([4, 5, 3]);
  });

  test("a page that was written for sure is copied without a look, and others only if they differ", () => {
    const memory = new Uint8Array(3 * 4096).fill(3);
    const writes = { written: [1], perhaps: [0, 2], start: () => {} };
    const snapshots = new Snapshots(new Int32Array(memory.buffer), 2 ** 30, writes);
    snapshots.take(0, null);
    snapshots.take(10, null);
    expect(snapshots.bytes).toBe(4 * 4096);
  });

  test("what is not memory counts once for as long as it is the same, also when others are dropped", () => {
    const snapshots = new Snapshots(new Int32Array(1024), 1000 + 4096);
    const parts = [new Uint8Array(400), new Uint8Array(300)] as const;
    for (const [n, part] of [0, 0, 0, 1].entries()) snapshots.take(n, null, [parts[part]!]);
    expect(snapshots.bytes).toBe(4096 + 700);
    snapshots.take(4, null, [parts[0]]);
    expect([snapshots.count, snapshots.bytes]).toEqual([3, 4096 + 400]);
    snapshots.forgetAfter(2);
    expect([snapshots.count, snapshots.bytes]).toEqual([2, 4096 + 400]);
    snapshots.take(5, null, [parts[1]]);
    snapshots.forgetAfter(2);
    expect(snapshots.bytes).toBe(4096 + 400);
  });

  test("zero pages cost one page", () => {
    const snapshots = new Snapshots(new Int32Array(1024 * 1024), 2 ** 30);
    snapshots.take(0, null);
    expect(snapshots.bytes).toBe(4096);
  });

  test("thin out when they exceed their memory, and keep the first and the last", () => {
    const memory = new Uint32Array(1024);
    const snapshots = new Snapshots(new Int32Array(memory.buffer), 10 * 4096);
    for (let step = 0; step < 100; step++) {
      memory[0] = step + 1;
      snapshots.take(step, step);
      expect(snapshots.bytes).toBeLessThanOrEqual(10 * 4096);
    }
    expect(snapshots.lastStep).toBe(99);
    snapshots.restore(snapshots.nearest(0)!);
    expect(memory[0]).toBe(1);
    expect(snapshots.bytes).toBe(4096);
  });
});

/** A life of a machine: run so far, type something, go somewhere. */
const deed = fc.oneof(
  fc.record({ kind: fc.constant("run" as const), to: fc.nat(3_000) }),
  fc.record({ kind: fc.constant("input" as const), value: fc.nat(1000) }),
  fc.record({ kind: fc.constant("goTo" as const), to: fc.nat(3_000) }),
);

describe("timeline", () => {
  test("going back and running on gives what the straight run gave", () => {
    fc.assert(
      fc.property(fc.nat(4000), fc.nat(4000), fc.nat(100), (k, n, value) => {
        const [straight, travelled] = [new CountingMachine(), new CountingMachine()];
        const life = (machine: CountingMachine, to: number) => {
          machine.run(k);
          machine.input(value);
          machine.run(to);
        };
        life(straight, k + n);
        life(travelled, k + n);
        travelled.timeline.goTo(Math.floor(k / 2));
        travelled.timeline.goTo(k + n);
        expect(travelled.state()).toEqual(straight.state());
      }),
      { numRuns: 100 },
    );
  });

  test("whatever was done, each moment is found again as it was last left", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 12 }), (deeds) => {
        const machine = new CountingMachine({ interval: 100, limit: 20 * 4096 });
        for (const todo of deeds) {
          if (todo.kind === "run") machine.run(machine.now + todo.to);
          else if (todo.kind === "input") machine.input(todo.value);
          else machine.timeline.goTo(Math.min(todo.to, machine.now));
        }
        const { now } = machine;
        const state = machine.state();
        machine.timeline.goTo(Math.floor(now / 3));
        machine.timeline.goTo(now);
        expect(machine.state()).toEqual(state);
      }),
      { numRuns: 200 },
    );
  });

  test("without memory for snapshots the start and the newest are kept, and each moment is found", () => {
    const machine = new CountingMachine({ interval: 100, limit: 0 });
    machine.run(900);
    const middle = machine.state();
    machine.run(5000);
    const { now } = machine;
    const end = machine.state();
    expect(machine.timeline.snapshots.count).toBe(1);
    machine.timeline.goTo(900);
    expect(machine.state()).toEqual(middle);
    machine.timeline.goTo(now);
    expect(machine.state()).toEqual(end);
    expect(machine.timeline.snapshots.count).toBeLessThanOrEqual(2);
  });

  test("before the start is the start", () => {
    const machine = new CountingMachine();
    const start = machine.state();
    machine.run(1000);
    machine.timeline.goTo(-5);
    expect(machine.state()).toEqual(start);
  });

  test("a snapshot waits until its price is paid, however often it is looked at", () => {
    const count = 4;
    const machine = new CountingMachine({
      interval: 1000,
      writes: { written: [], perhaps: [0], count, start: () => {} },
    });
    const steps: number[] = [];
    for (let to = 100; to <= 300_000; to += 100) {
      while (machine.now < to) {
        machine.run(to);
        if (machine.waiting) machine.input(1);
      }
      const { lastStep } = machine.timeline.snapshots;
      if (lastStep !== steps.at(-1)) steps.push(lastStep);
    }
    expect(steps).toHaveLength(4);
    for (const [n, step] of steps.slice(1).entries())
      expect(step - steps[n]!).toBeGreaterThanOrEqual(count * 3 * 2 ** 13);
  });

  test("an action in the past makes another future", () => {
    const machine = new CountingMachine();
    machine.run(500);
    machine.input(5);
    machine.run(1000);
    machine.timeline.goTo(300);
    machine.input(1);
    machine.run(1000);
    const other = new CountingMachine();
    other.run(300);
    other.input(1);
    other.run(1000);
    expect(machine.state()).toEqual(other.state());
  });

  test("a long replay leaves a snapshot near its end", () => {
    const machine = new CountingMachine({});
    machine.run(3_000_000);
    while (machine.waiting) {
      machine.input(1);
      machine.run(3_000_000);
    }
    const before = machine.timeline.snapshots.count;
    machine.timeline.goTo(2_900_000);
    machine.timeline.goTo(2_899_999);
    expect(machine.now).toBe(2_899_999);
    expect(machine.timeline.snapshots.lastStep).toBeGreaterThan(2_830_000);
    expect(machine.timeline.snapshots.count).toBeLessThanOrEqual(before + 2);
  });
});
