import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assignmentFor, readAssignment } from "../../grader/read-assignment.ts";

const valid = {
  title: "A",
  files: ["a.asm"],
  checks: [{ id: "one", title: "One", points: 1, expect: { kind: "stop", reason: "halted" } }],
};
const check = valid.checks[0]!;
const withCheck = (fields: object) => ({ ...valid, checks: [{ ...check, ...fields }] });
const expecting = (expectation: object, more: object = {}) => ({ ...withCheck({ expect: expectation }), ...more });
const events = (fields: object) => expecting({ kind: "exits", ...fields });
const machine = { given: ["m.ringside.json"], machine: "m.ringside.json" };
const twoScenarios = { scenarios: [{ name: "x" }, { name: "y", technique: "vtx-shadow" }] };

const parameter = (name: string): string => `$\{${name}}`;

/** Paths and messages of what is wrong. */
function problems(file: unknown): string[] {
  const read = readAssignment(JSON.stringify(file));
  return "problems" in read ? read.problems.map(({ path, message }) => `${path}: ${message}`) : [];
}

const documented = /^ {4}\{\n(?: {4}.*\n)*? {4}\}$/m.exec(
  readFileSync(join(import.meta.dirname, "../../docs/assignment.md"), "utf8"),
)![0];

describe("assignments that are right", () => {
  it.each<[string, unknown]>([
    ["the least", valid],
    ["the documented one", JSON.parse(documented)],
    ["a machine file", expecting({ kind: "schedule", measure: "share", of: "A", is: ">= 0.4" }, machine)],
    ["parts", expecting({ kind: "not", of: { kind: "any", of: [{ kind: "output", contains: "x" }] } })],
    ["names of events", events({ name: ["#GP", "VMEXIT_NPF", "IO_INSTRUCTION", "callout", "INT 82h"] })],
    [
      "figures of two scenarios",
      expecting({ kind: "cost", measure: "cycles", is: "< 0.5", relativeTo: "y", scenario: "x" }, twoScenarios),
    ],
  ])("%s", (_, file) => expect(problems(file)).toEqual([]));
});

