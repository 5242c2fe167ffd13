import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ringside } from "../../cli/commands.ts";
import { gradeCommand } from "../../cli/grade/index.ts";
import { shardOf } from "../../cli/grade/shard.ts";
import { nodeIo } from "../../cli/io.ts";
import { formats } from "../../grader/formats/index.ts";
import type { Grades } from "../../grader/grades.ts";
import type { CheckResult, Result } from "../../grader/result.ts";
import { example } from "../support/examples.ts";

const root = mkdtempSync(join(tmpdir(), "ringside-grade-"));
afterAll(() => rmSync(root, { recursive: true }));

const put = (name: string, text: string): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
};
const at = (...names: string[]): string => join(root, ...names);

/** Carries out a command line in this process. */
const run = (...args: string[]) => runOn(false, ...args);

async function runOn(isTerminal: boolean, ...args: string[]) {
  const told = { out: "", error: "" };
  const io = {
    ...nodeIo,
    isTerminal,
    out: (text: string) => {
      told.out += text;
    },
    error: (text: string) => {
      told.error += text;
    },
  };
  const code = await ringside(["grade", ...args], io);
  return { code, ...told };
}

const guest = example("hello.asm");
const greeting = "Hello from the guest!";

const assignment = {
  title: "Say hello",
  files: ["hello.asm"],
  starter: "starter",
  solution: "solution",
  limit: { steps: 200_000 },
  checks: [
    { id: "says", title: "It says hello", points: 2, expect: { kind: "output", contains: greeting }, hint: "Look." },
    { id: "halts", title: "It halts", points: 1, hidden: true, expect: { kind: "stop", reason: "halted" } },
  ],
};

beforeAll(() => {
  put("lab/assignment.ringside.json", JSON.stringify(assignment));
  put("lab/starter/hello.asm", guest.replaceAll(greeting, "Hi!"));
  put("lab/solution/hello.asm", guest);
  put("in/ada/hello.asm", guest);
  put("in/grace/hello.asm", guest.replaceAll(greeting, "Hi!"));
  put("in/kay.asm", guest);
});

