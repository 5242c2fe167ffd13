import { describe, expect, it } from "vitest";
import { placeOf } from "../../../emulator/cpu/fpu/memory-operand.ts";
import { ramBase } from "../../../emulator/cpu/layout.ts";
import { segmentOf, signedNumber } from "../../../emulator/cpu/state.ts";
import { decode } from "../../../isa/decode.ts";
import type { Bits } from "../../../isa/operands.ts";
import { rowsOf } from "../../../isa/table.ts";
import { codeAt, createProcessor } from "../../support/processor.ts";
import { randomNumbers, randomOfRow } from "../engine/random-code.ts";

const row = { 16: "LEA r16, m", 32: "LEA r32, m", 64: "LEA r64, m" } as const;

describe("memory operands of the x87 and vector units are where LEA says", () => {
  it.each([16, 32, 64] as const)("%i-bit code", (bits: Bits) => {
    const random = randomNumbers(7);
    const lea = rowsOf("lea").find(({ syntax }) => syntax === row[bits])!;
    const { cpu, engine } = createProcessor({ bits, code: [] });
    let compared = 0;
    for (let n = 0; n < 3000; n++) {
      const code = randomOfRow(random, lea, bits);
      const decoded = code && decode(Uint8Array.from(code), 0, bits);
      if (!decoded || typeof decoded === "string" || !code) continue;
      const [target, memory] = decoded.operands;
      if (memory?.kind !== "memory" || target?.kind !== "register") continue;
      // Wider addresses than the register show only in part; a 16-bit one is not extended.
      if (memory.addressSize > target.width) continue;
      for (let register = 0; register < 16; register++) {
        const value = (BigInt(random(0x1_0000)) << 32n) | BigInt(random(0x1_0000) * 0x1_0000 + random(0x1_0000));
        cpu.r64[register] =
          bits === 64 ? BigInt.asUintN(64, BigInt.asIntN(48, value)) >> BigInt(random(48)) : value & 0xffff_ffffn;
      }
      cpu.bytes.set(code, ramBase + codeAt);
      engine.forget();
      cpu.rip = codeAt;
      const { segment, offset } = placeOf(cpu, memory, decoded);
      engine.interpret();
      const address = cpu.r64[target.number]! & ((1n << BigInt(target.width)) - 1n);
      expect(segment).toBe(segmentOf(memory.segment));
      if (memory.addressSize === 64) {
        if (address >> 47n !== 0n && address >> 47n !== 0x1ffffn) continue;
        expect(offset, decoded.row.syntax).toBe(signedNumber(address));
      } else expect(BigInt(offset)).toBe(address & ((1n << BigInt(memory.addressSize)) - 1n));
      compared++;
    }
    expect(compared).toBeGreaterThan(1000);
  });
});
