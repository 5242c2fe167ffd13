import { describe, expect, it } from "vitest";
import { hasNasm } from "../isa/nasm.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";
import { Dice, randomPrograms } from "./random-programs.ts";

/** Programs of each kind. */
const count = 40;

/** What docs/assembler.md says Ringside refuses and nasm accepts, in our words. */
const meant = [/takes .* parameters/, /There is no section .* to follow/, /is too large for this size/];

describe.skipIf(!hasNasm)("random programs have nasm's bytes, or are refused where nasm refuses them", () => {
  it.each(Object.entries(randomPrograms))(
    "%s",
    (kind, make) => {
      const format = kind === "elf32" || kind === "elf64" ? kind : "bin";
      const dice = new Dice(1);
      let accepted = 0;
      for (let n = 0; n < count; n++) {
        const text = `${make(dice)}\n`;
        const ours = ringsideOutput(text, { format });
        if (typeof ours === "string" && meant.some((refusal) => refusal.test(ours))) continue;
        const theirs = nasmOutput(text, format);
        if (typeof ours === "string" && typeof theirs === "string") continue;
        expect(shown(ours), text).toBe(shown(theirs));
        accepted++;
      }
      expect(accepted).toBeGreaterThan(count / 8);
    },
    60_000,
  );
});
