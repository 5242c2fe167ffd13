import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { assembleFile } from "../../debug-adapter/launch.ts";
import { scenariosOf } from "../../grader/scenarios.ts";
import { filesFor } from "../../grader/submission.ts";
import { hasNasm } from "../isa/nasm.ts";
import { labNames, readLab } from "./lab-files.ts";

const folder = mkdtempSync(join(tmpdir(), "ringside-labs-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The programs of a lab as handed out, or as solved. */
const programs = labNames.flatMap((name) => {
  const { assignment, ...lab } = readLab(name);
  const given = filesFor(assignment, lab.given, "ada");
  const runs = scenariosOf(assignment).map(({ program, machine }) => program ?? machine ?? assignment.files[0]!);
  const sources = [...new Set(runs)].filter((file) => file.endsWith(".asm"));
  return (["starter", "solution"] as const).flatMap((which) =>
    sources.map((file) => [name, which, file, new Map([...given, ...lab[which]])] as const),
  );
});

describe.skipIf(!hasNasm)("labs have nasm's bytes", () => {
  test.each(programs)("%s, %s: %s", async (_, __, file, files) => {
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const output = join(folder, "out.bin");
    const { status, stderr } = spawnSync("nasm", ["-f", "bin", "-o", output, file], { cwd: folder, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const { bytes } = await assembleFile({ program: file }, async (name) => files.get(name));
    expect(Buffer.from(bytes).equals(readFileSync(output))).toBe(true);
  });
});
