import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { pick, type Random, seeded } from "./random.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");
const sources = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".asm") && !file.startsWith("labs"),
);

/** A damaged text, and where each of its lines comes from: a line of the original, or undefined if it was touched. */
interface Damaged {
  readonly lines: string[];
  readonly origin: (number | undefined)[];
}

const whole = (lines: readonly string[]): Damaged => ({ lines: [...lines], origin: lines.map((_, n) => n) });

const unfinished = [
  "%if",
  "%if 0",
  "%ifdef NOTHING",
  "%macro",
  "%macro half 1",
  "%rep",
  "%rep 3",
  "%define",
  "%assign x",
  "%include 'gone",
  "db 'open",
  'db "open',
  "db `open\\",
  "mov eax, [ebx",
  "mov eax, (1 + (2",
  "times",
  "struc",
  "section",
  "jmp",
  "dd 1,",
  "x equ",
];

/** Ways in which a text is not finished, or broken. */
const damages: Readonly<Record<string, (lines: readonly string[], random: Random) => Damaged>> = {
  "cut off": (lines, random) => {
    const last = random(lines.length);
    const cut = lines.slice(0, last + 1);
    cut[last] = cut[last]!.slice(0, random(cut[last]!.length + 1));
    return { lines: cut, origin: cut.map((_, n) => (n === last ? undefined : n)) };
  },
  "with lines taken out": (lines, random) => {
    const { lines: left, origin } = whole(lines);
    const [at, count] = [random(lines.length), 1 + random(4)];
    left.splice(at, count);
    origin.splice(at, count);
    return { lines: left, origin };
  },
  "with a piece taken out of a line": (lines, random) => {
    const damaged = whole(lines);
    const n = random(lines.length);
    const at = random(lines[n]!.length + 1);
    damaged.lines[n] = lines[n]!.slice(0, at) + lines[n]!.slice(at + 1 + random(5));
    damaged.origin[n] = undefined;
    return damaged;
  },
  "with two words swapped": (lines, random) => {
    const damaged = whole(lines);
    const [a, b] = [random(lines.length), random(lines.length)];
    if (a === b) return damaged;
    const [from, to] = [lines[a]!.split(/\b/), lines[b]!.split(/\b/)];
    const [m, n] = [random(from.length), random(to.length)];
    [from[m], to[n]] = [to[n] ?? "", from[m] ?? ""];
    [damaged.lines[a], damaged.lines[b]] = [from.join(""), to.join("")];
    [damaged.origin[a], damaged.origin[b]] = [undefined, undefined];
    return damaged;
  },
  "with something half typed in it": (lines, random) => {
    const { lines: more, origin } = whole(lines);
    const at = random(lines.length);
    more.splice(at, 0, pick(unfinished, random));
    origin.splice(at, 0, undefined);
    return { lines: more, origin };
  },
};

/** Names without the global label before them, which may be on a line that was touched, and their places. */
function namesOf(text: string): { readonly name: string; readonly line: number; readonly start: number }[] {
  const { symbols } = assemble({ file: "f", text });
  return [...symbols.values()]
    .filter(({ kind, range }) => kind !== "define" && range.file === "f")
    .map(({ name, range: { line, start } }) => ({ name: name.slice(Math.max(0, name.lastIndexOf("."))), line, start }));
}

describe.each(Object.entries(damages))("a program %s keeps the symbols of its other lines", (_, damage) => {
  it.each(sources)("examples/%s", (file) => {
    const lines = readFileSync(join(examples, file), "utf8").split("\n");
    const names = namesOf(lines.join("\n"));
    for (let seed = 1; seed <= 12; seed++) {
      const damaged = damage(lines, seeded(seed));
      const text = damaged.lines.join("\n");
      const found = namesOf(text);
      for (const { name, line, start } of names) {
        const now = damaged.origin.indexOf(line);
        if (now < 0) continue;
        const isThere = found.some((one) => one.name === name && one.line === now && one.start === start);
        // Or a line that was touched has the name now, and comes first.
        const isTaken = found.some((one) => one.name === name && damaged.origin[one.line] === undefined);
        expect(isThere || isTaken, `seed ${seed}: “${name}” of line ${line + 1} in\n${text}`).toBe(true);
      }
    }
  });
});
