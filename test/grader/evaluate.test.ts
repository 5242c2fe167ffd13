import { describe, expect, it } from "vitest";
import { checkTrace } from "../../grader/check-trace.ts";
import { coverageOf } from "../../grader/coverage-run.ts";
import { techniques } from "../../isa/technique.ts";
import { example } from "../support/examples.ts";
import { assignmentOf, checkOf, filesOf, grade } from "./grading.ts";

const halted = { kind: "stop", reason: "halted" } as const;
const prints = (contains: string) => ({ kind: "output", contains }) as const;
const hello = { "a.asm": example("hello.asm") };

/** The guest writes a text to the debug port and halts. */
const printing = (text: string): string =>
  `bits 32\n%pragma ringside mode protected\nstart: mov esi, text\nnext: lodsb\ntest al, al\njz done\nout 0E9h, al\njmp next\ndone: cli\nhlt\ntext: db ${text}, 0\n`;

describe("submissions that cannot be run", () => {
  it("lose the points of their checks, also of those that ask for the opposite", async () => {
    const assignment = assignmentOf({
      checks: [checkOf({ kind: "not", of: prints("x") }), checkOf(halted, { id: "two" })],
    });
    const { points, of, checks, scenarios } = await grade(assignment, { "a.asm": "mov eax\nhlt\n" });
    expect({ points, of }).toEqual({ points: 0, of: 2 });
    expect(checks[0]).toMatchObject({
      status: "failed",
      happened: expect.stringMatching(/does not assemble: a\.asm:1:/),
    });
    expect(scenarios[0]!.problem).toMatch(/does not assemble/);
  });

  it.each([
    { kind: "any", of: [prints("x"), halted] },
    { kind: "all", of: [prints("x"), halted] },
    { kind: "not", of: { kind: "not", of: { kind: "any", of: [prints("x")] } } },
    { kind: "all", of: [{ kind: "any", of: [prints("x"), { kind: "not", of: halted }] }] },
  ] as const)("fail whatever denies %j", async (of) => {
    const assignment = assignmentOf({ checks: [checkOf({ kind: "not", of })] });
    const { checks } = await grade(assignment, { "a.asm": "mov eax\n" });
    expect(checks[0]!.status).toBe("failed");
  });

  it.each([
    ["a trace", { "a.asm": '{"format":"ringside-trace"' }, /a\.asm is a trace, no program/],
    ["a file that is not there", {}, /there is no file a\.asm/],
    ["an include that leaves the folder", { "a.asm": '%include "../secret.inc"\n' }, /secret\.inc/],
    ["an absolute include", { "a.asm": '%include "/etc/passwd"\n' }, /\/etc\/passwd/],
    ["binary data that is not there", { "a.asm": 'incbin "/etc/passwd"\n' }, /\/etc\/passwd/],
    ["an include by a URI", { "a.asm": '%include "file:///etc/passwd"\n' }, /passwd/],
    [
      "too much memory",
      { "a.asm": "%pragma ringside memory 1024\nhlt\n" },
      /asks for 1024 MiB of memory; 128 are the most/,
    ],
    [
      "a technique that refuses it",
      { "a.asm": "%pragma ringside mode xen\n%pragma ringside technique vtx-ept\nbits 32\nhlt\n" },
      /./,
    ],
  ])("%s", async (_, files, problem) => {
    const assignment = assignmentOf({ checks: [checkOf(halted)] });
    const { checks } = await grade(assignment, files as Record<string, string>, { starter: hello });
    expect(checks[0]).toMatchObject({ status: "failed", points: 0, happened: expect.stringMatching(problem) });
  });

  it("are not blamed for what the starter cannot do either", async () => {
    const assignment = assignmentOf({ technique: "paravirtualization", checks: [checkOf(halted)] });
    const { of, checks } = await grade(assignment, hello);
    expect(checks[0]!.status).toBe("error");
    expect(of).toBe(0);
  });
});

