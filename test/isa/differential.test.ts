import { describe, expect, it } from "vitest";
import { generatedLines } from "./generated-lines.ts";
import { type Difference, differences, hasNasm } from "./nasm.ts";
import { isMeant, meantDifferences } from "./nasm-differences.ts";
import { modes } from "./samples.ts";

/** Lines for each form of each mnemonic, in each mode. */
const linesPerForm = 20;

describe.skipIf(!hasNasm)("assembles as nasm does, or refuses as nasm does", () => {
  const found: { readonly difference: Difference; readonly bits: (typeof modes)[number] }[] = [];
  let count = 0;

  it.each(modes)("generated lines, %i bits", (bits) => {
    const lines = generatedLines(bits, linesPerForm);
    count += lines.length;
    const all = differences(bits, lines);
    found.push(...all.map((difference) => ({ difference, bits })));
    expect(all.filter((difference) => !isMeant(difference, bits))).toEqual([]);
  });

  it("has enough lines, and every difference that is meant", () => {
    expect(count).toBeGreaterThan(50_000);
    const gone = meantDifferences.filter(({ is }) => !found.some(({ difference, bits }) => is(difference, bits)));
    expect(gone.map(({ because }) => because)).toEqual([]);
  });
});
