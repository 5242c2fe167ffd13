/**
 * How often the diagnostics warn in other people's programs: the assembly sources below some folders, each program with what it
 * includes, without a technique settled. Every place counts once. `elf64` or `elf32` before the folders: parts of programs.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assemble, type OutputFormat } from "../assembler/index.ts";
import { resolve } from "../assembler/location.ts";
import { diagnose } from "../server/diagnostics/index.ts";

const formats: readonly string[] = ["bin", "elf32", "elf64"] satisfies OutputFormat[];
const isFormat = (name: string | undefined): name is OutputFormat => formats.includes(name ?? "");
const [first, ...rest] = process.argv.slice(2);
const format: OutputFormat = isFormat(first) ? first : "bin";
const folders = isFormat(first) ? rest : [first ?? ".", ...rest];

const texts = new Map<string, string>();
function textOf(file: string): string | undefined {
  const known = texts.get(file) ?? (existsSync(file) ? readFileSync(file, "latin1") : undefined);
  if (known !== undefined) texts.set(file, known);
  return known;
}

const sources = folders
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)))
  .filter((file) => /\.(asm|nasm)$/i.test(file));
const places = new Map<string, Set<string>>();
for (const file of sources) {
  const assembly = assemble({
    ...{ file, text: textOf(file)!, format },
    read: (name, from) => {
      const found = [from, ...sources].map((one) => resolve(name, one)).find((one) => textOf(one) !== undefined);
      return found === undefined ? undefined : { file: found, text: textOf(found)! };
    },
  });
  const lineOf = (name: string, line: number) => textOf(name)?.split(/\r\n|\n|\r/)[line];
  const own = new Set(assembly.problems);
  for (const problem of diagnose(assembly, undefined, lineOf)) {
    if (own.has(problem) || problem.severity !== "warning") continue;
    const { code, range } = problem;
    places.set(code, (places.get(code) ?? new Set()).add(`${range.file}:${range.line}`));
  }
}
const lines = [...texts.values()].reduce((sum, text) => sum + text.split(/\r\n|\n|\r/).length, 0);
const warnings = [...places.values()].reduce((sum, of) => sum + of.size, 0);
console.log(`${sources.length} programs, ${texts.size} files, ${lines} lines, ${warnings} warnings:`);
for (const [code, of] of [...places].sort((a, b) => b[1].size - a[1].size)) console.log(`  ${of.size} ${code}`);
if (warnings > 0) console.log(`one warning in ${Math.floor(lines / warnings)} lines`);
