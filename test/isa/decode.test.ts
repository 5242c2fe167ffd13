import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode } from "../../isa/index.ts";
import type { Bits, Decoded } from "../../isa/operands.ts";
import { modes } from "./samples.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const decoded = (hex: string, bits: Bits): Decoded => {
  const result = decode(bytes(hex), 0, bits);
  if (typeof result === "string") throw new Error(`${hex}: ${result}`);
  return result;
};

describe("what is no instruction", () => {
  it.each([
    ["0f 24", 32, "undefined opcode"],
    ["0f 04", 64, "undefined opcode"],
    ["60", 64, "PUSHA in 64-bit code"],
    ["9a 00 00 00 00 00 00", 64, "far CALL with an immediate in 64-bit code"],
    ["06", 64, "PUSH ES in 64-bit code"],
    ["8e c8", 32, "MOV to CS"],
    ["8c f0", 32, "segment register 6"],
    ["0f 20 c8", 32, "CR1"],
    ["44 0f 21 c0", 64, "DR8"],
    ["8d c0", 32, "LEA of a register"],
    ["0f 01 fd", 32, "a group member without a row"],
    ["f0 90", 32, "LOCK on NOP"],
    ["f0 01 c0", 32, "LOCK on a register"],
    ["f0 03 00", 32, "LOCK on a memory source"],
    ["f0 39 00", 32, "LOCK on CMP"],
    ["c4 c0 00 00", 32, "LES of a register: VEX with map 0"],
    ["c5 f8 f2", 64, "VEX of two bytes, whose map has vector instructions only"],
    ["66 c4 e2 60 f2 c1", 64, "66h before VEX"],
    ["f3 c4 e2 60 f2 c1", 64, "F3h before VEX"],
    ["f0 c4 e2 60 f2 00", 64, "LOCK before VEX"],
    ["40 c4 e2 60 f2 c1", 64, "REX before VEX"],
    ["c4 e2 64 f2 c1", 64, "ANDN with VEX.L = 1"],
    ["c4 e3 73 f0 c1 00", 64, "RORX with a third register"],
    ["ff f8", 32, "/7 of group 5"],
  ] as const)("%s, %i bits: %s", (hex, bits, _what) => {
    expect(decode(bytes(hex), 0, bits)).toBe("invalid");
  });

  it("truncated, where bytes are missing", () => {
    for (const hex of [
      "",
      "66",
      "0f",
      "b8 01 02 03",
      "81 00 01 02 03",
      "8b",
      "8b 04",
      "8b 80 00 00",
      "ea 00 00 00 00 08",
    ])
      expect(decode(bytes(hex), 0, 32)).toBe("truncated");
  });

  it("too long, from the 16th byte on", () => {
    const nop = (prefixes: number) => new Uint8Array([...new Array<number>(prefixes).fill(0x66), 0x90]);
    expect(decoded(Buffer.from(nop(14)).toString("hex"), 32).length).toBe(15);
    expect(decode(nop(15), 0, 32)).toBe("too-long");
    expect(decode(new Uint8Array(20).fill(0x66), 0, 32)).toBe("too-long");
    expect(decode(bytes(`${"2e".repeat(10)} 81 00 01 02`), 0, 32)).toBe("truncated");
  });
});

describe("reads no byte too many", () => {
  it.each(["90", "b8 78 56 34 12", "0f 01 c1", "8b 44 24 08", "66 81 00 34 12", "d4 0a", "d4 10", "c8 10 00 01"])(
    "%s",
    (hex) => {
      const code = bytes(hex);
      const asked: number[] = [];
      const result = decode((offset) => asked.push(offset) && code[offset - 100]!, 100, 32);
      expect(typeof result === "string" ? result : result.length).toBe(code.length);
      expect(Math.max(...asked)).toBe(100 + code.length - 1);
    },
  );

  it("passes a fault of the source on, from the byte that is missing", () => {
    const source = (offset: number): number => {
      if (offset < 2) return [0xb8, 0x01][offset]!;
      throw new Error(`page fault at ${offset}`);
    };
    expect(() => decode(source, 0, 32)).toThrow("page fault at 2");
    expect(decode((offset) => (offset === 0 ? 0x90 : -1), 0, 32)).toMatchObject({ length: 1 });
    expect(decode(() => -1, 0, 32)).toBe("truncated");
  });
});

