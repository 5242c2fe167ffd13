import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differenceOf, randomGuest, type Setting } from "./guest.ts";
import { randomNumbers } from "./random-code.ts";

const settings: readonly Setting[] = [
  { name: "16-bit code", bits: 16 },
  { name: "16-bit code with segment bases and limits", bits: 16, base: 0x1_0000, limit: 0x9fff },
  { name: "32-bit flat code", bits: 32 },
  { name: "32-bit code with segment bases and limits", bits: 32, base: 0x1_0000, limit: 0x97ff },
  { name: "32-bit code with paging", bits: 32, paging: true },
  { name: "32-bit code of a user with paging", bits: 32, paging: true, user: true },
  { name: "64-bit code", bits: 64 },
  { name: "64-bit code with paging", bits: 64, paging: true },
  { name: "64-bit code of a user with paging", bits: 64, paging: true, user: true },
];

/** Runs a program in slices of random length on both engines. Gives how many steps were taken as translated code. */
function compare(setting: Setting, seed: number): number {
  const random = randomNumbers(seed);
  const interpreted = randomGuest(setting, seed);
  const translated = randomGuest(setting, seed, 1 + random(4));
  for (let slice = 0; slice < 25; slice++) {
    const steps = 1 + random(random(2) === 0 ? 5 : 250);
    const stop = interpreted.engine.run({ steps });
    expect(translated.engine.run({ steps })).toEqual(stop);
    expect(differenceOf(interpreted, translated)).toBeUndefined();
    if (stop.kind !== "limit") break;
  }
  return translated.engine.translatedSteps;
}

describe("interpreter and translator agree on all state after every slice", () => {
  test.each(settings)("$name", (setting) => {
    let steps = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        steps += compare(setting, seed);
      }),
      { seed: 20, numRuns: 12 },
    );
    expect(steps).toBeGreaterThan(1000);
  });
});
