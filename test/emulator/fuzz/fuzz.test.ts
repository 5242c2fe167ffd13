import { describe, expect, test } from "vitest";
import { createMachine, type Machine } from "../../../emulator/index.ts";
import type { MachineConfiguration } from "../../../emulator/machine-interface.ts";
import { rows } from "../../../isa/table.ts";
import { techniques } from "../../../isa/technique.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";
import { Comparison } from "./compare.ts";
import { worlds } from "./worlds.ts";

/** A sample of what `npm run fuzz:machine` does at length. */
describe("random bytes do no harm, and both engines take them alike", () => {
  const comparison = new Comparison();
  test.each(worlds.map((world) => ({ ...world, world })))("$name", ({ world }) => {
    const before = comparison.steps;
    for (let seed = 1; seed <= 12; seed++) expect(comparison.run(world, seed, 1000)).toBeUndefined();
    expect(comparison.steps - before).toBeGreaterThan(1000);
  });

  test("some of it was translated", () => {
    expect(comparison.translatedSteps).toBeGreaterThan(100);
  });
});

function randomImage(seed: number, mode: MachineConfiguration["mode"]): Uint8Array {
  const random = randomNumbers(seed);
  const bits = mode === "real" ? 16 : mode === "protected" ? 32 : 64;
  const bytes: number[] = [];
  while (bytes.length < 1024) {
    if (random(3) === 0) for (let n = random(6); n > 0; n--) bytes.push(random(256));
    else bytes.push(...(randomOfRow(random, rows[random(rows.length)]!, bits) ?? []));
  }
  return Uint8Array.from(bytes);
}

const summary = (machine: Machine) => ({
  now: machine.now,
  cycle: machine.cycle,
  stopped: machine.stopped,
  registers: machine.registers(),
  events: machine.events(0, Number.MAX_SAFE_INTEGER),
});

describe("whole machines survive random images, and their traces do not depend on the engine", () => {
  const configurations = techniques.flatMap(({ id }) =>
    (["real", "protected", "long"] as const).map((mode) => ({ technique: id, mode })),
  );
  test.each(configurations)("$technique, $mode", ({ technique, mode }) => {
    for (let seed = 1; seed <= 10; seed++) {
      const configuration: MachineConfiguration = {
        technique,
        mode,
        image: randomImage(seed, mode),
        origin: 0x7c00,
        memory: 1,
      };
      let machines: Machine[];
      try {
        machines = [true, false].map((translate) => createMachine({ ...configuration, translate }));
      } catch (refused) {
        expect(refused).toBeInstanceOf(RangeError);
        return;
      }
      for (const machine of machines) machine.run({ steps: 2000 });
      expect(summary(machines[0]!)).toEqual(summary(machines[1]!));
    }
  });
});
