import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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

const root = join(import.meta.dirname, "..", "..");

it("docs/problems.md has every code, and no other", () => {
  const documented = readFileSync(join(root, "docs", "problems.md"), "utf8").matchAll(/^\| `([a-z-]+)` \|/gm);
  const codes = new Set([...documented].map(([, code]) => code!));
  const sources = ["assembler", "isa", "server/diagnostics"]
    .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(root, folder, file)))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(file, "utf8"));
  const reported = cases.flatMap((one) => [...one.marked.matchAll(/ (?:error|warning|information) ([a-z-]+): /g)]);
  expect(reported.map(([, code]) => code!).filter((code) => !codes.has(code))).toEqual([]);
  const quoted = new Set(
    sources.flatMap((text) => [...text.matchAll(/"([a-z]+(?:-[a-z]+)*)"/g)].map(([, word]) => word!)),
  );
  expect([...codes].filter((code) => !quoted.has(code))).toEqual([]);
  const made = sources.flatMap((text) => [
    ...text.matchAll(/(?:\.(?:error|warning|fault)\(|fault\(\w+, |this\.problem\(\w+, |code: )\s*"([a-z-]+)"/g),
  ]);
  expect(made.map(([, code]) => code!).filter((code) => !codes.has(code))).toEqual([]);
});
