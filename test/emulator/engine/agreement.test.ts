import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Row } from "../../../isa/instruction.ts";
import type { Bits } from "../../../isa/operands.ts";
import { rows } from "../../../isa/table.ts";
import { differenceOf, randomGuest, type Setting } from "./guest.ts";
import { anywhere, randomNumbers, randomOfRow, randomPointer } from "./random-code.ts";

const settings: readonly Setting[] = [
  { name: "16-bit code", bits: 16 },
  { name: "16-bit code with segment bases and limits", bits: 16, base: 0x1_0000, limit: 0x9fff },
  { name: "32-bit flat code", bits: 32 },
  { name: "32-bit code with segment bases and limits", bits: 32, base: 0x1_0000, limit: 0x97ff },
  { name: "32-bit code with paging", bits: 32, paging: true },
  { name: "32-bit code of a user with paging", bits: 32, paging: true, user: true },
  { name: "32-bit code that writes to itself", bits: 32, selfModifying: true },
  { name: "64-bit code", bits: 64 },
  { name: "64-bit code with paging", bits: 64, paging: true },
  { name: "64-bit code of a user with paging", bits: 64, paging: true, user: true },
  { name: "64-bit code of a user that writes to itself", bits: 64, paging: true, user: true, selfModifying: true },
];

/** Runs a program in slices of random length on both engines. Gives how many steps were taken as translated code. */
function compare(setting: Setting, seed: number, code?: Uint8Array): number {
  const random = randomNumbers(seed);
  const interpreted = randomGuest(setting, seed, undefined, code);
  const translated = randomGuest(setting, seed, 1 + random(40), code);
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
      { seed: 20, numRuns: 40 },
    );
    expect(steps).toBeGreaterThan(1000);
  });
});

const rowsPerProgram = 12;

/** Loops over one random instruction of each of some rows, with pointers set in between. */
function programOf(some: readonly Row[], bits: Bits, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const bytes = some.flatMap((row) => [...randomPointer(random, bits), ...(randomOfRow(random, row, bits) ?? [])]);
  const distance = -(bytes.length + (bits === 16 ? 3 : 5));
  const jump = Array.from({ length: bits === 16 ? 2 : 4 }, (_, n) => (distance >> (8 * n)) & 0xff);
  return Uint8Array.from([...bytes, 0xe9, ...jump]);
}

describe("interpreter and translator agree on every row", () => {
  test.each(settings.filter(({ base, paging, selfModifying }) => base === undefined && !paging && !selfModifying))(
    "$name",
    (setting) => {
      const { bits } = setting;
      const plain = rows.filter(
        (row) => anywhere.has(row.family) && row.modes !== (bits === 64 ? "not-64" : "only-64"),
      );
      let steps = 0;
      for (let first = 0; first < plain.length; first += rowsPerProgram)
        for (let seed = 1; seed <= 3; seed++) {
          const some = plain.slice(first, first + rowsPerProgram);
          steps += compare(setting, seed, programOf(some, bits, first + seed));
        }
      expect(steps).toBeGreaterThan(5000);
    },
  );
});
