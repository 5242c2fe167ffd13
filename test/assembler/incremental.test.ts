import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  Assembler,
  type Assembly,
  assemble,
  lineMap,
  type MacroCall,
  type OutputFormat,
  type Range,
} from "../../assembler/index.ts";
import { dataPrograms } from "./data-programs.ts";
import { featureCases, featureFiles } from "./feature-cases.ts";
import { preprocessorPrograms } from "./preprocessor-programs.ts";
import { programs } from "./programs.ts";
import { edited, generatedProgram, seeded } from "./random.ts";
import { sectionPrograms } from "./section-programs.ts";

const at = ({ file, line, start, end }: Range) => `${file}:${line}:${start}-${end}`;
const calls = (call: MacroCall | undefined): string =>
  call ? ` in ${call.macro} ${at(call.range)}${calls(call.outer)}` : "";

/** All that the interface gives, as text. */
function shown(assembly: Assembly): string[] {
  const { problems, bytes, origin, bits, emitted, mentions, symbols, references, includes, settings } = assembly;
  const map = lineMap(assembly);
  return [
    `${origin} ${bits} ${JSON.stringify(settings)} ${Buffer.from(bytes).toString("hex")}`,
    ...[0, 64, 333].map((at) => `at ${at}: ${assembly.dataAt(origin + at, 16)}`),
    ...problems.map((problem) => JSON.stringify(problem)),
    ...emitted.map(
      (one) =>
        `${one.address} ${one.position} ${one.length} ${one.bits} ${at(one.range)}${calls(one.expansion)} ${one.decoded?.row.syntax} ${one.decoded?.length}`,
    ),
    ...[...new Map(emitted.map(({ range }) => [`${range.file}:${range.line}`, range]))].map(
      ([place, { file, line }]) => `${place} ${map.addresses(file, line)}`,
    ),
    ...mentions.map(
      (one) =>
        `${one.mnemonic} ${at(one.range)} ${at(one.mnemonicRange)} ${one.bits} ${one.row?.syntax} ${one.length} ${JSON.stringify(one.decoded?.operands, (_, value) => (typeof value === "bigint" ? `${value}` : value))}`,
    ),
    ...[...symbols.values()].map(({ name, kind, value, range }) => `${name} ${kind} ${value} ${at(range)}`),
    ...references.map(({ name, range }) => `${name} ${at(range)}`).sort(),
    ...includes.map(({ file, range }) => `${file} ${at(range)}`),
  ];
}

/** Edits a program some times, and compares with an assembly from the beginning each time. Counts the edits that were followed. */
function follows(text: string, seed: number, edits: number, format: OutputFormat = "bin"): number {
  const random = seeded(seed);
  const assembler = new Assembler({ file: "f", format });
  assembler.assemble(text);
  let now = text;
  let followed = 0;
  for (let n = 0; n < edits; n++) {
    const before = now;
    now = edited(now, random);
    const assembly = assembler.assemble(now);
    if (assembler.followed) followed++;
    expect(shown(assembly), `seed ${seed}, edit ${n}: ${difference(before, now)}`).toEqual(
      shown(assemble({ file: "f", format, text: now })),
    );
  }
  return followed;
}

function difference(before: string, after: string): string {
  const [a, b] = [before.split("\n"), after.split("\n")];
  const first = a.findIndex((line, n) => line !== b[n]);
  return `line ${first + 1}: ${JSON.stringify(a.slice(first, first + 3))} to ${JSON.stringify(b.slice(first, first + 3))}`;
}

describe("an edit gives what a new assembly gives", () => {
  const examples = join(import.meta.dirname, "..", "..", "examples");
  const sources = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".asm") && !file.startsWith("labs"),
  );
  it.each(sources)("examples/%s", (file) => {
    follows(readFileSync(join(examples, file), "utf8"), 1, 30);
  });

  const all = Object.values({ ...programs, ...preprocessorPrograms, ...dataPrograms, ...sectionPrograms });
  it("programs about one thing each", () => {
    for (const [n, text] of all.entries()) follows(text, n, 6);
  });

  it.each(featureFiles)("features/%s", (file) => {
    for (const [n, { text, format }] of featureCases(file).entries()) follows(text, n, 4, format);
  });

  it("generated programs", () => {
    let followed = 0;
    for (let seed = 1; seed <= 16; seed++) {
      const text = generatedProgram(seeded(seed), 40 + seed * 6).join("\n");
      followed += follows(text, seed, 20);
    }
    // Far most edits change nothing but their line and what is about its symbols.
    expect(followed).toBeGreaterThan(100);
  });

  it("what is said of a local label stays when the global label above it changes", () => {
    const assembler = new Assembler({ file: "f" });
    const [before, after] = ["x: ret\n.bss\n jmp .bss\n", "other: ret\n.bss\n jmp .bss\n"];
    assembler.assemble(before);
    expect(shown(assembler.assemble(after))).toEqual(shown(assemble({ file: "f", text: after })));
    expect(assembler.followed).toBe(true);
  });
});
