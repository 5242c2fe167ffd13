import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutputFormat } from "../../assembler/index.ts";
import { hasNasm } from "../isa/nasm.ts";
import { casesOf } from "./marked-source.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";

const folder = join(import.meta.dirname, "features");

/** The cases of a file; a title may end in the output format, in parentheses. */
const casesIn = (file: string) =>
  casesOf(readFileSync(join(folder, file), "utf8")).map(({ title, text }) => ({
    title,
    text,
    format: (/\((elf32|elf64)\)$/.exec(title)?.[1] ?? "bin") as OutputFormat,
  }));

/** What nasm refuses, we must refuse; in other words. */
const outcome = (output: Uint8Array | string): string => (typeof output === "string" ? "refused" : shown(output));

describe.skipIf(!hasNasm).each(readdirSync(folder).sort())("%s", (file) => {
  it.each(casesIn(file))("$title", ({ text, format }) => {
    const [ours, theirs] = [ringsideOutput(`${text}\n`, { format }), nasmOutput(`${text}\n`, format)];
    expect(outcome(ours), `ours: ${shown(ours)}\nnasm: ${shown(theirs)}`).toBe(outcome(theirs));
  });
});