describe("prefixes", () => {
  it.each([
    ["90", 16, { operandSize: 16, addressSize: 16 }],
    ["66 90", 16, { operandSize: 32 }],
    ["67 90", 16, { addressSize: 32 }],
    ["66 67 90", 32, { operandSize: 16, addressSize: 16 }],
    ["67 90", 64, { addressSize: 32 }],
    ["48 01 c0", 64, { operandSize: 64 }],
    ["66 48 01 c0", 64, { operandSize: 64 }],
    // A REX prefix before another prefix does not count.
    ["48 66 01 c0", 64, { operandSize: 16 }],
    ["00 c0", 32, { operandSize: 8 }],
    ["c3", 64, { operandSize: 64 }],
    ["66 c3", 64, { operandSize: 64 }],
    ["66 c3", 32, { operandSize: 16 }],
    ["50", 64, { operandSize: 64 }],
    ["66 50", 64, { operandSize: 16 }],
    ["cb", 64, { operandSize: 32 }],
    ["f3 a4", 32, { repeat: "rep" }],
    ["f2 a4", 32, { repeat: "repne" }],
    ["f2 f3 a6", 32, { repeat: "rep" }],
    ["f3 90", 32, { repeat: "none" }],
    ["f3 01 c0", 32, { repeat: "none" }],
    ["2e 36 a4", 32, { segment: "ss" }],
    ["64 2e a4", 64, { segment: "fs" }],
    ["2e a4", 64, { segment: undefined }],
    ["f0 01 00", 32, { lock: true }],
  ] as const)("%s, %i bits", (hex, bits, expected) => {
    expect(decoded(hex, bits)).toMatchObject(expected);
  });

  it.each([
    ["90", 32, "NOP"],
    ["f3 90", 32, "PAUSE"],
    ["49 90", 64, "XCHG RAX, r64"],
    ["66 0f bc c0", 32, "BSF r16, r/m16"],
    ["f3 0f bc c0", 32, "TZCNT r32, r/m32"],
    ["66 f3 0f b8 c0", 32, "POPCNT r16, r/m16"],
    ["63 c0", 32, "ARPL r/m16, r16"],
    ["48 63 c0", 64, "MOVSXD r64, r/m32"],
    ["67 e3 00", 32, "JCXZ rel8"],
    ["e3 00", 32, "JECXZ rel8"],
    ["82 c0 01", 32, "ADD r/m8, imm8"],
    ["d1 f0", 32, "SHL r/m32, 1"],
    ["f6 c8 01", 32, "TEST r/m8, imm8"],
    ["0f 94 f8", 32, "SETE r/m8"],
    ["48 ef", 64, "OUT DX, EAX"],
    ["66 0f b7 c0", 32, "MOV r16, r/m16"],
  ] as const)("%s, %i bits is %s", (hex, bits, syntax) => {
    expect(decoded(hex, bits).row.syntax).toBe(syntax);
  });
});

describe("operands", () => {
  it("byte registers with and without REX", () => {
    expect(decoded("88 e0", 64).operands).toMatchObject([
      { class: "general", number: 0 },
      { class: "high-byte", number: 0 },
    ]);
    expect(decoded("40 88 e0", 64).operands[1]).toMatchObject({ class: "general", number: 4, width: 8 });
  });

  it("immediates at the width of the operation", () => {
    expect(decoded("48 83 c0 ff", 64).operands[1]).toEqual({
      kind: "immediate",
      width: 64,
      value: 0xffffffffffffffffn,
    });
    expect(decoded("48 05 00 00 00 80", 64).operands[1]).toMatchObject({ value: 0xffffffff80000000n });
    expect(decoded("66 83 c0 80", 32).operands[1]).toEqual({ kind: "immediate", width: 16, value: 0xff80n });
    expect(decoded("6a ff", 64).operands[0]).toMatchObject({ width: 64, value: 0xffffffffffffffffn });
    expect(decoded("c1 e0 ff", 32).operands[1]).toEqual({ kind: "immediate", width: 8, value: 0xffn });
    expect(decoded("48 b8 08 07 06 05 04 03 02 81", 64).operands[1]).toMatchObject({ value: 0x8102030405060708n });
  });

  it("memory", () => {
    const memory = (hex: string, bits: Bits) => decoded(hex, bits).operands.find((o) => o.kind === "memory");
    expect(memory("8b 45 f8", 32)).toMatchObject({ base: 5, displacement: -8n, segment: "ss", width: 32 });
    expect(memory("8b 04 24", 32)).toMatchObject({ base: 4, index: undefined, segment: "ss" });
    expect(memory("8b 05 10 00 00 00", 32)).toMatchObject({ base: undefined, displacement: 16n, ripRelative: false });
    expect(memory("8b 05 10 00 00 00", 64)).toMatchObject({ base: undefined, displacement: 16n, ripRelative: true });
    expect(memory("67 8b 05 10 00 00 00", 64)).toMatchObject({ addressSize: 32, ripRelative: true });
    expect(memory("8b 04 25 10 00 00 00", 64)).toMatchObject({ base: undefined, ripRelative: false });
    expect(memory("43 8b 04 a4", 64)).toMatchObject({ base: 12, index: 12, scale: 4, segment: "ds" });
    expect(memory("41 8b 45 00", 64)).toMatchObject({ base: 13, segment: "ds" });
    expect(memory("8b 42 08", 16)).toMatchObject({
      base: 5,
      index: 6,
      displacement: 8n,
      segment: "ss",
      addressSize: 16,
    });
    expect(memory("8b 06 34 12", 16)).toMatchObject({ base: undefined, displacement: 0x1234n, segment: "ds" });
    expect(memory("64 8b 00", 32)).toMatchObject({ segment: "fs" });
    expect(memory("a1 00 00 00 00 00 00 00 80", 64)).toMatchObject({ displacement: -(1n << 63n), width: 32 });
    expect(memory("0f 01 10", 32)).toMatchObject({ width: undefined });
  });

  it("the mod field means nothing for control and debug registers", () => {
    expect(decoded("0f 20 00", 32)).toMatchObject({
      length: 3,
      operands: [{ number: 0 }, { class: "control", number: 0 }],
    });
    expect(decoded("44 0f 22 c0", 64).operands[0]).toMatchObject({ class: "control", number: 8, width: 64 });
  });

  it("far pointers and distances", () => {
    expect(decoded("ea 78 56 34 12 08 00", 32).operands).toEqual([
      { kind: "far", selector: 8, offset: 0x12345678, width: 32 },
    ]);
    expect(decoded("eb fe", 32).operands).toEqual([{ kind: "relative", distance: -2 }]);
    expect(decoded("e9 00 80", 16).operands).toEqual([{ kind: "relative", distance: -32768 }]);
  });
});

it("never throws, and is never longer than 15 bytes nor than what there is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(...modes), (code, bits) => {
      const result = decode(code, 0, bits);
      if (typeof result !== "string") expect(result.length).toBeLessThanOrEqual(Math.min(15, code.length));
    }),
    { numRuns: 20_000, seed: 1 },
  );
});
