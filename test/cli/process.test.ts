import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const command = join(import.meta.dirname, "..", "..", "cli", "ringside.mjs");
const directory = mkdtempSync(join(tmpdir(), "ringside-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ringside = (...args: string[]) =>
  spawnSync(process.execPath, [command, ...args], { cwd: directory, encoding: "utf8" });

it.each(["run", "trace", "check", "assemble", "disassemble"])("%s says what is wrong with a folder", (name) => {
  const { status, stderr, stdout } = ringside(name, ".");
  expect({ status, stderr, stdout }).toEqual({
    status: 2,
    stderr: "ringside: . cannot be read: it is a folder, not a file.\n",
    stdout: "",
  });
});

it("an include that cannot be read is a problem of its line; an output that cannot be written says why", () => {
  mkdirSync(join(directory, "library"));
  writeFileSync(join(directory, "inc.asm"), 'nop\n%include "library"\n');
  expect(ringside("check", "inc.asm").stdout).toMatch(
    /^inc\.asm:2:10: error: The file “library” cannot be read: it is a folder, not a file\. \[unreadable-file\]$/m,
  );
  writeFileSync(join(directory, "b.asm"), "hlt\n");
  expect(ringside("assemble", "b.asm", "-o", "nowhere/b").stderr).toBe(
    "ringside: nowhere/b cannot be written: its folder does not exist.\n",
  );
});

it("the process assembles, disassembles and runs, and ends with the code of what happened", () => {
  writeFileSync(join(directory, "a.asm"), "mov al, 'x'\nout 0E9h, al\nhlt\n");
  expect(ringside("assemble", "a.asm", "-o", "a.bin").status).toBe(0);
  expect(readFileSync(join(directory, "a.bin")).toString("hex")).toBe("b078e6e9f4");
  expect(ringside("run", "a.asm", "--technique", "bare-metal").stdout).toMatch(/^x\n— halted/);
  writeFileSync(join(directory, "bad.asm"), "jmp nowhere\n");
  const { status, stderr } = ringside("run", "bad.asm");
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringMatching(/^bad\.asm:1:5: error/) });
});