describe("wrong assignments", () => {
  it.each<[unknown, string, RegExp]>([
    [[], "", /^The file must be an object/],
    [{}, "", /title is missing/],
    [{ ...valid, check: [] }, "check", /There is no field check; there are \$schema, title/],
    [{ ...valid, program: "b.asm" }, "program", /b\.asm is neither one of files nor of given/],
    [{ ...valid, program: "a.asm", ...machine }, "machine", /either a program or a machine file/],
    [{ ...valid, files: ["../a.asm"] }, "files[0]", /plain path/],
    [{ ...valid, files: ["/etc/passwd"] }, "files[0]", /relative/],
    [{ ...valid, files: ["a.asm", "a.asm"] }, "files[1]", /named twice/],
    [{ ...valid, given: ["a.asm"] }, "given[0]", /cannot be handed in/],
    [{ ...valid, technique: "magic" }, "technique", /one of "bare-metal"/],
    [{ ...valid, limit: { steps: 0 } }, "limit.steps", /at least 1/],
    [{ ...valid, scenarios: [{ name: "x" }, { name: "x" }] }, "scenarios[1].name", /two scenarios named x/],
    [{ ...valid, checks: [check, check] }, "checks[1].id", /two checks with the id one/],
    [withCheck({ id: "One" }), "checks[0].id", /a small letter/],
    [withCheck({ points: -1 }), "checks[0].points", /at least 0/],
    [withCheck({ partial: true }), "checks[0].partial", /only the parts of an all/],
    [withCheck({ scenario: "z" }), "checks[0].scenario", /no scenario z; there are run/],
    [expecting({ kind: "magic" }), "checks[0].expect.kind", /one of "output", "screen"/],
    [expecting({ kind: "all", of: [{ kind: "magic" }] }), "checks[0].expect.of[0].kind", /one of "output"/],
    [expecting({ kind: "all", of: [] }), "checks[0].expect.of", /a list of at least 1/],
    [expecting({ kind: "output" }), "checks[0].expect.kind", /give one of equals, contains, matches/],
    [
      expecting({ kind: "output", equals: "a", contains: "b" }),
      "checks[0].expect.kind",
      /give one of equals, contains, matches only/,
    ],
    [expecting({ kind: "output", matches: "(" }), "checks[0].expect.matches", /no regular expression/],
    [expecting({ kind: "state", holds: "eax ==" }), "checks[0].expect.holds", /a value is missing before the end/],
    [expecting({ kind: "state", holds: "1", visit: 2 }), "checks[0].expect.visit", /name a label/],
    [expecting({ kind: "state", holds: "1", at: "x", visit: 0 }), "checks[0].expect.visit", /at least 1/],
    [expecting({ kind: "memory", address: "x", bytes: "4" }), "checks[0].expect.bytes", /bytes in hexadecimal/],
    [expecting({ kind: "memory", address: "x" }), "checks[0].expect.kind", /one of bytes, text/],
    [expecting({ kind: "translation", gva: "x" }), "checks[0].expect.gva", /say what is expected/],
    [
      expecting({ kind: "translation", gva: "x", mapped: false, user: true }),
      "checks[0].expect.mapped",
      /nothing else/,
    ],
    [events({ name: "IO" }), "checks[0].expect.name", /There is no exit reason “IO”/],
    [events({ count: "3" }), "checks[0].expect.count", /a comparison with how many there are, such as <= 3/],
    [events({ order: ["HLT"], count: "> 1" }), "checks[0].expect.count", /either an order or this/],
    [events({ exactly: true }), "checks[0].expect.exactly", /for an order/],
    [events({ within: ["a"] }), "checks[0].expect.within", /a list of at least 2/],
    [expecting({ kind: "exceptions", name: "#PG" }), "checks[0].expect.name", /no exception “#PG”/],
    [expecting({ kind: "interrupts", name: "32" }), "checks[0].expect.name", /no vector/],
    [expecting({ kind: "io", name: "0x3f8" }), "checks[0].expect.name", /no port/],
    [expecting({ kind: "shadow", name: "missing" }), "checks[0].expect.name", /"missing shadow"/],
    [expecting({ kind: "instructions" }), "checks[0].expect.kind", /forbidden or required/],
    [
      expecting({ kind: "instructions", forbidden: ["move"] }),
      "checks[0].expect.forbidden[0]",
      /no instruction “move”/,
    ],
    [expecting({ kind: "coverage", labels: ["a"], percent: "> 5" }), "checks[0].expect.percent", /for lines/],
    [expecting({ kind: "coverage", lines: "b.asm" }), "checks[0].expect.lines", /neither one of files/],
    [
      expecting({ kind: "cost", measure: "cycles", is: "< 1", relativeTo: "x" }),
      "checks[0].expect.relativeTo",
      /no scenario x/,
    ],
    [
      expecting({ kind: "cost", measure: "cycles", is: "< 1", relativeTo: "x" }, twoScenarios),
      "checks[0].expect.scenario",
      /say in which scenario/,
    ],
    [
      expecting({ kind: "cost", measure: "cycles", is: "< 1", relativeTo: "x", scenario: "x" }, twoScenarios),
      "checks[0].expect.relativeTo",
      /the scenario itself/,
    ],
    [expecting({ kind: "schedule", measure: "jain", is: "> 0.9" }), "checks[0].expect", /runs a program/],
    [expecting({ kind: "sensitive" }, machine), "checks[0].expect", /runs a machine file/],
    [expecting({ kind: "output", contains: "x", vm: "A" }), "checks[0].expect.vm", /runs a program/],
    [
      { ...expecting({ kind: "output", contains: "x" }, machine), memory: 5 },
      "memory",
      /the machine file says that itself/,
    ],
    [
      expecting({ kind: "schedule", measure: "share", is: "> 0.9" }, machine),
      "checks[0].expect.measure",
      /name a VM or vCPU/,
    ],
    [expecting({ kind: "stop", reason: "stopped" }), "checks[0].expect.reason", /one of "halted"/],
    [expecting({ kind: "output", contains: parameter("n") }), "checks[0].expect.contains", /no parameter n/],
    [{ ...valid, parameters: [{ name: "n" }] }, "parameters[0]", /needs from and to/],
    [{ ...valid, parameters: [{ name: "n", from: 2, to: 1 }] }, "parameters[0].to", /no number from 2 to 1/],
    [{ ...valid, parameters: [{ name: "n", from: 1, to: 2, oneOf: [1] }] }, "parameters[0]", /either oneOf/],
  ])("%j", (file, path, message) => {
    const found = problems(file);
    expect(
      found.some((problem) => problem.startsWith(`${path}: `) && message.test(problem.slice(path.length + 2))),
      found.join("\n"),
    ).toBe(true);
  });

  it("says where", () => {
    const text = JSON.stringify(withCheck({ points: -1 }), null, 2);
    const read = readAssignment(text);
    const line = text.split("\n").findIndex((one) => one.includes('"points"')) + 1;
    expect(read).toMatchObject({ problems: [{ line, column: 7 }] });
  });

  it("says where something is missing", () => {
    const text = JSON.stringify(expecting({ kind: "coverage" }), null, 2);
    const read = readAssignment(text);
    const line = text.split("\n").findIndex((one) => one.includes('"kind"')) + 1;
    expect(read).toMatchObject({ problems: [{ path: "checks[0].expect.kind", line }] });
    const state = JSON.stringify(
      expecting({ kind: "cost", measure: "steps", is: "> 1", relativeTo: "x" }, twoScenarios),
      null,
      2,
    );
    const expectLine = state.split("\n").findIndex((one) => one.includes('"expect"')) + 1;
    expect(readAssignment(state)).toMatchObject({
      problems: [{ path: "checks[0].expect.scenario", line: expectLine }],
    });
  });
});

describe("parameters", () => {
  const { assignment } = readAssignment(
    JSON.stringify({
      ...expecting({ kind: "output", contains: ["n", "word", "address"].map(parameter).join(" ") }),
      parameters: [
        { name: "n", from: 1, to: 1_000_000 },
        { name: "word", oneOf: ["ring", "side"] },
        { name: "address", from: 0xa00, to: 0xaff, as: "hexadecimal" },
      ],
    }),
  ) as { assignment: Parameters<typeof assignmentFor>[0] };
  const textOf = (student: string, edition?: string) =>
    (
      assignmentFor({ ...assignment, ...(edition !== undefined && { edition }) }, student).checks[0]!.expect as {
        contains: string;
      }
    ).contains;

  it("are the same for the same student, others for others and in another edition", () => {
    expect(textOf("ada")).toBe(textOf("ada"));
    expect(textOf("ada")).toMatch(/^\d+ (ring|side) 0A[0-9A-F]{2}h$/);
    expect(new Set(["ada", "grace", "barbara"].map((student) => textOf(student))).size).toBe(3);
    expect(textOf("ada", "2027")).not.toBe(textOf("ada"));
  });
});
