import { describe, expect, test } from "vitest";
import type { Family } from "../../../isa/family.ts";
import { existsIn } from "../../../isa/form.ts";
import type { Row } from "../../../isa/instruction.ts";
import type { Bits } from "../../../isa/operands.ts";
import { rows } from "../../../isa/table.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";
import { differences, report } from "./compare.ts";
import { isUnknownToUnicorn } from "./deviations.ts";
import { OwnProcessor } from "./ours.ts";
import { randomCase } from "./random-case.ts";
import { randomSequence } from "./random-sequence.ts";
import { type Case, windowBytes } from "./state.ts";
import { hasUnicorn, runOnUnicorn } from "./unicorn.ts";

const families: ReadonlySet<Family> = new Set([
  "data-movement",
  "arithmetic",
  "logic",
  "shift",
  "bit",
  "stack",
  "string",
  "flag",
  "control-flow",
]);

/** Transfers to other segments and to handlers depend on descriptor tables, which Unicorn has none of. */
const leavesSegment = /^(int|int1|int3|into|iret[dq]?|retf|bound|ud[012])$/;
const isFar = ({ operands }: Row): boolean => operands.some((o) => o.kind === "far" || o.farMemory !== undefined);

const comparable = rows.filter((row) => families.has(row.family) && !leavesSegment.test(row.mnemonic) && !isFar(row));
const existingIn = (from: readonly Row[], mode: Bits): Row[] =>
  from.filter((row) => existsIn(row, mode) && !isUnknownToUnicorn(row, mode));
const straight = comparable.filter((row) => row.family !== "control-flow");

/** Cases per row and mode; shifts and divisions have more edges than others. */
const casesOf = ({ family, mnemonic }: Row): number => (family === "shift" || /div|mul/.test(mnemonic) ? 12 : 5);
const sequences = 400;

const random = randomNumbers(2024);
const base = new Uint8Array(windowBytes).map((_, at) => (at < 0x2000 ? 0 : random(256)));

function casesOfRow(row: Row, mode: Bits): Case[] {
  const wanted = casesOf(row);
  const cases: Case[] = [];
  for (let attempt = 0; attempt < 4 * wanted && cases.length < wanted; attempt++) {
    const made = randomCase(random, row, mode);
    if (made) cases.push(made);
  }
  return cases;
}

const available = hasUnicorn();
if (!available)
  console.info("Unicorn is not installed (Debian: python3-unicorn): instructions are not compared with it");

describe.skipIf(!available)("instructions do what Unicorn does", () => {
  const own = { 16: new OwnProcessor(16, base), 32: new OwnProcessor(32, base), 64: new OwnProcessor(64, base) };

  function compare(cases: readonly Case[]): string[] {
    const theirs = runOnUnicorn(cases, base);
    expect(theirs.filter((outcome) => outcome === undefined).length).toBeLessThan(5);
    return cases.flatMap((tested, n) => {
      const other = theirs[n];
      const found = other ? differences(tested, own[tested.mode].run(tested), other) : [];
      return found.length > 0 ? [report(tested, found)] : [];
    });
  }

  test.each([16, 32, 64] as const)("one by one, in %i-bit code", (mode) => {
    const existing = existingIn(comparable, mode);
    const cases = existing.flatMap((row) => {
      const made = casesOfRow(row, mode);
      // Other names of the same encoding are never decoded; every other row is compared.
      if (made.length === 0) expect(randomOfRow(random, row, mode), row.syntax).toBeUndefined();
      return made;
    });
    expect(cases.length).toBeGreaterThan(2500);
    expect(compare(cases)).toEqual([]);
  });

  test.each([32, 64] as const)("in sequences of 5 to 20, in %i-bit code", (mode) => {
    const existing = existingIn(straight, mode);
    const cases = Array.from({ length: sequences }, () => randomSequence(random, existing, mode, own[mode]));
    expect(compare(cases)).toEqual([]);
  });
});
