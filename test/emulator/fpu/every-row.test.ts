import { describe, expect, it } from "vitest";
import { isFault } from "../../../emulator/cpu/fault.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { CR4 } from "../../../emulator/cpu/state.ts";
import { existsIn } from "../../../isa/form.ts";
import { rows } from "../../../isa/table.ts";
import { codeAt, createProcessor } from "../../support/processor.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";

const families = new Set(["x87", "mmx", "sse", "sse2", "sse3"]);
const attempts = 12;

describe("every row of the x87 and vector units executes or raises an exception, whatever the state", () => {
  it.each([16, 32, 64] as const)("%i-bit code", (bits) => {
    const random = randomNumbers(bits);
    const { cpu, engine } = createProcessor({ bits, code: [] });
    const executed = new Set<string>();
    const wanted = rows.filter((row) => families.has(row.family) && existsIn(row, bits) && !row.writtenOnly);
    for (const row of wanted)
      for (let attempt = 0; attempt < attempts; attempt++) {
        const code = randomOfRow(random, row, bits);
        if (!code) continue;
        for (let word = layout.x87Registers >> 2; word < layout.end >> 2; word++)
          cpu.u32[word] = random(3) === 0 ? 0 : random(0x1_0000) * 0x1_0000 + random(0x1_0000);
        cpu.u32[layout.mxcsr >> 2]! &= 0xffff;
        cpu.u32[layout.x87Control >> 2]! &= 0x1f7f;
        cpu.u32[layout.x87Status >> 2]! &= 0x7f7f;
        for (let register = 0; register < 16; register++) cpu.r64[register] = BigInt(0x2000 + 16 * random(0x200));
        cpu.r64[layout.cr4 >> 3]! |= BigInt(CR4.OSFXSR | CR4.OSXMMEXCPT);
        cpu.bytes.set(code, ramBase + codeAt);
        engine.forget();
        cpu.rip = codeAt;
        try {
          engine.interpret();
          executed.add(row.syntax);
        } catch (thrown) {
          if (!isFault(thrown))
            throw new Error(`${row.syntax}: ${Buffer.from(code).toString("hex")}`, { cause: thrown });
        }
      }
    // What is not executed in any attempt had an address that was not aligned, or an exception that was not masked.
    expect(wanted.length - executed.size).toBeLessThan(wanted.length / 10);
  });
});
