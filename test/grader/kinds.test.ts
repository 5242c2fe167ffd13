import { describe, expect, it } from "vitest";
import type { Predicate } from "../../grader/assignment.ts";
import { assignmentSchema } from "../../grader/schema.ts";
import { example } from "../support/examples.ts";
import { assignmentOf, checkOf, grade } from "./grading.ts";

type Case = [
  source: string,
  expectation: Predicate,
  status: "passed" | "failed" | "error",
  happened: RegExp,
  run?: object,
];

const cases: readonly Case[] = [
  [
    "hello.asm",
    { kind: "output", equals: "Hello from the guest!\n" },
    "passed",
    /^it printed “Hello from the guest!\\n”$/,
  ],
  ["hello.asm", { kind: "output", equals: "Hello from a guest!\n" }, "failed", /it printed “Hello from the guest/],
  ["hello.asm", { kind: "output", contains: "the guest" }, "passed", /printed/],
  ["hello.asm", { kind: "output", matches: "^Hello .*!\n$" }, "passed", /printed/],
  ["hello.asm", { kind: "output", matches: "^hello" }, "failed", /printed/],
  ["hello.asm", { kind: "output", device: "UART", contains: "Hello" }, "passed", /printed/],
  ["hello.asm", { kind: "output", device: "debug port", contains: "Hello" }, "failed", /^it printed nothing$/],
  ["hello.asm", { kind: "screen", contains: "Hello" }, "failed", /^it shows nothing$/],
  ["boot-sector.asm", { kind: "screen", contains: "loaded from the disk" }, "passed", /^it shows “Booted by/],
  ["hello.asm", { kind: "state", holds: "al == 0 && dx == 0x3f8" }, "passed", /al is 0x00 \(0\), dx is 0x03f8/],
  ["hello.asm", { kind: "state", holds: "al == 'H'", at: "done" }, "failed", /^al is 0x00/],
  [
    "hello.asm",
    { kind: "state", holds: "byte [si - 1] == 'H'", at: "print", visit: 2 },
    "passed",
    /byte \[si - 0x1\] is 0x48/,
  ],
  ["hello.asm", { kind: "state", holds: "si >= text", at: "print", visit: "every" }, "passed", /si is/],
  ["hello.asm", { kind: "state", holds: "si == text", at: "print", visit: "every" }, "failed", /si is/],
  ["hello.asm", { kind: "state", holds: "si == text + 22", at: "print", visit: "last" }, "passed", /si is/],
  ["hello.asm", { kind: "state", holds: "1", at: "print", visit: 50 }, "failed", /^print was reached 23 of 50 times$/],
  ["hello.asm", { kind: "state", holds: "1", at: "text" }, "failed", /^text was never reached$/],
  ["hello.asm", { kind: "not", of: { kind: "state", holds: "1", at: "text" } }, "failed", /^text was never reached$/],
  [
    "hello.asm",
    { kind: "state", holds: "nothing == 1" },
    "error",
    /^there is no label nothing, not in the starter either$/,
  ],
  ["hello.asm", { kind: "state", holds: "1", at: "nothing" }, "error", /no label nothing/],
  ["hello.asm", { kind: "memory", address: "text", text: "Hello" }, "passed", /^there is “Hello”$/],
  ["hello.asm", { kind: "memory", address: "text + 1", bytes: "65 6C6d" }, "failed", /^there is 65 6c 6c$/],
  ["hello.asm", { kind: "memory", address: "0x7c00", space: "guest-physical", bytes: "be" }, "passed", /be/],
  [
    "hello.asm",
    { kind: "memory", address: "0x7fffffff", space: "guest-physical", bytes: "be" },
    "failed",
    /no memory at/,
  ],
  ["hello.asm", { kind: "exits", name: "IO_INSTRUCTION", count: "== 22" }, "passed", /^22 exits of IO_INSTRUCTION$/],
  ["hello.asm", { kind: "exits", name: "IO_INSTRUCTION", count: "<= 3" }, "failed", /^22 exits/],
  [
    "hello.asm",
    { kind: "exits", name: ["IO_INSTRUCTION", "HLT"], count: "== 23" },
    "passed",
    /^23 exits of IO_INSTRUCTION or HLT/,
  ],
  ["hello.asm", { kind: "exits", name: "CPUID" }, "failed", /^no exits of CPUID, but 22 IO_INSTRUCTION, /],
  ["hello.asm", { kind: "exits", name: "IO_INSTRUCTION", about: "al = 48h", count: "== 1" }, "passed", /^1 exit /],
  ["hello.asm", { kind: "exits", within: ["done", "text"], count: "== 1" }, "passed", /^1 exit from done to text$/],
  ["hello.asm", { kind: "exits", order: ["IO_INSTRUCTION", "HLT"] }, "passed", /they were/],
  [
    "hello.asm",
    { kind: "exits", order: ["HLT", "IO_INSTRUCTION"] },
    "failed",
    /IO_INSTRUCTION did not come in its place$/,
  ],
  ["hypercall.asm", { kind: "hypercalls", order: ["SCHED_YIELD"] }, "passed", /^they were SCHED_YIELD, /],
  ["hypercall.asm", { kind: "hypercalls", order: ["SCHED_YIELD"], exactly: true }, "failed", /they were SCHED_YIELD, /],
  ["hypercall.asm", { kind: "hypercalls", name: "11", count: "== 1" }, "passed", /^1 hypercall of 11$/],
  ["page-fault.asm", { kind: "exceptions", name: "#PF", count: "== 1" }, "passed", /^1 exception/],
  ["page-fault.asm", { kind: "exceptions", name: "#GP" }, "failed", /^no exceptions of #GP, but 1 #PF$/],
  [
    "page-fault.asm",
    { kind: "injections", name: "#PF", count: ">= 1" },
    "passed",
    /injections of #PF$/,
    { technique: "vtx-shadow" },
  ],
  ["page-fault.asm", { kind: "injections", name: "#UD" }, "failed", /^no injections of #UD, but \d+ #PF$/],
  ["page-fault.asm", { kind: "ept", name: "violation", count: ">= 8" }, "passed", /^8 EPT exits of violation$/],
  ["page-fault.asm", { kind: "ept", name: "violation", access: "execute", count: "== 1" }, "passed", /^1 EPT exit/],
  [
    "page-fault.asm",
    { kind: "ept", name: "violation", count: ">= 8" },
    "passed",
    /^8 EPT exits/,
    { technique: "svm-npt" },
  ],
  ["page-fault.asm", { kind: "ept", name: "misconfiguration" }, "failed", /^no EPT exits/],
  ["timer.asm", { kind: "interrupts" }, "passed", /interrupts?$/],
  ["timer.asm", { kind: "interrupts", name: "3h" }, "failed", /^no interrupts of 3h, but/],
  ["hello.asm", { kind: "io", name: "3F8h", count: "== 22" }, "passed", /^22 port accesses/],
  ["is-prime.asm", { kind: "translations", name: "chain", about: "elided" }, "passed", /^\d+ events/],
  ["is-prime.asm", { kind: "translations", name: "invalidate" }, "failed", /^no events/],
  ["hello.asm", { kind: "io", name: "60h" }, "failed", /^no port accesses of 60h, but 22 3F8h$/],
  ["shadow-faults.asm", { kind: "shadow", name: "true guest fault", count: "== 1" }, "passed", /^1 shadow event/],
  ["shadow-faults.asm", { kind: "shadow", name: "missing shadow", count: "== 0" }, "failed", /^\d+ shadow events/],
  ["hello.asm", { kind: "instructions", forbidden: ["in", "hlt"] }, "failed", /^hlt at a\.asm:\d+$/],
  ["hello.asm", { kind: "instructions", forbidden: ["in"], required: ["cli", "out"] }, "passed", /^so it is$/],
  ["hello.asm", { kind: "instructions", required: ["vmcall", "hlt"] }, "failed", /^there is no vmcall$/],
  ["hello.asm", { kind: "instructions", forbidden: ["out"], within: ["done", "text"] }, "passed", /so it is/],
  ["hello.asm", { kind: "instructions", forbidden: ["out"], within: ["print", "done"] }, "failed", /^out at a\.asm:/],
  ["silent-lies.asm", { kind: "sensitive", technique: "trap-and-emulate" }, "failed", /^a\.asm:\d+: /],
  ["silent-lies.asm", { kind: "sensitive", technique: "vtx-ept" }, "passed", /^there is none$/],
  [
    "page-fault.asm",
    { kind: "translation", gva: "0x40000000", gpa: "0x400000", writable: true, user: false },
    "passed",
    /mapped to 0x400000/,
  ],
  [
    "page-fault.asm",
    { kind: "translation", gva: "LINEAR", gpa: "FRAME", executable: true },
    "passed",
    /it is executable/,
  ],
  ["page-fault.asm", { kind: "translation", gva: "LINEAR", gpa: "0x500000" }, "failed", /^gpa is 0x400000$/],
  ["page-fault.asm", { kind: "translation", gva: "LINEAR", user: true }, "failed", /^it is not for user mode$/],
  [
    "page-fault.asm",
    { kind: "translation", gva: "LINEAR", mapped: false, at: "culprit" },
    "passed",
    /^it is not mapped \(#PF/,
  ],
  ["page-fault.asm", { kind: "translation", gva: "LINEAR", mapped: false }, "failed", /^it is mapped to 0x400000$/],
  [
    "page-fault.asm",
    { kind: "translation", gva: "0x1000", references: "== 19" },
    "passed",
    /its walk takes 19 references/,
  ],
  [
    "page-fault.asm",
    { kind: "translation", gva: "0x1000", references: "< 19" },
    "failed",
    /^its walk takes 19 references/,
  ],
  ["page-fault.asm", { kind: "translation", gva: "0x8000", hpa: "0x8000" }, "failed", /^hpa is 0x208000$/],
  ["hello.asm", { kind: "equivalence" }, "passed", /^no difference in \d+ instructions$/],
  [
    "silent-lies.asm",
    { kind: "equivalence" },
    "failed",
    /^the first difference is at a\.asm:\d+, after \d+/,
    { technique: "trap-and-emulate" },
  ],
  ["hello.asm", { kind: "coverage", labels: ["print", "done"] }, "passed", /^all were$/],
  ["hello.asm", { kind: "coverage", labels: ["print", "text"] }, "failed", /^text was not$/],
  ["hello.asm", { kind: "coverage", lines: "a.asm" }, "passed", /^100\.0 % ran$/],
  ["page-fault.asm", { kind: "coverage", lines: "a.asm" }, "failed", /^\d+\.\d % ran, all but lines \d+, /],
  ["page-fault.asm", { kind: "coverage", lines: "a.asm", percent: ">= 80" }, "passed", /ran/],
  ["hello.asm", { kind: "cost", measure: "exits", is: "<= 30" }, "passed", /^\d+ exits$/],
  ["hello.asm", { kind: "cost", measure: "cycles", is: "< 100" }, "failed", /^[\d,]+ cycles$/],
  ["hello.asm", { kind: "stop", reason: "halted" }, "passed", /^halted: HLT with/],
  ["hello.asm", { kind: "stop", reason: ["limit", "triple-fault"] }, "failed", /^halted:/],
  ["hello.asm", { kind: "stop", reason: "halted", about: "IF = 0" }, "passed", /^halted:/],
  [
    "faults/endless-loop.asm",
    { kind: "stop", reason: "limit" },
    "passed",
    /still running after 100,000 steps/,
    { limit: { steps: 100_000 } },
  ],
  [
    "faults/endless-loop.asm",
    { kind: "stop", reason: "limit" },
    "passed",
    /still running after 50,000 cycles/,
    { limit: { cycles: 50_000 } },
  ],
  [
    "hello.asm",
    {
      kind: "all",
      of: [
        { kind: "output", contains: "Hello" },
        { kind: "stop", reason: "halted" },
      ],
    },
    "passed",
    /printed .*; halted/,
  ],
  [
    "hello.asm",
    {
      kind: "all",
      of: [
        { kind: "output", contains: "x" },
        { kind: "stop", reason: "halted" },
      ],
    },
    "failed",
    /^it printed “[^”]*”$/,
  ],
  [
    "hello.asm",
    {
      kind: "any",
      of: [
        { kind: "output", contains: "x" },
        { kind: "stop", reason: "halted" },
      ],
    },
    "passed",
    /^halted/,
  ],
  [
    "hello.asm",
    {
      kind: "any",
      of: [
        { kind: "output", contains: "x" },
        { kind: "stop", reason: "reset" },
      ],
    },
    "failed",
    /printed/,
  ],
  ["hello.asm", { kind: "not", of: { kind: "output", contains: "x" } }, "passed", /printed/],
  ["hello.asm", { kind: "not", of: { kind: "stop", reason: "halted" } }, "failed", /^halted/],
];

/** Kinds that have tests of their own: in evaluate.test.ts and kept.test.ts. */
const elsewhere: readonly string[] = ["schedule", "kept"];

it("every kind has cases that pass and that fail", () => {
  const kinds = assignmentSchema.definitions!["predicate"]!.oneOf!.map(({ properties }) => properties!["kind"]!.const!);
  const lacking = (status: string): string[] =>
    kinds.filter(
      (kind) => !elsewhere.includes(kind) && !cases.some((one) => one[1].kind === kind && one[2] === status),
    );
  expect({ passed: lacking("passed"), failed: lacking("failed") }).toEqual({ passed: [], failed: [] });
});

describe("what can be expected of a run", () => {
  it.each<Case>([...cases])("%s: %j is %s", async (source, expectation, status, happened, run) => {
    const assignment = assignmentOf({ ...run, checks: [checkOf(expectation)] });
    const result = await grade(assignment, { "a.asm": example(source) });
    const [check] = result.checks;
    expect(check).toMatchObject({ status, happened: expect.stringMatching(happened) });
    expect(check!.points).toBe(status === "passed" ? 1 : 0);
    expect(result.of).toBe(status === "error" ? 0 : 1);
  });
});
