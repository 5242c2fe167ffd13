import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const command = join(import.meta.dirname, "..", "..", "cli", "ringside.mjs");
const directory = mkdtempSync(join(tmpdir(), "ringside-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ringside = (...args: string[]) =>
  spawnSync(process.execPath, [command, ...args], { cwd: directory, encoding: "utf8" });

it("the process assembles, disassembles and runs, and ends with the code of what happened", () => {
  writeFileSync(join(directory, "a.asm"), "mov al, 'x'\nout 0E9h, al\nhlt\n");
  expect(ringside("assemble", "a.asm", "-o", "a.bin").status).toBe(0);
  expect(readFileSync(join(directory, "a.bin")).toString("hex")).toBe("b078e6e9f4");
  expect(ringside("run", "a.asm", "--technique", "bare-metal").stdout).toMatch(/^x\n— halted/);
  writeFileSync(join(directory, "bad.asm"), "jmp nowhere\n");
  const { status, stderr } = ringside("run", "bad.asm");
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringMatching(/^bad\.asm:1:5: error/) });
});
