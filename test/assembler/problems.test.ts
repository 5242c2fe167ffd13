import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { casesOf, withMarks } from "./marked-source.ts";

const path = join(import.meta.dirname, "problems.asm");
const cases = casesOf(readFileSync(path, "utf8"));

/** Files that the cases include. */
const files: Readonly<Record<string, string>> = {
  "itself.inc": '%include "itself.inc"\n',
  "round.inc": '%include "trip.inc"\n',
  "trip.inc": '%include "round.inc"\n',
  "guarded.inc": '%ifndef GUARDED\n%define GUARDED\n%include "guarded.inc"\n%endif\n',
};

const read = (name: string) => (name in files ? { file: name, text: files[name]! } : undefined);

const actual = ({ text }: (typeof cases)[number]) =>
  withMarks("case.asm", text, assemble({ file: "case.asm", text, read }).problems);

// UPDATE=1 writes down what is; read the difference before you commit it.
if (process.env["UPDATE"]) writeFileSync(path, `${cases.map((one) => `;; ${one.title}\n${actual(one)}\n`).join("\n")}`);
else
  it.each(cases)("$title", (one) => {
    expect(actual(one)).toBe(one.marked);
  });
