import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, lineMap, type MacroCall } from "../../assembler/index.ts";
import { preprocessorPrograms } from "./preprocessor-programs.ts";

const nested = `%macro inner 2
  mov %1, %2
%endmacro
%macro outer 1
  nop
  inner ax, %1
%endmacro
  outer 5
  ret
  outer bl
`;

const chain = (call: MacroCall | undefined): string[] =>
  call ? [`${call.macro} ${call.range.line + 1}:${call.range.start}-${call.range.end}`, ...chain(call.outer)] : [];

describe("the line map", () => {
  const text = nested.replace("  outer bl\n", "  outer 6\n");
  const { emitted } = assemble({ file: "f", text });

  it("says in which calls a byte was made", () => {
    expect(emitted.map(({ range, expansion }) => [range.line + 1, ...chain(expansion)])).toEqual([
      [5, "outer 8:2-9"],
      [2, "inner 6:2-14", "outer 8:2-9"],
      [9],
      [5, "outer 10:2-9"],
      [2, "inner 6:2-14", "outer 10:2-9"],
    ]);
  });

  it("finds the code of bodies and of calls", () => {
    const map = lineMap({ emitted });
    expect([1, 4, 5, 7, 8, 9].map((line) => map.addresses("f", line))).toEqual([[1, 6], [0, 5], [1, 6], [0], [4], [5]]);
  });
});

it("a problem in a macro shows the calls that led to it", () => {
  const [problem, ...others] = assemble({ file: "f", text: nested }).problems;
  expect(others).toEqual([]);
  expect(problem!.range).toEqual({ file: "f", line: 1, start: 10, end: 12 });
  expect(problem!.related).toEqual([
    { range: { file: "f", line: 5, start: 2, end: 14 }, message: "In the expansion of the macro “inner” here." },
    { range: { file: "f", line: 9, start: 2, end: 10 }, message: "In the expansion of the macro “outer” here." },
  ]);
});

it("%fatal ends the reading", () => {
  const { problems } = assemble({ file: "f", text: "%if 1\n%fatal no more\n%endif\nfoo bar baz\n" });
  expect(problems.map(({ message }) => message)).toEqual(["no more"]);
});

it("__FILE__ is the file at hand", () => {
  const read = () => ({ file: "b.inc", text: "db __FILE__\n" });
  const { bytes } = assemble({ file: "a.asm", text: 'db __FILE__\n%include "b.inc"\ndb __FILE__', read });
  expect(String.fromCharCode(...bytes)).toBe("a.asmb.inca.asm");
});

describe("a program with something cut out or changed", () => {
  const programs = Object.values(preprocessorPrograms);
  const change = fc.record({
    program: fc.nat(programs.length - 1),
    first: fc.nat(400),
    second: fc.nat(400),
    kind: fc.constantFrom("cut", "delete", "swap", "repeat"),
  });

  it("is read to its end all the same", () => {
    fc.assert(
      fc.property(change, ({ program, first, second, kind }) => {
        const words = programs[program]!.split(/(?<=\s)|\b/);
        const [a, b] = [first % words.length, second % words.length];
        if (kind === "cut") words.length = a;
        else if (kind === "delete") words.splice(a, 1 + (b % 4));
        else if (kind === "swap") [words[a], words[b]] = [words[b]!, words[a]!];
        else words.splice(b, 0, words[a]!);
        const text = words.join("");
        const { problems, emitted } = assemble({ file: "f", text });
        const lines = text.split("\n");
        for (const { range } of [...problems, ...problems.flatMap(({ related = [] }) => related), ...emitted]) {
          expect(range.line).toBeLessThan(lines.length);
          expect(range.end).toBeLessThanOrEqual(Math.max(1, lines[range.line]!.length));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