describe("grading", () => {
  it("gives each submission its points", async () => {
    const { code, out } = await run(at("lab"), at("in"), "--each", "-j", "2");
    expect(code).toBe(0);
    expect(out).toMatch(/^ada +3 +3 +2 +1$/m);
    expect(out).toMatch(/^grace +1 +3 +– +1$/m);
    expect(out).toMatch(/^kay +3 +3 +2 +1$/m);
  });

  it("tells of a single submission what happened", async () => {
    const { code, out } = await run(at("lab", "assignment.ringside.json"), at("in", "grace"), "--strict");
    expect(code).toBe(3);
    expect(out).toMatch(
      /Expected: the guest prints “Hello from the guest!”\n +Happened: it printed “Hi!\\n”\n.*\n +Hint: Look\./,
    );
  });

  it("tries the assignment on starter and solution where there are no submissions", async () => {
    expect(await run(at("lab"))).toMatchObject({ code: 0, error: "" });
    put("easy/assignment.ringside.json", JSON.stringify({ ...assignment, checks: [assignment.checks[1]] }));
    put("easy/starter/hello.asm", guest);
    put("easy/solution/hello.asm", guest.replace("hlt", "jmp done"));
    expect(await run(at("easy"))).toMatchObject({
      code: 1,
      error: "The starter gets all points already.\nThe solution does not get all points.\n",
    });
  });

  it("shows on a terminal how far it has come, and takes that away", async () => {
    const { error } = await runOn(true, at("lab"), at("in"), "--each");
    const states = error.split("\r").filter((text) => text.trim() !== "");
    expect(states.map((text) => text.trimEnd())).toEqual([
      "[..............................] 0/3 graded, 0 with points lost",
      expect.stringMatching(/^\[#{10}\.{20}\] 1\/3 graded/),
      expect.stringMatching(/^\[#{20}\.{10}\] 2\/3 graded/),
      "[##############################] 3/3 graded, 1 with points lost",
    ]);
    expect(error).toMatch(/\r +\r$/);
    expect((await run(at("lab"), at("in"), "--each")).error).toBe("");
  });

  it("names students by a part of a submission's name", async () => {
    put("repos/lab1-ada-x/hello.asm", guest);
    const { out } = await run(at("lab"), at("repos", "lab1-ada-x"), "--students", "^lab1-(.*)-x$", "--format", "csv");
    expect(out).toBe("student,points,of,says,halts,problem\r\nada,3,3,2,1,\r\n");
  });

  it("grades one submission as the student's who is named, with that student's parameters", async () => {
    const value = ["$", "{n}"].join("");
    const parameters = [{ name: "n", from: 0, to: 1_000_000_000 }];
    const checks = [{ ...assignment.checks[0], expect: { kind: "output", contains: value } }];
    put("own/assignment.ringside.json", JSON.stringify({ ...assignment, parameters, checks }));
    const expectedFor = async (name: string): Promise<string> => {
      const { out } = await run(at("own"), at("in/ada"), "--student", name, "--format", "json");
      const { results } = JSON.parse(out) as Grades;
      expect(results[0]!.student).toBe(name);
      return results[0]!.checks[0]!.expected;
    };
    expect(await expectedFor("kay")).not.toBe(await expectedFor("ada"));
  });

  it("writes traces that open at the moment that decided", async () => {
    const { code } = await run(at("lab"), at("in", "grace"), "--traces", at("traces"));
    expect(code).toBe(0);
    expect(readdirSync(at("traces"))).toEqual(["grace-says.rstrace"]);
    const trace = spawnSync(process.execPath, ["cli/ringside.mjs", "trace", at("traces", "grace-says.rstrace")], {
      encoding: "utf8",
    });
    expect(trace.stdout).toMatch(/output +UART: "H/);
  });

  it("writes traces of students with like names into files of their own", async () => {
    for (const name of ["a b", "a_b", "a+b"]) put(`like/${name}/hello.asm`, guest.replaceAll(greeting, "Hi!"));
    await run(at("lab"), at("like"), "--each", "--traces", at("of-like"));
    expect(readdirSync(at("of-like")).sort()).toEqual(["a_b-says.rstrace", "a_b~2-says.rstrace", "a_b~3-says.rstrace"]);
  });

  it("writes none of hidden checks for students", async () => {
    put("stuck/hello.asm", guest.replaceAll(greeting, "Hi!").replace("hlt", "jmp done"));
    await run(at("lab"), at("stuck"), "--for-students", "--traces", at("shown"));
    expect(readdirSync(at("shown"))).toEqual(["stuck-says.rstrace"]);
    await run(at("lab"), at("stuck"), "--traces", at("all"));
    expect(readdirSync(at("all")).sort()).toEqual(["stuck-halts.rstrace", "stuck-says.rstrace"]);
  });

  it("hides from students what is hidden", async () => {
    put("hang/hello.asm", guest.replace("hlt", "jmp done"));
    const { out } = await run(at("lab"), at("hang"), "--for-students", "--format", "json");
    const { results } = JSON.parse(out) as Grades;
    expect(results[0]!.checks[1]).toMatchObject({ status: "failed", expected: "", happened: "" });
  });

  it("finds submissions that are alike but for names and numbers, and not those that have only the starter's code", async () => {
    const own =
      "add al, 1\nxor bl, bl\nmov cx, 5\nagain: inc bx\nshl ax, 1\nrol dx, 3\nsub si, 4\nloop again\nneg ax\nnot bx\nsti\ncli\n";
    const altered = own.replaceAll("again", "once_more").replace("5", "77").replace("add al, 1", "add dl, 9");
    put("alike/ada/hello.asm", guest.replace("done:", `${own}done:`));
    put("alike/bob/hello.asm", `; mine\n${guest.replace("done:", `${altered}done:`)}`);
    put("alike/cleo/hello.asm", guest);
    put("alike/dan/hello.asm", guest);
    const { out } = await run(at("lab"), at("alike"), "--each", "--similarity", "80");
    expect(out).toMatch(/Alike:\n +100 % {2}ada, bob \(\d+ fingerprints\)\n$/);
  });
});

describe("hostile submissions cost their own points only", () => {
  const nested = "(".repeat(100_000);
  const growing = "%macro m 0\nm\n%endmacro\nm\n%rep 1000000000\nnop\n%endrep\n";
  const storm = `bits 32
%pragma ringside mode protected
%pragma ringside technique bare-metal
%pragma ringside processors 16
mov dword [0FEE000F0h], 1FFh
again: mov dword [0FEE00300h], 0C4500h
jmp again
`;
  /** Makes the folder of a submission, and says what is told of it. */
  const cases: readonly (readonly [string, (folder: string) => void, RegExp])[] = [
    ["an endless loop", (folder) => put(`${folder}/hello.asm`, "here: jmp here\n"), /printed nothing/],
    ["a storm of interprocessor interrupts", (folder) => put(`${folder}/hello.asm`, storm), /printed nothing/],
    ["a gigantic source", (folder) => put(`${folder}/hello.asm`, "nop\n".repeat(3_000_000)), /more than 8 MiB/],
    ["a source that grows without end", (folder) => put(`${folder}/hello.asm`, growing), /does not assemble/],
    ["deep nesting", (folder) => put(`${folder}/hello.asm`, `db ${nested}1\n`), /does not assemble/],
    [
      "too many files",
      (folder) => {
        for (let n = 0; n < 300; n++) put(`${folder}/f${n}.inc`, "");
      },
      /more than 256 files/,
    ],
    [
      "a symbolic link to a file",
      (folder) => symlinkSync(at("secret.inc"), at(folder, "hello.asm")),
      /no file hello\.asm/,
    ],
    [
      "a symbolic link to a folder",
      (folder) => {
        symlinkSync(root, at(folder, "up"));
        put(`${folder}/hello.asm`, '%include "up/secret.inc"\n');
      },
      /up\/secret\.inc/,
    ],
    [
      "an include of a file elsewhere",
      (folder) => put(`${folder}/hello.asm`, `%include "${at("secret.inc")}"\n`),
      /does not assemble/,
    ],
    [
      "an include of a folder above",
      (folder) => put(`${folder}/hello.asm`, 'incbin "../../secret.inc"\n'),
      /does not assemble/,
    ],
    ["a pipe", (folder) => void spawnSync("mkfifo", [at(folder, "hello.asm")]), /no file hello\.asm/],
    [
      "escapes for a terminal",
      (folder) => put(`${folder}/hello.asm`, guest.replace(`"${greeting}"`, '1Bh, "]0;owned", 7, 1Bh, "[2J"')),
      /printed “\\u\{1b\}/,
    ],
  ];
  let told: Awaited<ReturnType<typeof run>>;
  let results: Grades["results"];

  beforeAll(async () => {
    put("secret.inc", "kept_secret: hlt\n");
    put("bad/ada/hello.asm", guest);
    for (const [n, [, make]] of cases.entries()) {
      mkdirSync(at(`bad/case-${n}`));
      make(`bad/case-${n}`);
    }
    told = await run(at("lab"), at("bad"), "--each", "--format", "json");
    ({ results } = JSON.parse(told.out) as Grades);
  }, 60_000);

  it.each(cases.map(([name, , happened], n) => [name, n, happened] as const))("%s", (_, n, happened) => {
    const result = results.find(({ student }) => student === `case-${n}`)!;
    expect(result.checks[0]).toMatchObject({ status: "failed", points: 0, happened: expect.stringMatching(happened) });
  });

  it("and nobody else's; nothing of the computer is told", () => {
    expect({ code: told.code, error: told.error }).toEqual({ code: 0, error: "" });
    expect(results.find(({ student }) => student === "ada")).toMatchObject({ points: 3, of: 3 });
    expect(told.out.match(/[^\P{C}\n]|kept_secret/gu)).toBe(null);
  });

  it("one that does not end in time is given up, and its thread with it", async () => {
    const endless = { ...assignment, limit: { steps: 9_000_000_000_000 } };
    put("endless/assignment.ringside.json", JSON.stringify(endless));
    put("loop/hello.asm", "here: jmp here\n");
    const { code, out } = await run(
      at("endless"),
      at("loop"),
      at("in/ada"),
      "--timeout",
      "3",
      "-j",
      "1",
      "--format",
      "json",
    );
    const { results } = JSON.parse(out) as Grades;
    expect(code).toBe(0);
    expect(results.map(({ student, points, problem }) => ({ student, points, problem }))).toEqual([
      { student: "ada", points: 3, problem: undefined },
      { student: "loop", points: 0, problem: "It was not done after 3 s." },
    ]);
  });
});

describe("examples/ci", () => {
  const ci = join(import.meta.dirname, "../../examples/ci");

  it("the autograder for Gradescope leaves its results where they are looked for", async () => {
    for (const folder of ["results", "source"]) mkdirSync(at("autograder", folder), { recursive: true });
    symlinkSync(join(import.meta.dirname, "../.."), at("autograder/source/ringside"));
    symlinkSync(at("lab"), at("autograder/source/lab"));
    put("autograder/submission_metadata.json", '{ "id": 1, "users": [{ "email": "ada@example.edu", "name": "Ada" }] }');
    put("autograder/submission/hello.asm", guest.replaceAll(greeting, "Hi!"));
    const { status } = spawnSync(join(ci, "gradescope/run_autograder"), {
      env: { ...process.env, AUTOGRADER_ROOT: at("autograder") },
    });
    expect(status).toBe(0);
    const { tests } = JSON.parse(readFileSync(at("autograder/results/results.json"), "utf8"));
    expect(tests).toMatchObject([
      { score: 0, max_score: 2 },
      { score: 1, max_score: 1, output: "" },
    ]);
  });

  it.each(["github/grade.yml", "github/grade-all.yml", "gradescope/run_autograder", "kubernetes/grade.yaml"])(
    "%s uses options that there are",
    (file) => {
      const text = readFileSync(join(ci, file), "utf8");
      const lines = text.split("\n").filter((line) => !/^\s*#|npm install|git /.test(line));
      const used = new Set([...lines.join("\n").matchAll(/ --([a-z-]+)/g)].map(([, name]) => name!));
      const known = Object.keys(gradeCommand.options);
      expect(used.size).toBeGreaterThan(0);
      expect([...used].filter((name) => !known.includes(name))).toEqual([]);
    },
  );
});

it("docs/grading.md has every option and every format", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/grading.md"), "utf8");
  const [beginning, json] = text.split(/^## JSON$/m) as [string, string];
  const named = (part: string) =>
    [...part.matchAll(/^\| `([^`]+)`(?:, `([^`]+)`)? \|/gm)].map(([, first, second]) => second ?? first!);
  const rows = named(beginning);
  const options = rows.filter((row) => row.startsWith("--")).map((row) => row.slice(2).split(" ")[0]);
  expect(options).toEqual(Object.keys(gradeCommand.options).filter((name) => name !== "help"));
  expect(rows.filter((row) => !row.startsWith("--"))).toEqual(formats.map(({ name }) => name));
  const fields = named(json);
  const at = fields.indexOf("id");
  const result: Record<keyof Required<Result>, true> = {
    ...{ assignment: true, student: true, points: true, of: true, checks: true, scenarios: true, problem: true },
  };
  const check: Record<keyof Required<CheckResult>, true> = {
    ...{ id: true, title: true, status: true, points: true, of: true, hidden: true, expected: true, happened: true },
    ...{ moment: true, place: true, feedback: true, hint: true },
  };
  expect([fields.slice(0, at), fields.slice(at)]).toEqual([Object.keys(result), Object.keys(check)]);
});

describe("parts of the submissions", () => {
  it("graded by several runs and put together are what one run gives", async () => {
    const whole = await run(at("lab"), at("in"), "--each", "--format", "json");
    for (const n of [1, 2])
      await run(at("lab"), at("in"), "--each", "--shard", `${n}/2`, "--write", `json=${at(`part${n}.json`)}`);
    const merged = await run(
      "merge",
      at("part2.json"),
      at("part1.json"),
      "--format",
      "json",
      "--write",
      `junit=${at("all.xml")}`,
    );
    expect(merged.out).toBe(whole.out);
    expect(readFileSync(at("all.xml"), "utf8")).toContain('tests="6"');
  });

  it.each<[string, Record<string, string>, object]>([
    ["2/3", {}, { index: 1, of: 3 }],
    ["auto", { JOB_COMPLETION_INDEX: "0", RINGSIDE_SHARDS: "4" }, { index: 0, of: 4 }],
    ["auto", { CI_NODE_INDEX: "2", CI_NODE_TOTAL: "2" }, { index: 1, of: 2 }],
    ["auto", { CIRCLE_NODE_INDEX: "1", CIRCLE_NODE_TOTAL: "2" }, { index: 1, of: 2 }],
    ["auto", { BUILDKITE_PARALLEL_JOB: "0", BUILDKITE_PARALLEL_JOB_COUNT: "9" }, { index: 0, of: 9 }],
  ])("%s with %j", (text, environment, shard) => expect(shardOf(text, environment)).toEqual(shard));

  it.each<[string, Record<string, string>, RegExp]>([
    ["0/3", {}, /no such part/],
    ["4/3", {}, /no such part/],
    ["x", {}, /needs I\/N/],
    ["auto", {}, /does not say which part/],
    ["auto", { JOB_COMPLETION_INDEX: "4", RINGSIDE_SHARDS: "4" }, /no such part/],
  ])("%s with %j is refused", (text, environment, message) =>
    expect(() => shardOf(text, environment)).toThrow(message),
  );
});

describe("what cannot be graded", () => {
  it.each<[string, () => string[], RegExp]>([
    ["no assignment", () => [at("nowhere"), at("in/ada")], /There is no file/],
    ["a submission that is not there", () => [at("lab"), at("in/nobody")], /There is no file or folder .*nobody/],
    ["a folder of submissions without saying so", () => [at("lab"), at("in")], /but folders that do: say --each/],
    ["an unknown format", () => [at("lab"), at("in/ada"), "--format", "xls"], /no format “xls”; there are table, json/],
    [
      "a format of one submission",
      () => [at("lab"), at("in"), "--each", "--write", "gradescope=x"],
      /is of one submission; these are 3/,
    ],
    [
      "a student for several",
      () => [at("lab"), at("in"), "--each", "--student", "x"],
      /is for one submission; these are 3/,
    ],
    ["names that are equal", () => [at("lab"), at("in/kay.asm"), at("in/kay.asm")], /Two submissions are named kay/],
    [
      "a given file that is missing",
      () => {
        put("lacks/assignment.ringside.json", JSON.stringify({ ...assignment, given: ["h.asm"] }));
        return [at("lacks"), at("in/ada")];
      },
      /h\.asm cannot be read/,
    ],
    ["grades that are none", () => ["merge", at("in/kay.asm")], /kay\.asm: this is not JSON/],
  ])("%s", async (_, args, message) => {
    expect(await run(...args())).toMatchObject({ code: 2, error: expect.stringMatching(message) });
  });

  it("an assignment with errors", async () => {
    put("wrong/assignment.ringside.json", '{\n  "title": 5\n}');
    const { code, error } = await run(at("wrong"), at("in/ada"));
    expect({ code, error }).toEqual({
      code: 1,
      error: expect.stringMatching(
        /assignment\.ringside\.json:1:1: error: files is missing\.\n.*:2:3: error: title must be a text, not 5\./s,
      ),
    });
    expect(existsSync(at("traces-of-wrong"))).toBe(false);
  });

  it("a check that cannot be decided is told, and costs nobody points", async () => {
    const checks = [
      { ...assignment.checks[0], expect: { kind: "state", at: "nowhere", holds: "1" } },
      assignment.checks[1],
    ];
    put("undecided/assignment.ringside.json", JSON.stringify({ ...assignment, starter: "s", checks }));
    const { code, out, error } = await run(at("undecided"), at("in/ada"), "--format", "csv");
    expect(code).toBe(1);
    expect(error).toBe(
      "The check says could not be decided for ada: there is no label nowhere, not in the starter either.\n",
    );
    expect(out).toContain("ada,1,1,,1,\r\n");
  });
});
