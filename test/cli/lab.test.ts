import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ringside } from "../../cli/commands.ts";
import { nodeIo } from "../../cli/io.ts";

const folder = mkdtempSync(join(tmpdir(), "ringside-lab-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The command with files of the computer's own. */
async function lab(...args: readonly string[]) {
  const out: string[] = [];
  const error: string[] = [];
  const io = { ...nodeIo, out: (text: string) => void out.push(text), error: (text: string) => void error.push(text) };
  const code = await ringside(["lab", ...args], io);
  return { code, out: out.join(""), error: error.join("") };
}

const filesIn = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

test("lists the labs with their points", async () => {
  const { code, out } = await lab("list");
  expect(code).toBe(0);
  expect(out).toMatch(/^01-popek-goldberg +20 points {2}Lab 1: /m);
});

test("packs what students get, for one of them", async () => {
  const to = join(folder, "packed");
  const { code, out } = await lab("pack", "2", to, "--student", "ada");
  expect(code).toBe(0);
  expect(out).toMatch(
    /Left out: the solution, more-work\.asm\.\nHidden checks: predicted, call, more-work \(8 points\)\.\n$/,
  );
  expect(filesIn(to)).toEqual([".starter/kernel.asm", "README.md", "assignment.ringside.json", "kernel.asm"]);
  const assignment = JSON.parse(readFileSync(join(to, "assignment.ringside.json"), "utf8"));
  expect(Object.keys(assignment)).not.toContain("parameters");
  expect(assignment.scenarios.map(({ name }: { name: string }) => name)).toEqual(["ring1", "bare"]);
});

test("makes an assignment of one's own, complete", async () => {
  const to = join(folder, "own");
  expect((await lab("new", "05-shadow-paging", to)).code).toBe(0);
  expect(filesIn(to)).toContain("solution/memory.asm");
  expect(await lab("new", "5", to)).toMatchObject({ code: 2, error: expect.stringContaining("is not empty") });
});

test.each([
  [["pack", "99", "x"], /There is no lab “99”/],
  [["new", "99", "x"], /There is no lab “99”; there are 01-/],
  [["new", "1"], /It is: ringside lab list \| new LAB FOLDER/],
  [["burn", "1"], /There is no “lab burn”/],
])("%j is refused", async (args, message) => {
  const { code, error } = await lab(...args);
  expect(code).toBe(2);
  expect(error).toMatch(message);
});