describe("names that a submission lacks", () => {
  const assignment = assignmentOf({ checks: [checkOf({ kind: "state", holds: "1", at: "done" })] });
  const without = { "a.asm": "bits 32\n%pragma ringside mode protected\ncli\nhlt\n" };

  it("cost the points if the starter has them", async () => {
    const { checks } = await grade(assignment, without, { starter: hello });
    expect(checks[0]).toMatchObject({ status: "failed", happened: "the program has no done" });
  });

  it("are the assignment's fault if it does not", async () => {
    const { checks } = await grade(assignment, without);
    expect(checks[0]!.status).toBe("error");
  });
});

describe("points", () => {
  const parts = { kind: "all", of: [prints("Hello"), prints("guest"), prints("x"), halted] } as const;

  it("are in proportion to the parts that hold, where that is said", async () => {
    const partial = await grade(assignmentOf({ checks: [checkOf(parts, { points: 2, partial: true })] }), hello);
    expect(partial).toMatchObject({ points: 1.5, of: 2, checks: [{ status: "failed", points: 1.5 }] });
    const whole = await grade(assignmentOf({ checks: [checkOf(parts, { points: 2 })] }), hello);
    expect(whole).toMatchObject({ points: 0, of: 2 });
  });

  it("come with feedback and hint only where the check failed", async () => {
    const told = { feedback: "It must.", hint: "Look." };
    const checks = [checkOf(halted, told), checkOf(prints("x"), { id: "two", ...told })];
    const result = await grade(assignmentOf({ checks }), hello);
    expect(result.checks[0]).not.toHaveProperty("hint");
    expect(result.checks[1]).toMatchObject(told);
  });
});

describe("scenarios", () => {
  const scenarios = [
    { name: "ept", technique: "vtx-ept" },
    { name: "bare", technique: "bare-metal" },
  ];
  const exits = { kind: "exits", name: "HLT", count: "== 1" } as const;

  it("a check without one must hold in each, and says in which it does not", async () => {
    const { checks } = await grade(assignmentOf({ scenarios, checks: [checkOf(exits)] }), hello);
    expect(checks[0]).toMatchObject({
      status: "failed",
      happened: "bare: no exits of HLT",
      moment: { scenario: "bare" },
    });
  });

  it("checks and their parts name theirs", async () => {
    const both = {
      kind: "all",
      of: [
        { ...exits, scenario: "ept" },
        { kind: "exits", count: "== 0", scenario: "bare" },
      ],
    };
    const checks = [checkOf(exits, { scenario: "ept" }), { ...checkOf(halted), id: "two", expect: both }];
    const result = await grade(assignmentOf({ scenarios, checks }), hello);
    expect(result.checks.map(({ status }) => status)).toEqual(["passed", "passed"]);
  });

  it("are compared by what they cost", async () => {
    const cost = (is: string) =>
      ({ kind: "cost", measure: "cycles", is, relativeTo: "bare", scenario: "ept" }) as const;
    const result = await grade(
      assignmentOf({ scenarios, checks: [checkOf(cost("> 2")), checkOf(cost("< 1"), { id: "two" })] }),
      hello,
    );
    expect(result.checks.map(({ status }) => status)).toEqual(["passed", "failed"]);
    expect(result.checks[1]!.happened).toMatch(/^[\d,]+ cycles, [\d.]+ times the [\d,]+ of bare$/);
  });

  it("run once each, only where something is asked of them", async () => {
    const result = await grade(assignmentOf({ scenarios, checks: [checkOf(halted, { scenario: "bare" })] }), hello);
    expect(result.scenarios.map(({ name }) => name)).toEqual(["bare"]);
  });
});

describe("programs of the instructor's", () => {
  const value = ["$", "{n}"].join("");
  const given = {
    "harness.asm": `bits 32\n%pragma ringside mode protected\nmov eax, ${value}\ncall twice\ndone: cli\nhlt\n%include "a.asm"\n`,
  };
  const assignment = assignmentOf({
    given: ["harness.asm"],
    program: "harness.asm",
    parameters: [{ name: "n", from: 2, to: 1000 }],
    checks: [checkOf({ kind: "state", at: "done", holds: `eax == 2 * ${value}` })],
  });

  it.each([
    ["twice: add eax, eax\nret\n", "passed"],
    ["twice: ret\n", "failed"],
    // What is handed in by the name of a given file is not used.
  ])("test what is handed in: %j", async (source, status) => {
    for (const student of ["ada", "grace"]) {
      const handedIn = { "a.asm": source, "harness.asm": "hlt\n" };
      expect((await grade(assignment, handedIn, { given, student })).checks[0]!.status).toBe(status);
    }
  });
});

