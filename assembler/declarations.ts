import type { Context } from "./item.ts";
import type { Program } from "./program.ts";
import { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { StatementTree } from "./tree.ts";

type Declaration = Extract<StatementTree, { kind: "declaration" }>;

/** `global`, `extern`, `common`, `required`, `static`: what other files know of symbols, and what this one of theirs. */
export function declare({ word, names }: Declaration, program: Program, source: SourceLine): void {
  for (const { text, attributes, size, ...span } of names) {
    const entry = program.symbols.entry(text);
    program.refersTo(entry, source, span);
    if (word.text === "static") continue;
    if (word.text === "global") {
      entry.binding ??= { kind: "global", attributes, size: 0 };
      continue;
    }
    if (word.text === "common" && program.format === "bin") {
      const message = "A flat binary has no common variables; reserve the space with resb.";
      program.problems.error("needs-object-file", message, source, word);
    }
    const count = word.text === "common" && size?.times[0];
    const bytes = count && size ? program.ask(count, size, source, "The size of a common variable").value : 0n;
    if (word.text === "common" && !size)
      program.problems.error("bad-directive", "“common” needs a name and a size.", source, span);
    if (entry.definition || entry.binding) continue;
    const kind = word.text === "common" ? "common" : "extern";
    if (word.text === "required") entry.mentioned = true;
    entry.binding = { kind, attributes, size: Number(bytes ?? 0n) };
    entry.predefined = true;
    entry.moveTo(program.external(text), 0);
    program.known.push(entry);
  }
}

/** A section that stands for a symbol of another file. */
export function externalSection(name: string): Section {
  const section = new Section(name, true);
  section.external = true;
  return section;
}

type Option = Extract<StatementTree, { kind: "option" }>;

const levels = new Map<string, number>([
  ...["8086"].map((name) => [name, 0] as const),
  ...["186", "80186", "i186"].map((name) => [name, 1] as const),
  ...["286", "80286", "i286"].map((name) => [name, 2] as const),
  ...["386", "80386", "i386"].map((name) => [name, 3] as const),
  ...["486", "80486", "i486"].map((name) => [name, 4] as const),
  ...["586", "pentium", "i586"].map((name) => [name, 5] as const),
  ...["686", "p6", "ppro", "pentiumpro", "i686", "p2", "p3", "katmai", "p4", "willamette", "prescott"].map(
    (name) => [name, 6] as const,
  ),
  ...["x64", "x86-64", "default", "all"].map((name) => [name, 7] as const),
]);

/** `cpu`, `[warning …]`, `[list …]`: the context after it. */
export function chooseOption({ word, words }: Option, program: Program, context: Context, source: SourceLine): Context {
  // Which warnings are shown, and what a listing leaves out, changes no byte.
  if (word.text !== "cpu") return context;
  const name = words.map(({ text }) => text.toLowerCase()).join("");
  const level = levels.get(name);
  if (level === undefined) {
    const hint = didYouMean(name, levels.keys());
    program.problems.error("bad-directive", `There is no processor “${name}”.${hint}`, source, words[0]!);
    return context;
  }
  return { ...context, nearConditions: level >= 3 };
}
