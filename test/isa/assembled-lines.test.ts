import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences, hasNasm } from "./nasm.ts";
import { modes } from "./samples.ts";

describe.skipIf(!hasNasm)("assembles as nasm does", () => {
  const lines = readFileSync(join(import.meta.dirname, "lines.asm"), "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith(";"));

  it.each(modes)("chosen lines, %i bits", (bits) => {
    expect(differences(bits, lines)).toEqual([]);
  });
});
