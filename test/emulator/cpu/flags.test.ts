import fc from "fast-check";
import { expect, it, test } from "vitest";
import { setStatusFlags, statusFlags, statusMask } from "../../../emulator/cpu/flags.ts";
import { layout } from "../../../emulator/cpu/layout.ts";
import { flagMask } from "../../../isa/flags.ts";
import { processor } from "./processor.ts";

const { cpu } = processor();

/** The manual's definitions, over big integers. */
function defined(a: bigint, b: bigint, width: number, operation: "add" | "subtract"): number {
  const size = 1n << BigInt(width);
  const exact = operation === "add" ? a + b : a - b;
  const result = ((exact % size) + size) % size;
  const signed = (value: bigint): bigint => BigInt.asIntN(width, value);
  const signedExact = operation === "add" ? signed(a) + signed(b) : signed(a) - signed(b);
  const nibble = operation === "add" ? (a & 15n) + (b & 15n) > 15n : (a & 15n) < (b & 15n);
  const ones = [...(result & 0xffn).toString(2)].filter((bit) => bit === "1").length;
  return (
    (exact < 0n || exact >= size ? flagMask("CF") : 0) |
    (ones % 2 === 0 ? flagMask("PF") : 0) |
    (nibble ? flagMask("AF") : 0) |
    (result === 0n ? flagMask("ZF") : 0) |
    (signed(result) < 0n ? flagMask("SF") : 0) |
    (signedExact !== signed(result) ? flagMask("OF") : 0)
  );
}

/** What `layout.ts` says arithmetic leaves in the three words. */
function keep(a: bigint, b: bigint, width: number, operation: "add" | "subtract"): void {
  const result = BigInt.asUintN(width, operation === "add" ? a + b : a - b);
  const not = (value: bigint): bigint => BigInt.asUintN(width, ~value);
  const vector = operation === "add" ? (a & b) | ((a | b) & not(result)) : (not(a) & b) | ((not(a) | b) & result);
  const { r32 } = cpu;
  if (width === 64) {
    const high = Number(result >> 32n);
    const low = Number(result & 0xffff_ffffn);
    r32[layout.flagZ >> 2] = low | high;
    r32[layout.flagSP >> 2] = (high & 0x8000_0000) | (low & 0xff);
    r32[layout.flagC >> 2] = (Number(vector >> 32n) & 0xc000_0000) | Number(vector & 8n);
  } else {
    const extended = Number(BigInt.asIntN(width, result));
    r32[layout.flagZ >> 2] = extended;
    r32[layout.flagSP >> 2] = extended;
    r32[layout.flagC >> 2] = (Number(vector) << (32 - width)) | (Number(vector) & 8);
  }
}

test.each([8, 16, 32, 64])("lazy flags of %i-bit additions and subtractions are the manual's", (width) => {
  const operand = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n }),
    fc.constantFrom(
      0n,
      1n,
      15n,
      16n,
      (1n << BigInt(width - 1)) - 1n,
      1n << BigInt(width - 1),
      (1n << BigInt(width)) - 1n,
    ),
  );
  fc.assert(
    fc.property(operand, operand, fc.constantFrom("add" as const, "subtract" as const), (a, b, operation) => {
      keep(a, b, width, operation);
      expect(statusFlags(cpu)).toBe(defined(a, b, width, operation));
    }),
    { numRuns: 500 },
  );
});

it("reads back every combination of status flags that was written", () => {
  for (let bits = 0; bits < 64; bits++) {
    const image = [0, 2, 4, 6, 7, 11].reduce((mask, bit, n) => mask | (((bits >> n) & 1) << bit), 0);
    setStatusFlags(cpu, image | ~statusMask);
    expect(statusFlags(cpu)).toBe(image);
  }
});
