import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { ignoresSize } from "../../isa/format.ts";
import { decode, format } from "../../isa/index.ts";
import type { Bits, Decoded, Memory, Operand } from "../../isa/operands.ts";
import { formOf } from "../../isa/table.ts";
import { modes } from "./samples.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("NASM text", () => {
  it.each([
    ["83 c0 05", 32, "add eax, 5"],
    ["83 e8 f0", 32, "sub eax, -0x10"],
    ["83 e0 f0", 32, "and eax, 0xfffffff0"],
    ["c7 00 05 00 00 00", 32, "mov dword [eax], 5"],
    ["8b 45 f8", 32, "mov eax, [ebp-8]"],
    ["64 8b 44 8b 10", 32, "mov eax, [fs:ebx+ecx*4+0x10]"],
    ["a1 00 80 0b 00", 32, "mov eax, [0xb8000]"],
    ["67 a1 34 12", 32, "mov eax, [word 0x1234]"],
    ["8b 05 00 10 00 00", 64, "mov eax, [rel $+0x1006]"],
    ["0f b6 00", 32, "movzx eax, byte [eax]"],
    ["8e d8", 32, "mov ds, ax"],
    ["0f 22 c0", 32, "mov cr0, eax"],
    ["eb fe", 32, "jmp short $+0"],
    ["e8 fb ff ff ff", 32, "call $+0"],
    ["74 10", 32, "je $+0x12"],
    ["ea 78 56 34 12 08 00", 32, "jmp 8:0x12345678"],
    ["66 ea 34 12 08 00", 32, "jmp word 8:0x1234"],
    ["ff 28", 32, "jmp far [eax]"],
    ["f3 a5", 32, "rep movsd"],
    ["f3 a6", 32, "repe cmpsb"],
    ["f2 ae", 32, "repne scasb"],
    ["26 ac", 32, "es lodsb"],
    ["67 ac", 32, "a16 lodsb"],
    ["f0 ff 00", 32, "lock inc dword [eax]"],
    ["66 9c", 32, "pushfw"],
    ["9c", 32, "pushfd"],
    ["66 6a 05", 32, "push word 5"],
    ["6a 05", 32, "push 5"],
    ["66 c3", 32, "o16 ret"],
    ["d1 e0", 32, "shl eax, 1"],
    ["ec", 32, "in al, dx"],
    ["67 e2 fe", 32, "a16 loop $+1"],
    ["66 0f 01 10", 32, "o16 lgdt [eax]"],
    ["8b 04 2d 00 00 00 00", 32, "mov eax, [nosplit ebp*1]"],
  ] as const)("%s, %i bits: %s", (hex, bits, text) => {
    const decoded = decode(bytes(hex), 0, bits);
    expect(typeof decoded === "string" ? decoded : format(decoded)).toBe(text);
  });

  it("names targets by their address or symbol", () => {
    const call = decode(bytes("e8 fb 0f 00 00"), 0, 32) as Decoded;
    expect(format(call, { address: 0x1000n })).toBe("call 0x2000");
    expect(format(call, { address: 0x1000n, symbol: (address) => (address === 0x2000n ? "main" : undefined) })).toBe(
      "call main",
    );
    const load = decode(bytes("8b 05 fa 0f 00 00"), 0, 64) as Decoded;
    expect(format(load, { address: 0x1000n })).toBe("mov eax, [rel 0x2000]");
    const back = decode(bytes("eb 80"), 0, 16) as Decoded;
    expect(format(back, { address: 0n })).toBe("jmp short 0xff82");
  });
});

/** What nasm cannot express: the text is right, but not accepted. */
const notWritable = (text: string): boolean =>
  // MOVSXD without REX.W, BSWAP of 16 bits.
  /^movsxd e|^movsxd r\d+d|^movsxd \w+, \[|^bswap (\w\w|r\d+w)$/.test(text);

/** Address as what each register is multiplied by: [eax*1] is [eax], [ecx+ecx] is [ecx*2]. */
function sumOf({ base, index, scale }: Memory): Record<number, number> {
  const sum: Record<number, number> = {};
  if (base !== undefined) sum[base] = 1;
  if (index !== undefined) sum[index] = (sum[index] ?? 0) + scale;
  return sum;
}

function operandMeaning(operand: Operand, { length, bits }: Decoded): unknown {
  switch (operand.kind) {
    case "immediate":
      return operand.value;
    case "relative":
      // The target counts, from the beginning of an instruction that may have lost prefixes without effect.
      return operand.distance + length;
    case "memory": {
      const { ripRelative, displacement, segment, addressSize, width } = operand;
      const place = ripRelative ? displacement + BigInt(length) : displacement;
      return {
        addressSize,
        width,
        ripRelative,
        segment: bits === 64 && !/[fg]s/.test(segment) ? "flat" : segment,
        sum: sumOf(operand),
        place,
      };
    }
    default:
      return operand;
  }
}

/** Facts of an instruction that its text must preserve. */
function meaning(decoded: Decoded): unknown {
  const { row, operandSize, addressSize, lock, repeat, operands } = decoded;
  const [first, second] = operands;
  // A 64-bit register gets the same from the shorter 32-bit MOV of a selector or small number, which nasm chooses.
  const shortened =
    row.mnemonic === "mov" &&
    first?.kind === "register" &&
    first.width >= 32 &&
    (second?.kind === "immediate" || (second?.kind === "register" && second.class === "segment"));
  const sizeMatters = !ignoresSize(formOf(row)) && !shortened && row.mnemonic !== "sldt";
  const meanings = operands.map((operand) =>
    operand.kind === "register" && !sizeMatters ? operand.number : operandMeaning(operand, decoded),
  );
  // What XCHG and TEST do with two registers, they do in either order.
  const registers = operands.every((operand) => operand.kind === "register");
  if (registers && /^(xchg|test)$/.test(row.mnemonic)) meanings.sort((a, b) => (inspect(a) < inspect(b) ? -1 : 1));
  return {
    mnemonic: row.mnemonic,
    operandSize: sizeMatters ? operandSize : undefined,
    addressSize: row.repeat !== "none" ? addressSize : undefined,
    lock,
    repeat,
    operands: meanings,
  };
}

describe("text assembles back", () => {
  it.each(modes)("to the same meaning, %i bits", (bits: Bits) => {
    const prefix = fc.constantFrom(0x66, 0x67, 0xf0, 0xf3, 0x26, 0x65, 0x0f, 0x48, 0x45);
    const code = fc
      .tuple(fc.array(prefix, { maxLength: 2 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(([first, rest]) => Uint8Array.from([...first, ...rest]).subarray(0, 16));
    fc.assert(
      fc.property(code, (source) => {
        const decoded = decode(source, 0, bits);
        if (typeof decoded === "string") return;
        const text = format(decoded);
        const { bytes: again, problems } = assemble({ file: "back.asm", text: `bits ${bits}\n${text}\n` });
        const errors = problems.filter((problem) => problem.severity === "error").map((problem) => problem.message);
        if (errors.length > 0 && notWritable(text)) return;
        // Without a prefix that had no effect the target is a byte further away.
        if (errors.some((error) => error.includes("too far away")) && decoded.length > 2) return;
        expect(errors, text).toEqual([]);
        const back = decode(again, 0, bits);
        expect(typeof back === "string" ? back : meaning(back), text).toEqual(meaning(decoded));
      }),
      { numRuns: 5000, seed: 1 },
    );
  });
});
