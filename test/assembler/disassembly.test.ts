import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assemble, type DisassembledLine, disassemble } from "../../assembler/index.ts";
import type { Bits } from "../../isa/operands.ts";
import { generatedLines, pseudoRandom } from "../isa/generated-lines.ts";
import { assembleLines, hasNasm, ownLines } from "../isa/nasm.ts";
import { modes } from "../isa/samples.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";

const origins: Record<Bits, number> = { 16: 0x7c00, 32: 0x10_0000, 64: 0x20_0000 };

const sourceOf = (lines: readonly DisassembledLine[], bits: Bits): string =>
  [
    `bits ${bits}`,
    `org ${origins[bits]}`,
    ...lines.map(({ text, comment }) => (comment ? `${text} ; ${comment}` : text)),
    "",
  ].join("\n");

/** Uniform bytes, and bytes among which prefixes and the usual opcodes are frequent. */
function randomBytes(bits: Bits, count: number): Uint8Array {
  const random = pseudoRandom(bits);
  const frequent = [0x0f, 0x66, 0x67, 0xf3, 0x48, 0x8b, 0x89, 0x83, 0x81, 0xff, 0x24, 0x04, 0x2e, 0x41, 0xe9, 0x74];
  return Uint8Array.from({ length: count }, () => {
    const value = random.next().value;
    return random.next().value < 0.3 ? frequent[Math.floor(value * frequent.length)]! : Math.floor(value * 256);
  });
}

/** Expects the bytes back; a difference shows the first line that has another meaning. */
function expectBack(bytes: Uint8Array, bits: Bits): void {
  const source = sourceOf(disassemble(bytes, bits, origins[bits]), bits);
  const expected = shown(bytes);
  expect(shown(ringsideOutput(source))).toBe(expected);
  if (hasNasm) expect(shown(nasmOutput(source))).toBe(expected);
}

describe("what is disassembled assembles to the same bytes, with nasm too", () => {
  it.each(modes)("random bytes, %i bits", (bits) => {
    expectBack(randomBytes(bits, 12_000), bits);
  });

  it.each(modes)("generated instructions, %i bits", (bits) => {
    const lines = generatedLines(bits, 4);
    const made = hasNasm ? assembleLines(bits, lines) : ownLines(bits, lines);
    const hex = made.flatMap((line) => ("bytes" in line ? line.bytes : []));
    expectBack(Uint8Array.from(Buffer.from([...new Set(hex)].join(""), "hex")), bits);
  });

  const examples = join(import.meta.dirname, "..", "..", "examples");
  it.each(readdirSync(examples).filter((name) => name.endsWith(".asm")))("%s", (file) => {
    const { bytes, bits } = assemble({ file, text: readFileSync(join(examples, file), "utf8") });
    expectBack(bytes, bits);
  });
});

describe("the text of an encoding that an assembler would not choose", () => {
  it.each([
    [32, "83c005", "add eax, 5"],
    [32, "81c305000000", "add ebx, strict dword 5"],
    [64, "4881c305000000", "add rbx, strict qword 5"],
    [64, "48b80500000000000000", "mov rax, strict qword 5"],
    [32, "8b4300", "mov eax, [byte ebx]"],
    [32, "8b8305000000", "mov eax, [dword ebx+5]"],
    [16, "8b8f0500", "mov cx, [word bx+5]"],
    [32, "3e90", "ds nop"],
    [32, "f3c3", "rep ret"],
    [64, "2e8b00", "cs mov eax, [rax]"],
    [32, "7400", "je short 0x100002"],
    [32, "0f8400000000", "je near 0x100006"],
    [16, "e9fdff", "jmp near 0x7c00"],
    [64, "488b0500000000", "mov rax, [rel $+7]"],
    [32, "8bc3", "db 0x8b, 0xc3 ; mov eax, ebx"],
    [32, "6666c3", "db 0x66, 0x66, 0xc3 ; o16 ret"],
    [64, "06", "db 0x06"],
  ] as const)("%i bits: %s", (bits, hex, text) => {
    const [line, ...more] = disassemble(Uint8Array.from(Buffer.from(hex, "hex")), bits, origins[bits]);
    expect(line!.comment ? `${line!.text} ; ${line!.comment}` : line!.text).toBe(text);
    expect(more).toEqual([]);
  });
});
