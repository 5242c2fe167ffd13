import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { createMachine, type Machine } from "../../../emulator/machine.ts";
import { startModeOf } from "../../../emulator/memory/start-modes.ts";
import type { TechniqueId } from "../../../isa/technique.ts";

const results = 0x9000n;

function run(name: string, technique: TechniqueId): Machine {
  const file = `${name}.asm`;
  const text = readFileSync(new URL(`programs/${file}`, import.meta.url), "utf8");
  const { problems, bytes, origin, settings } = assemble({ file, text });
  expect(problems).toEqual([]);
  const machine = createMachine({
    technique,
    image: bytes,
    origin,
    mode: startModeOf(settings.mode ?? "real", 16),
    memory: 16,
    fiveLevelPaging: true,
  });
  const stop = machine.run({ steps: 100_000 });
  expect(stop).toMatchObject({ kind: "stopped", reason: "halted" });
  return machine;
}

function read(machine: Machine, bytes: number, count: number): string[] {
  const memory = machine.readMemory("guest-physical", results, bytes * count).map((byte) => byte!);
  return Array.from({ length: count }, (_, n) =>
    memory
      .slice(n * bytes, (n + 1) * bytes)
      .reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
      .toString(16)
      .toUpperCase(),
  );
}

interface Program {
  readonly name: string;
  /** Bytes of each result, and the results. */
  readonly bytes: 2 | 4 | 8;
  readonly expected: readonly string[];
}

const programs: readonly Program[] = [
  {
    name: "virtual-8086",
    bytes: 4,
    expected: ["ABCD", "1234", "A", "800", "23002", "FE", "1234", "4321", "0", "D", "BEEF"],
  },
  {
    name: "rings",
    bytes: 4,
    expected: ["19", "22", "11", "5FFF8", "60000", "33", "4", "8", "2B", "6EFEC", "2", "2", "0", "0", "10", "20A"],
  },
  {
    name: "long-user",
    bytes: 8,
    expected: [
      ...["0", "202", "8", ...Array<string>(13).fill("0")],
      ...["3", "5", "7", "15", "0", "0", "100000", "100000", "600000", "0", "0"],
      ...["8FFD0", "0", "0", "FFFF000000000000"],
    ],
  },
  { name: "single-step", bytes: 4, expected: ["20E", "1", "9", "2", "0"] },
  {
    name: "task-switch",
    bytes: 4,
    expected: ["22222222", "180020", "4002", "11111111", "86", "10086", "70000", "3", "8", "898B", "2", "5"],
  },
  { name: "five-level", bytes: 8, expected: ["1", "39", "1122334455667788", "10000000008"] },
];

test("task switches, under trap and emulate", () => {
  const { name, bytes, expected } = programs.find((program) => program.name === "task-switch")!;
  // STR and PUSHF do not trap, and tell of the real machine: the VMM's TSS, and IF set.
  const lies = new Map([
    [1, "18FFF0"],
    [2, "4202"],
    [4, "286"],
    [10, "202"],
  ]);
  const seen = expected.map((value, n) => lies.get(n) ?? value);
  expect(read(run(name, "trap-and-emulate"), bytes, expected.length)).toEqual(seen);
});

describe.each(["bare-metal", "vtx-ept"] as const)("under %s", (technique) => {
  test.each(programs)("$name", ({ name, bytes, expected }) => {
    expect(read(run(name, technique), bytes, expected.length)).toEqual(expected);
  });
});
