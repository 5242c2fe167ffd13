import { expect, it } from "vitest";
import { formsOf } from "../../isa/form.ts";
import { row } from "../../isa/instruction.ts";
import { choose, slotsOf } from "../../isa/slots.ts";

const facts = { doc: "Adds with carry, and changes only CF.", semantics: () => {} };

it("of forms whose 66h is part of the opcode, REX.W selects the 64-bit one, in whatever order they are written", () => {
  const narrow = row("arithmetic", "66 0F 38 F6 /r", "ADCX r32, r/m32", facts);
  const wide = row("arithmetic", "66 0F 38 F6 /r", "ADCX r64, r/m64", { ...facts, modes: "only-64" });
  for (const rows of [
    [narrow, wide],
    [wide, narrow],
  ]) {
    const slot = slotsOf(formsOf(rows), 64)[0x2f6]!;
    const prefixes = { operandOverride: true, repeat: 0, rexB: false, addressSize: 64, vex: undefined } as const;
    expect(choose(slot, 64, { ...prefixes, wide: false }, 0xc1)?.row).toBe(narrow);
    expect(choose(slot, 64, { ...prefixes, wide: true }, 0xc1)?.row).toBe(wide);
  }
});
