import { describe, expect, test } from "vitest";
import { Comparison } from "./compare.ts";
import { runBoth, settings } from "./machines.ts";
import { worlds } from "./worlds.ts";

/** A sample of what `npm run fuzz:machine` does at length. */
describe("random bytes do no harm, and both engines take them alike", () => {
  const comparison = new Comparison();
  test.each(worlds.map((world) => ({ ...world, world })))("$name", ({ world }) => {
    const before = comparison.steps;
    for (let seed = 1; seed <= 12; seed++) expect(comparison.run(world, seed, 1000)).toBeUndefined();
    expect(comparison.steps - before).toBeGreaterThan(1000);
  });

  /** What a long run once found: flags passed on by a block of nothing but a conditional jump. */
  test.each([["32-bit protected mode, ring 0", 1771865369]] as const)("found before: %s, seed %i", (name, seed) => {
    expect(new Comparison().run(worlds.find((world) => world.name === name)!, seed, 3000)).toBeUndefined();
  });

  test("some of it was translated", () => {
    expect(comparison.translatedSteps).toBeGreaterThan(100);
  });
});

describe("whole machines survive random bytes, and their traces do not depend on the engine", () => {
  test.each(settings)("$technique, $mode", (setting) => {
    let steps = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { translated, interpreted, steps: taken } = runBoth(setting, seed, 3000);
      expect(translated).toEqual(interpreted);
      steps += taken;
    }
    expect(steps).toBeGreaterThan(1000);
  });
});
