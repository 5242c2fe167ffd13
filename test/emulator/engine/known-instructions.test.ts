import { expect, test } from "vitest";
import type { CachedInstruction } from "../../../emulator/engine/cached-instruction.ts";
import { KnownInstructions } from "../../../emulator/engine/known-instructions.ts";
import { createProcessor } from "../../support/processor.ts";
import { randomNumbers } from "./random-code.ts";

const mode = 2;

/** An instruction of 32-bit code, by its bytes. */
function instructionOf(bytes: readonly number[]): CachedInstruction {
  const { engine } = createProcessor({ bits: 32, code: Uint8Array.from(bytes) });
  const made = engine.code.decodeUncached(32);
  expect(typeof made).toBe("object");
  expect((made as CachedInstruction).length).toBe(bytes.length);
  return made as CachedInstruction;
}

const page = (at: number, bytes: readonly number[]): Uint8Array => {
  const memory = new Uint8Array(4096).fill(0x90);
  memory.set(bytes, at);
  return memory;
};

const code = [
  [0x40],
  [0xc3],
  [0xb0, 0x12],
  [0x8b, 0x0d, 0x00, 0x00, 0x07, 0x00],
  [0x8b, 0x0d, 0x00, 0x00, 0x07, 0x01],
  [0x66, 0xb8, 0x34, 0x12],
  [0x66, 0x05, 0x34, 0x12],
  [0x81, 0x05, 0x00, 0x00, 0x07, 0x00, 0x78, 0x56, 0x34, 0x12],
  [0x81, 0x05, 0x00, 0x00, 0x07, 0x00, 0x78, 0x56, 0x34, 0x13],
  // The same two bytes begin a shorter instruction and a longer one.
  [0x8d, 0x44, 0x24, 0x08],
  [0x8b, 0x04, 0x24],
  [0x8b, 0x04, 0x25, 0x00, 0x00, 0x07, 0x00],
] as const;

test("an instruction is found by its bytes and its mode wherever they are, and by no others", () => {
  const known = new KnownInstructions();
  const instructions = code.map(instructionOf);
  for (const [n, bytes] of code.entries()) {
    expect(known.find(page(40, bytes), 40, mode)).toBeUndefined();
    known.add(page(40, bytes), 40, mode, instructions[n]!);
  }
  for (const [n, bytes] of code.entries()) {
    expect(known.find(page(7, bytes), 7, mode)).toBe(instructions[n]);
    expect(known.find(page(7, bytes), 7, mode + 1)).toBeUndefined();
    for (let at = 0; at < bytes.length; at++) {
      const other = bytes.map((byte, index) => (index === at ? byte ^ 0x80 : byte));
      expect(known.find(page(7, other), 7, mode)).toBeUndefined();
    }
  }
});

test("an instruction is found at the end of a page if all of it is there", () => {
  const known = new KnownInstructions();
  const bytes = [0xb8, 1, 2, 3, 4];
  const instruction = instructionOf(bytes);
  const at = 4096 - bytes.length;
  known.add(page(at, bytes), at, mode, instruction);
  expect(known.find(page(at, bytes), at, mode)).toBe(instruction);
  for (let less = 1; less < bytes.length; less++)
    expect(known.find(page(at + less, bytes.slice(0, -less)), at + less, mode)).toBeUndefined();
});

test("what is found has the bytes that are there, however many were added", () => {
  const random = randomNumbers(1);
  const known = new KnownInstructions();
  const values = new Map<CachedInstruction, number>();
  const example = instructionOf([0xb8, 0, 0, 0, 0]);
  const bytesOf = (value: number) => [0xb8, value & 255, (value >> 8) & 255, (value >> 16) & 255, 0];
  let found = 0;
  for (let n = 0; n < 30_000; n++) {
    const value = random(20_000) * 7;
    const memory = page(0, bytesOf(value));
    const instruction = known.find(memory, 0, mode);
    if (instruction === undefined) {
      const made = { ...example } as CachedInstruction;
      values.set(made, value);
      known.add(memory, 0, mode, made);
      expect(known.find(memory, 0, mode)).toBe(made);
    } else {
      found++;
      expect(values.get(instruction)).toBe(value);
    }
  }
  expect(found).toBeGreaterThan(1000);
});
