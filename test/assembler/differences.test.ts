import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasNasm } from "../isa/nasm.ts";
import { casesOf } from "./marked-source.ts";
import { nasmOutput, ringsideOutput } from "./nasm-oracle.ts";

const cases = casesOf(readFileSync(join(import.meta.dirname, "differences.asm"), "utf8"));

/** docs/assembler.md lists them with the reasons. */
describe.skipIf(!hasNasm)("what nasm accepts and Ringside does not is refused, not assembled otherwise", () => {
  it.each(cases)("$title", ({ title, text }) => {
    const format = title.includes("(elf64)") ? "elf64" : "bin";
    expect(ringsideOutput(`${text}\n`, { format })).toBeTypeOf("string");
    expect(nasmOutput(`${text}\n`, format)).toBeInstanceOf(Uint8Array);
  });
});
