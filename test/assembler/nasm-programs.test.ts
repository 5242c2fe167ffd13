import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { includedFrom } from "../emulator/machine/program.ts";
import { hasNasm } from "../isa/nasm.ts";
import { preprocessorPrograms } from "./preprocessor-programs.ts";
import { programs } from "./programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ringside-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** nasm's output in hexadecimal, or what it says against the program, which includes files of a folder. */
function nasm(text: string, folder = directory): string {
  const [source, output] = [join(directory, "program.asm"), join(directory, "program.bin")];
  writeFileSync(source, text);
  const { status, stderr } = spawnSync("nasm", ["-f", "bin", "-I", `${folder}/`, "-o", output, source], {
    encoding: "utf8",
  });
  return status === 0 ? readFileSync(output).toString("hex") : stderr;
}

/** The same of ours. */
function ringside(file: string, text: string, folder = directory): string {
  const { problems, bytes } = assemble({ file, text, read: includedFrom(folder) });
  const errors = problems.filter(({ severity }) => severity === "error");
  return errors.length === 0
    ? Buffer.from(bytes).toString("hex")
    : errors.map(({ range, message }) => `${range.line + 1}: ${message}`).join("\n");
}

describe.skipIf(!hasNasm)("bytes are nasm's", () => {
  it.each(Object.entries({ ...programs, ...preprocessorPrograms }))("%s", (name, text) => {
    expect(ringside(name, text)).toBe(nasm(text));
  });

  const examples = join(import.meta.dirname, "..", "..", "examples");
  const sources = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".asm") && !file.startsWith("labs"),
  );
  it.each(sources)("examples/%s", (file) => {
    const text = readFileSync(join(examples, file), "utf8");
    const folder = dirname(join(examples, file));
    expect(ringside(file, text, folder)).toBe(nasm(text, folder));
  });
});
