import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formats } from "../../grader/formats/index.ts";
import { type Grades, gradesOf, gradesText, mergedGrades, readGrades } from "../../grader/grades.ts";
import type { CheckResult, Result } from "../../grader/result.ts";
import { parseXml } from "./xml.ts";

const check = (fields: Partial<CheckResult>): CheckResult => ({
  id: "one",
  title: 'Says <hello> & "more" # one',
  status: "passed",
  points: 1,
  of: 1,
  hidden: false,
  expected: "the guest prints “a”",
  happened: "it printed “\\u{1b}[31m<b>]]>”",
  ...fields,
});

const failed = check({
  id: "two",
  status: "failed",
  points: 0.5,
  of: 2,
  hint: "Look\nagain: \\ # here",
  moment: { scenario: "run", step: 7, cycle: 70 },
  place: { file: "a.asm", line: 3 },
});
const hidden = check({ id: "three", status: "failed", points: 0, of: 3, hidden: true, happened: "secret" });
const undecided = check({ id: "four", status: "error", points: 0, of: 4, happened: "there is no label x" });

const result = (student: string, checks: readonly CheckResult[], problem?: string): Result => ({
  assignment: "Lab",
  student,
  points: checks.reduce((sum, { points }) => sum + points, 0),
  of: checks.reduce((sum, { of, status }) => sum + (status === "error" ? 0 : of), 0),
  checks,
  ...(problem === undefined ? {} : { problem }),
  scenarios: [],
});

const assignment = { title: "Lab & more", fingerprint: "f" };
const students = ["ada", "=cmd|' /C calc'!A0", '\u001b[2Jevil\u202e,"x"\r\n'];
const many = gradesOf(assignment, [
  result(students[0]!, [check({}), failed, hidden, undecided]),
  result(students[1]!, [check({}), failed, hidden, undecided], "It was not done after 60 s."),
  result(students[2]!, [check({}), failed, hidden, undecided]),
]);
const single: Grades = gradesOf(assignment, [many.results.find(({ student }) => student === "ada")!]);

const written = (name: string, grades: Grades): string => formats.find((format) => format.name === name)!.write(grades);

describe("what a terminal or a reader could take for something else", () => {
  it.each(formats)("$name has none of it", (format) => {
    const text = format.write(format.isSingle ? single : many).replaceAll("\r\n", "\n");
    expect(format.name === "json" ? [] : (text.match(/[^\P{C}\n]/gu) ?? [])).toEqual([]);
  });
});

it("the table has a line a submission, and details of a single one", () => {
  const lines = written("table", many).split("\n");
  expect(lines.filter((line) => /^(ada|=cmd|\\u\{1b\})/.test(line))).toHaveLength(4);
  expect(lines.find((line) => line.startsWith("ada"))).toMatch(/^ada +1\.5 +6 +1 +0\.5 +– +\?$/);
  expect(written("table", single)).toContain("Happened: it printed");
});

/** Elements and attributes of junit-10.xsd of Jenkins' xUnit plugin: required, optional, children. */
const junitElements: Readonly<Record<string, readonly [readonly string[], readonly string[], readonly string[]]>> = {
  testsuites: [[], ["name", "time", "tests", "failures", "errors"], ["testsuite"]],
  testsuite: [
    ["name", "tests", "failures", "errors"],
    ["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
    ["testsuite", "properties", "testcase", "system-out", "system-err"],
  ],
  properties: [[], [], ["property"]],
  property: [["name", "value"], [], []],
  testcase: [["name"], ["time", "classname", "group"], ["skipped", "error", "failure", "system-out", "system-err"]],
  failure: [[], ["type", "message"], []],
  error: [[], ["type", "message"], []],
};

it("JUnit XML is well formed and as its schema has it, and counts what it has", () => {
  const root = parseXml(written("junit", many));
  expect(root.name).toBe("testsuites");
  const visit = (element: typeof root): void => {
    const [required, optional, children] = junitElements[element.name]!;
    const names = Object.keys(element.attributes);
    expect(required.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => !required.includes(name) && !optional.includes(name))).toEqual([]);
    expect(element.children.map(({ name }) => name).filter((name) => !children.includes(name))).toEqual([]);
    element.children.forEach(visit);
  };
  visit(root);
  expect(root.attributes).toMatchObject({ tests: "12", failures: "6", errors: "3" });
  const [suite] = root.children.filter(({ attributes }) => attributes["name"] === "ada");
  expect(suite!.children.filter(({ name }) => name === "testcase")).toHaveLength(4);
  const failure = suite!.children.flatMap(({ children }) => children).find(({ name }) => name === "failure")!;
  expect(failure.attributes["message"]).toBe(failed.happened);
  expect(failure.text).toContain("Hint: Look\nagain");
});

