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

const pageBytes = 4096;

/** Two pages of memory; instructions are put into the first. */
function createKnown() {
  const memory = new Uint8Array(2 * pageBytes);
  const known = new KnownInstructions(memory.buffer);
  const put = (at: number, bytes: readonly number[]): void => {
    memory.fill(0x90);
    memory.set(bytes, at);
  };
  return {
    add(at: number, bytes: readonly number[], instruction: CachedInstruction): void {
      put(at, bytes);
      known.add(at, pageBytes - at, mode, instruction);
    },
    find(at: number, bytes: readonly number[], inMode = mode): CachedInstruction | undefined {
      put(at, bytes);
      return known.find(at, pageBytes - at, inMode);
    },
  };
}

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

test("an instruction is found wherever its bytes begin in a word", () => {
  const known = createKnown();
  const instructions = code.map(instructionOf);
  for (const [n, bytes] of code.entries()) known.add(0, bytes, instructions[n]!);
  for (let at = 1; at < 20; at++)
    for (const [n, bytes] of code.entries()) expect(known.find(at, bytes)).toBe(instructions[n]);
});

test("two zero bytes are never known: they may be no code", () => {
  const known = createKnown();
  known.add(0, [0, 0], instructionOf([0, 0]));
  expect(known.find(0, [0, 0])).toBeUndefined();
});

test("an instruction is found by its bytes and its mode wherever they are, and by no others", () => {
  const known = createKnown();
  const instructions = code.map(instructionOf);
  for (const [n, bytes] of code.entries()) {
    expect(known.find(40, bytes)).toBeUndefined();
    known.add(40, bytes, instructions[n]!);
  }
  for (const [n, bytes] of code.entries()) {
    expect(known.find(7, bytes)).toBe(instructions[n]);
    expect(known.find(7, bytes, mode + 1)).toBeUndefined();
    for (let at = 0; at < bytes.length; at++) {
      const other = bytes.map((byte, index) => (index === at ? byte ^ 0x80 : byte));
      expect(known.find(7, other)).toBeUndefined();
    }
  }
});

test("an instruction is found at the end of a page if all of it is there", () => {
  const known = createKnown();
  const bytes = [0xb8, 1, 2, 3, 4];
  const instruction = instructionOf(bytes);
  const at = 4096 - bytes.length;
  known.add(at, bytes, instruction);
  expect(known.find(at, bytes)).toBe(instruction);
  for (let less = 1; less < bytes.length; less++) expect(known.find(at + less, bytes.slice(0, -less))).toBeUndefined();
});

test("what is found has the bytes that are there, however many were added", () => {
  const random = randomNumbers(1);
  const known = createKnown();
  const values = new Map<CachedInstruction, number>();
  const example = instructionOf([0xb8, 0, 0, 0, 0]);
  const bytesOf = (value: number) => [0xb8, value & 255, (value >> 8) & 255, (value >> 16) & 255, 0];
  let found = 0;
  for (let n = 0; n < 30_000; n++) {
    const value = random(20_000) * 7;
    const instruction = known.find(0, bytesOf(value));
    if (instruction === undefined) {
      const made = { ...example } as CachedInstruction;
      values.set(made, value);
      known.add(0, bytesOf(value), made);
      expect(known.find(0, bytesOf(value))).toBe(made);
    } else {
      found++;
      expect(values.get(instruction)).toBe(value);
    }
  }
  expect(found).toBeGreaterThan(1000);
});
