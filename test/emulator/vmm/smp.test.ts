import { describe, expect, test } from "vitest";
import { oneProcessorBecause } from "../../../emulator/vmm/index.ts";
import { techniques } from "../../../isa/technique.ts";
import { machineWith, outputOf } from "../machine/program.ts";
import { smpGuests } from "./smp-guests.ts";

const several = techniques
  .filter(({ id }) => oneProcessorBecause(id) === undefined && id !== "paravirtualization")
  .map(({ id }) => id);
const configuration = { processors: 4, memory: 8 } as const;
const enough = 5_000_000;

describe.each(smpGuests)("a guest that $name", ({ text, output }) => {
  test.each(several)("says the same under %s", (technique) => {
    const machine = machineWith(text, { ...configuration, technique });
    machine.run({ steps: enough });
    expect(machine.stopped).toMatchObject({ reason: expect.stringMatching(/halted|debug-exit/) });
    expect(outputOf(machine)).toBe(output);
  });
});

const stateOf = (machine: ReturnType<typeof machineWith>) => ({
  now: machine.now,
  cycle: machine.cycle,
  vcpu: machine.vcpu,
  stopped: machine.stopped,
  registers: machine.registers(),
  events: machine.events(0, 1e6),
  digest: machine.digest,
});

describe.each(several.filter((technique) => technique !== "bare-metal"))("four processors under %s", (technique) => {
  test.each(smpGuests)("a guest that $name: both engines agree, and cut runs with whole ones", ({ text }) => {
    const whole = machineWith(text, { ...configuration, technique });
    whole.run({ steps: 60_000 });
    const cut = machineWith(text, { ...configuration, technique, translate: false });
    for (let n = 1; cut.now < whole.now; n = (n * 7 + 3) % 1009)
      cut.run({ steps: Math.min(n + 1, whole.now - cut.now) });
    // A guest that has ended did so after its last step.
    if (whole.stopped) cut.run({ steps: 1 });
    expect(stateOf(cut)).toEqual(stateOf(whole));
  });

  test.each(smpGuests)("a guest that $name: back and forward again is the identity", ({ text }) => {
    const machine = machineWith(text, { ...configuration, technique });
    machine.run({ steps: 60_000 });
    const end = machine.now;
    machine.goTo(0);
    const moments = [0.1, 0.3, 0.55, 0.8, 0.95].map((part) => Math.floor(part * end));
    const states = moments.map((moment) => {
      machine.run({ steps: moment - machine.now });
      return stateOf(machine);
    });
    for (const n of [3, 1, 4, 0, 2, 4]) {
      machine.goTo(states[n]!.now);
      expect(stateOf(machine)).toEqual(states[n]);
    }
  });
});
