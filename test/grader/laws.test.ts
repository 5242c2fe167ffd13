import { describe, expect, it } from "vitest";
import type { Predicate } from "../../grader/assignment.ts";
import { techniques } from "../../isa/technique.ts";
import { edited, seeded } from "../assembler/random.ts";
import { randomProgram } from "../emulator/engine/random-code.ts";
import { example } from "../support/examples.ts";
import { assignmentOf, checkOf, grade } from "./grading.ts";

/** A check of each sort, of which some hold and some do not. */
const asked: readonly Predicate[] = [
  { kind: "output", contains: "H" },
  { kind: "exits", name: ["IO_INSTRUCTION", "#GP"], count: "<= 4" },
  { kind: "exceptions", order: ["#PF", "#GP"] },
  { kind: "state", at: "start", visit: "every", holds: "dword [esp] != 5" },
  { kind: "translation", gva: "esp + 0x1000", writable: true, references: "> 0" },
  { kind: "memory", address: "start", bytes: "90" },
  { kind: "coverage", lines: "a.asm", percent: "> 50" },
  { kind: "instructions", forbidden: ["hlt"] },
  { kind: "sensitive" },
  { kind: "cost", measure: "cycles", is: "< 1000" },
  { kind: "not", of: { kind: "stop", reason: ["halted", "limit"] } },
];

const checks = asked.map((expectation, n) => checkOf(expectation, { id: `check-${n}` }));
const starter = { "a.asm": "bits 32\n%pragma ringside mode protected\nstart: hlt\n" };

/** Bytes that are mostly instructions, at the place that the checks name. */
const randomCode = (seed: number): string =>
  `bits 32\n%pragma ringside mode protected\nstart: db ${[...randomProgram(seed, 32)].join(", ")}\n`;

/** Of every submission there is a result: points between nothing and all, and no check that could not be decided. */
async function graded(source: string, technique: string) {
  const assignment = assignmentOf({ technique, limit: { steps: 30_000 }, checks });
  const result = await grade(assignment, { "a.asm": source }, { starter });
  expect(result.checks.map(({ status }) => status).filter((status) => status === "error")).toEqual([]);
  expect(result.of).toBe(checks.length);
  expect(result.points).toBe(result.checks.filter(({ status }) => status === "passed").length);
  expect(result.checks.every(({ happened }) => happened !== "" && !/\p{Cc}/u.test(happened))).toBe(true);
  return result;
}

const usual = techniques.map(({ id }) => id).filter((id) => id !== "paravirtualization");

describe("any submission has a result, and the same again", () => {
  it.each(Array.from({ length: 14 }, (_, seed) => seed))("random code, seed %i", async (seed) => {
    const technique = usual[seed % usual.length]!;
    const source = randomCode(seed);
    expect(await graded(source, technique)).toEqual(await graded(source, technique));
  });

  it.each(Array.from({ length: 14 }, (_, seed) => seed))(
    "text that somebody has edited at random, seed %i",
    async (seed) => {
      const random = seeded(seed);
      let source = example("page-fault.asm").replace("culprit:", "start:");
      for (let n = 0; n < 1 + (seed % 4); n++) source = edited(source, random);
      await graded(source, usual[seed % usual.length]!);
    },
  );
});