describe("machine files", () => {
  const machine = (scheduler: string, weight: number) => ({
    host: { pcpus: 1 },
    scheduler: { name: scheduler },
    duration: 1_000_000,
    vms: [
      { name: "A", weight, workload: { kind: "cpu" } },
      { name: "B", workload: { kind: "cpu" } },
    ],
  });
  const fields = { files: ["m.ringside.json"], machine: "m.ringside.json" };
  const graded = (expectation: object, file: unknown) =>
    grade(assignmentOf({ ...fields, checks: [checkOf(expectation as typeof halted)] }), {
      "m.ringside.json": JSON.stringify(file),
    });

  it.each<[object, string, RegExp]>([
    [{ measure: "share", of: "A", is: ">= 0.7" }, "passed", /^A\/0: 0\.7/],
    [{ measure: "share", of: "B/0", is: ">= 0.5" }, "failed", /^B\/0: 0\.2/],
    [{ measure: "error", of: "A", is: "<= 0.01" }, "passed", /^A\/0: 0/],
    [{ measure: "latency-p95", of: "A", is: "<= 1000" }, "passed", /^A\/0: \d/],
    [{ measure: "utilisation-deviation", is: "<= 5" }, "passed", /^it is 0$/],
    [{ measure: "jain", is: ">= 0.99" }, "passed", /^it is (1|0\.99\d*)$/],
    [{ measure: "rounds", of: "C", is: ">= 1" }, "failed", /^there is no VM or vCPU C$/],
  ])("%j is %s", async (fields, status, happened) => {
    const { checks } = await graded({ kind: "schedule", ...fields }, machine("credit", 768));
    expect(checks[0]).toMatchObject({ status, happened: expect.stringMatching(happened) });
  });

  it("that are wrong fail with their problem", async () => {
    const { checks, scenarios } = await graded(
      { kind: "schedule", measure: "jain", is: "> 0" },
      machine("round-robin", 0),
    );
    expect(checks[0]).toMatchObject({
      status: "failed",
      happened: expect.stringMatching(/m\.ringside\.json:1:\d+: vms\[0\]/),
    });
    expect(scenarios[0]!.problem).toMatch(/weight/);
  });
});