const prove = spawnSync("prove", ["--version"]).status === 0;

describe("TAP", () => {
  const text = written("tap", many);

  it("has its version, its plan, and a numbered line a check with what it needs", () => {
    const lines = text.split("\n");
    expect(lines.slice(0, 2)).toEqual(["TAP version 13", "1..12"]);
    const tests = lines.filter((line) => /^(not )?ok\b/.test(line));
    expect(tests.map((line) => Number(/ok (\d+) - /.exec(line)![1]))).toEqual(
      Array.from({ length: 12 }, (_, n) => n + 1),
    );
    expect(tests.every((line) => !/(?<!\\)#/.test(line))).toBe(true);
    for (const line of lines.filter((one) => /^ {2}\w+: /.test(one)))
      expect(() => JSON.parse(line.replace(/^ {2}\w+: /, ""))).not.toThrow();
  });

  it.skipIf(!prove)("is understood by Perl's harness", () => {
    const directory = mkdtempSync(join(tmpdir(), "ringside-tap-"));
    writeFileSync(join(directory, "grades.tap"), text);
    const { stdout } = spawnSync("prove", ["-e", "cat", join(directory, "grades.tap")], { encoding: "utf8" });
    rmSync(directory, { recursive: true });
    expect(stdout).toMatch(/Tests=12/);
    expect(stdout).not.toMatch(/Parse errors/);
  });
});

/** RFC 4180. */
function cells(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}

it("CSV has a row a submission, quoted, and no cell that is a formula", () => {
  const rows = cells(written("csv", many));
  expect(rows[0]).toEqual(["student", "points", "of", "one", "two", "three", "four", "problem"]);
  expect(rows).toHaveLength(4);
  expect(rows.find(([name]) => name === "ada")).toEqual(["ada", "1.5", "6", "1", "0.5", "0", "", ""]);
  expect(rows.flat().filter((cell) => /^[=+\-@]/.test(cell))).toEqual([]);
});

it("Gradescope's results are as specified: visible tests with scores, nothing of hidden checks", () => {
  const text = written("gradescope", single);
  const { tests, ...rest } = JSON.parse(text);
  expect(rest).toEqual({ visibility: "visible", stdout_visibility: "hidden" });
  for (const test of tests) {
    expect(Object.keys(test).sort()).toEqual([
      "extra_data",
      "max_score",
      "name",
      "output",
      "score",
      "status",
      "visibility",
    ]);
    expect(test.score).toBeLessThanOrEqual(test.max_score);
    expect(["passed", "failed"]).toContain(test.status);
  }
  expect(tests.map(({ score }: { score: number }) => score)).toEqual([1, 0.5, 0, 4]);
  expect(text).not.toContain("secret");
});

it("GitHub Classroom's reporter gets from it what it reads", () => {
  const text = Buffer.from(written("classroom", single), "base64").toString("utf8");
  const results = JSON.parse(text);
  expect(results).toMatchObject({ version: 1, status: "fail", max_score: 10 });
  // As the reporter adds up: the score of each test, where there is a maximum.
  const total = results.tests.reduce((sum: number, { score }: { score: number }) => sum + score, 0);
  expect(total).toBe(5.5);
  for (const test of results.tests) {
    expect(["pass", "fail", "error"]).toContain(test.status);
    expect(test).toMatchObject({ name: expect.any(String), message: expect.any(String) });
  }
  expect(text).not.toContain("secret");
});

describe("grades of several runs", () => {
  const part = (...names: number[]) =>
    gradesOf(
      assignment,
      names.map((n) => many.results[n]!),
    );

  it("are the same put together as of one run, byte for byte", () => {
    const parts = [part(2), part(0, 1)].map((grades) => readGrades(gradesText(grades)) as Grades);
    expect(gradesText(mergedGrades(parts) as Grades)).toBe(gradesText(many));
  });

  it.each([
    [[part(0), { ...part(1), assignment: { title: "Other", fingerprint: "g" } }], /different assignments/],
    [[part(0), part(0, 1)], /two results of /],
    [[], /no grades/],
  ])("are refused where they do not fit (%#)", (parts, message) => expect(mergedGrades(parts)).toMatch(message));

  it.each([
    ["x", /not JSON/],
    ["{}", /no grades of/],
    ['{"format":"ringside-grades","version":9}', /version 9/],
    ['{"format":"ringside-grades","version":1}', /not complete/],
  ])("are refused where they are none: %s", (text, message) => expect(readGrades(text)).toMatch(message));
});
