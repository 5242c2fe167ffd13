import { describe, expect, test } from "vitest";
import { machineWith, outputOf } from "../../machine/program.ts";
import { xenSmpGuests } from "./smp-guests.ts";

const configuration = { technique: "paravirtualization", processors: 4, memory: 8 } as const;

describe.each(xenSmpGuests)("a guest that $name", ({ text, output }) => {
  test.each([true, false])("says so (translated: %s)", (translate) => {
    const machine = machineWith(text, { ...configuration, translate });
    machine.run({ steps: 2_000_000 });
    expect(machine.stopped).toMatchObject({ reason: "shutdown" });
    expect(outputOf(machine)).toBe(output);
  });
});

const stateOf = (machine: ReturnType<typeof machineWith>) => ({
  now: machine.now,
  cycle: machine.cycle,
  vcpu: machine.vcpu,
  stopped: machine.stopped,
  digest: machine.digest,
  events: machine.events(0, 1e6),
});

describe.each(xenSmpGuests)("going back and forward in a guest that $name", ({ text }) => {
  test("is the identity, and both engines agree", () => {
    const machine = machineWith(text, configuration);
    machine.run({ steps: 2_000_000 });
    const end = machine.now;
    const other = machineWith(text, { ...configuration, translate: false });
    for (let n = 1; other.now < end; n = (n * 7 + 3) % 1009) other.run({ steps: Math.min(n + 1, end - other.now) });
    machine.goTo(0);
    const states = [0.1, 0.3, 0.55, 0.8, 0.95].map((part) => {
      machine.run({ steps: Math.floor(part * end) - machine.now });
      return stateOf(machine);
    });
    for (const n of [3, 1, 4, 0, 2]) {
      machine.goTo(states[n]!.now);
      expect(stateOf(machine)).toEqual(states[n]);
      other.goTo(states[n]!.now);
      expect(stateOf(other)).toEqual(states[n]);
    }
  });
});