describe("machine files with programs", () => {
  const file = {
    host: { pcpus: 1 },
    scheduler: { name: "eevdf", options: { slice: 100 } },
    technique: "vtx-ept",
    duration: 4000,
    vms: [
      { name: "A", program: "a.asm", weight: 512 },
      { name: "B", program: "b.asm" },
    ],
  };
  /** Prints its name, then counts for ever. */
  const guest = (name: string): string =>
    `bits 32\n%pragma ringside mode protected\nmov al, '${name}'\nmov dx, 3F8h\nout dx, al\nready: mov ebx, ${name.charCodeAt(0)}\nagain: inc ecx\njmp again\n`;
  const graded = (expectation: object, more: object = {}) =>
    grade(
      assignmentOf({
        given: ["m.ringside.json", "b.asm"],
        machine: "m.ringside.json",
        limit: { steps: 50_000_000 },
        checks: [checkOf(expectation as typeof halted)],
        ...more,
      }),
      { "a.asm": guest("A") },
      { given: { "m.ringside.json": JSON.stringify(file), "b.asm": guest("B") } },
    );

  it.each<[object, string, RegExp]>([
    [{ kind: "output", vm: "A", equals: "A" }, "passed", /“A”/],
    [{ kind: "output", vm: "B", equals: "A" }, "failed", /“B”/],
    [{ kind: "output", matches: "^(AB|BA)$" }, "passed", /printed/],
    [{ kind: "exits", vm: "B", name: "IO_INSTRUCTION", count: "== 1" }, "passed", /^1 exit/],
    [{ kind: "exits", name: "IO_INSTRUCTION", count: "== 2" }, "passed", /^2 exits/],
    [{ kind: "state", at: "again", holds: "ebx == 'A'" }, "passed", /ebx is/],
    [{ kind: "state", vm: "B", at: "again", holds: "ebx == 'B'" }, "passed", /ebx is/],
    [{ kind: "state", vm: "B", holds: "ebx == 'A'" }, "failed", /ebx is 0x00000042/],
    [{ kind: "state", vm: "C", holds: "1" }, "error", /no VM C/],
    [{ kind: "schedule", measure: "share", of: "A", is: ">= 0.6" }, "passed", /^A\/0: 0\.6/],
    [{ kind: "schedule", measure: "share", of: "B", is: ">= 0.6" }, "failed", /^B\/0: 0\.3/],
    [{ kind: "schedule", measure: "rounds", of: "B", is: ">= 6" }, "error", /figure of models/],
  ])("%j is %s", async (expectation, status, happened) => {
    const { checks } = await graded(expectation);
    expect(checks[0]).toMatchObject({ status, happened: expect.stringMatching(happened) });
  });

  it("can be run under another scheduler", async () => {
    const scenarios = [{ name: "x", scheduler: "round-robin" }];
    const { checks, scenarios: ran } = await graded(
      { kind: "schedule", measure: "share", of: "B", is: ">= 0.3" },
      { scenarios },
    );
    // Round robin heeds no weights, and says so.
    expect(checks[0]).toMatchObject({ status: "error", happened: expect.stringMatching(/does not heed weights/) });
    expect(ran[0]!.problem).toMatch(/weights/);
  });
});

describe("what submissions print", () => {
  it("comes without control characters, marks of direction and lone surrogates", async () => {
    const text = '1Bh, "[2J", 7, 13, 0E2h, 80h, 0AEh, "x"';
    const { checks } = await grade(assignmentOf({ checks: [checkOf(prints("y"))] }), { "a.asm": printing(text) });
    expect(checks[0]!.happened).toBe("it printed “\\u{1b}[2J\\u{7}\\u{d}\\u{202e}x”");
  });

  it("is looked at up to a million characters, and shown shortened", async () => {
    const source =
      "bits 32\n%pragma ringside mode protected\nmov ecx, 1200000\nmov al, 'x'\nl: out 0E9h, al\nloop l\ncli\nhlt\n";
    const { checks } = await grade(assignmentOf({ checks: [checkOf(prints("y"))] }), { "a.asm": source });
    expect(checks[0]!.happened.length).toBeLessThan(200);
  });
});

it("gives the same result again", async () => {
  const checks = [
    checkOf({ kind: "exits", count: "< 5" }),
    checkOf({ kind: "cost", measure: "cycles", is: "< 5" }, { id: "two" }),
  ];
  const assignment = assignmentOf({ checks });
  const file = { "a.asm": example("hello.asm") };
  const [first, second] = [await grade(assignment, file), await grade(assignment, file)];
  expect(first).toEqual(second);
  expect(first.checks[0]!.moment).toMatchObject({ scenario: "run", sequence: expect.any(Number) });
});

it.each([
  ["is-prime.asm", "again"],
  ["page-fault.asm", "culprit"],
  ["self-modifying.asm", "again"],
  ["timer.asm", "again"],
])("%s: labels and lines are reached alike under every technique", async (source, label) => {
  const checks = [
    checkOf({ kind: "state", at: label, visit: 1000, holds: "1" }),
    checkOf({ kind: "coverage", lines: "a.asm" }, { id: "two" }),
  ];
  const told = new Set<string>();
  for (const { id } of techniques.filter((technique) => technique.id !== "paravirtualization")) {
    const result = await grade(assignmentOf({ technique: id, checks }), { "a.asm": example(source) });
    told.add(result.checks.map(({ happened }) => happened).join("; "));
  }
  expect([...told]).toEqual([
    expect.stringMatching(/^\w+ was reached \d+ of 1000 times; [\d.]+ % ran, all but lines? /),
  ]);
});

it("tells an editor which lines ran, in each scenario", async () => {
  const scenarios = [
    { name: "x" },
    { name: "y", technique: "bare-metal", limit: { steps: 3 } },
    { name: "z", technique: "paravirtualization" },
  ];
  const assignment = assignmentOf({ scenarios, checks: [checkOf(halted)] });
  const submission = { student: "ada", files: filesOf(hello) };
  const material = { given: new Map(), starter: new Map() };
  const [x, y, ...others] = await coverageOf(assignment, submission, material);
  expect(others).toEqual([]);
  const { lines } = x!.files[0]!;
  expect(x).toMatchObject({ scenario: "x", files: [{ file: "a.asm" }] });
  expect(lines.every(({ ran }) => ran)).toBe(true);
  expect(lines.map(({ line }) => hello["a.asm"].split("\n")[line]).every((text) => /^\s|:/.test(text!))).toBe(true);
  // Three instructions, and the one before which it was stopped.
  expect(y!.files[0]!.lines.filter(({ ran }) => ran)).toHaveLength(4);
});

it("says at which moment a guest first finds a difference from the bare machine", async () => {
  const assignment = assignmentOf({ technique: "trap-and-emulate", checks: [checkOf({ kind: "equivalence" })] });
  const file = { "a.asm": example("silent-lies.asm") };
  const { checks } = await grade(assignment, file);
  const { moment, place } = checks[0]!;
  const submission = { student: "ada", files: filesOf(file) };
  const trace = await checkTrace(assignment, submission, { given: new Map(), starter: new Map() }, checks[0]!);
  expect(trace!.moment).toMatchObject({ step: moment!.step, place: `a.asm:${place!.line}` });
});

describe("code cannot be hidden from checks of what is written", () => {
  const sensitive = { kind: "sensitive", technique: "trap-and-emulate" } as const;
  const kernel = "bits 32\n%pragma ringside mode protected\n";
  const starter = { "a.asm": `${kernel}cli\nhlt\n` };
  const judged = async (expectation: object, files: Record<string, string>) => {
    const assignment = assignmentOf({ checks: [checkOf(expectation as typeof halted)] });
    return (await grade(assignment, files, { starter })).checks[0]!;
  };

  it.each<[string, Record<string, string>, RegExp]>([
    ["as it is", { "a.asm": `${kernel}smsw ax\nhlt\n` }, /^a\.asm:3: SMSW/],
    [
      "in a file of one's own",
      { "a.asm": `${kernel}%include "b.inc"\nhlt\n`, "b.inc": "smsw ax\n" },
      /^b\.inc:1: SMSW/,
    ],
    ["in a macro", { "a.asm": `${kernel}%macro m 0\nsmsw ax\n%endmacro\nm\nhlt\n` }, /^a\.asm:4: SMSW/],
    [
      "said to be in ring 3",
      { "a.asm": `${kernel}%pragma ringside cpl 3\nsmsw ax\nhlt\n` },
      /^a\.asm:3: the program says itself/,
    ],
    [
      "said to be in real mode",
      { "a.asm": `${kernel}%pragma ringside mode real\nsmsw ax\nhlt\n` },
      /^a\.asm:3: the program says itself/,
    ],
    [
      "told to be ignored",
      { "a.asm": `${kernel}smsw ax ; ringside: ignore sensitive-unprivileged\nhlt\n` },
      /^a\.asm:3: SMSW/,
    ],
  ])("%s", async (_, files, happened) => {
    expect(await judged(sensitive, files)).toMatchObject({
      status: "failed",
      happened: expect.stringMatching(happened),
    });
    const forbidden = await judged({ kind: "instructions", forbidden: ["smsw"] }, files);
    expect(forbidden).toMatchObject({ status: "failed", happened: expect.stringMatching(/^smsw at /) });
  });
});
