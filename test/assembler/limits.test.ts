import { expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";

const many = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join("\n");

/** Texts that would take for ever, or all memory, and the first thing said about them. */
const cases: readonly (readonly [string, string, RegExp])[] = [
  ["a file of 50 MB", "x".repeat(50_000_000), /^1:1 This file has 50000000 characters/],
  ["a line of 12 MB", `db \`${"\\n".repeat(6_000_000)}\``, /^1:1 This line has 12000005 characters/],
  ["a NUL byte", "nop\nmov ax\0, 1", /^2:7 There is a NUL byte/],
  ["deep parentheses", `db ${"(".repeat(100_000)}1${")".repeat(100_000)}`, /^1:104 .*nested deeper than 100/],
  ["many signs", `db ${"-".repeat(100_000)}1`, /^1:104 .*nested deeper/],
  ["repeated data", "times 0x7fffffffffffffff db 1", /^1:7 9223372036854775807 repetitions/],
  ["repeated instructions", "x: times 5000000 jmp x", /^1:1 An instruction can be repeated at most/],
  ["repeated reservations", "times 1000 resb 100000000", /^1:1 These are 6\d+ bytes/],
  ["a section too large", "section .bss\nresq 0x7fffffffffffffff", /^2:1 These are \d+ bytes/],
  ["many large parts", many(5, () => "times 20000000 db 0"), /^4:1 The program would be larger than 64 MiB/],
  ["a wide alignment", "db 1\nalign 0x40000000", /^2:1 /],
  [
    "macros that double",
    `${many(60, (n) => `%define a${n + 1} a${n}+a${n}`)}\ndb a60`,
    /^61:4 This line expands to more/,
  ],
  [
    "macros that double to nothing",
    `%define a0\n${many(60, (n) => `%define a${n + 1} a${n} a${n}`)}\na60`,
    /^62:1 This line expands to more/,
  ],
  ["macros in macros", `${many(5000, (n) => `%define a${n + 1} a${n}`)}\ndb a5000`, /^5001:4 Macros are nested deeper/],
  ["a repetition of nothing", "%rep 0x7fffffffffffffff\n%endrep", /^1:1 Macros and repetitions make more than/],
  ["repetitions in repetitions", `${many(8, () => "%rep 1000")}\nnop\n${many(8, () => "%endrep")}`, /^8:1 Macros and/],
  ["deep repetitions", `${many(400, () => "%rep 1")}\nnop\n${many(400, () => "%endrep")}`, /^301:1 .*deeper than 300/],
  ["a macro without end", "%rmacro m 0\nm\nnop\n%endmacro\nm", /^2:1 .*deeper than 300/],
  ["a macro that calls itself twice", "%rmacro m 0\nm\nm\n%endmacro\nm", /^2:1 .*deeper than 300/],
  [
    "macros that call each other twice",
    `${many(60, (n) => `%macro m${n} 0\nm${n + 1}\nm${n + 1}\n%endmacro`)}\nm0`,
    /Macros and repetitions make more than/,
  ],
  ["arguments that double", "%rmacro m 1+\nm %1 %1\n%endmacro\nm nop", /^2:\d+ (This line|Macros and repetitions)/],
  ["text that doubles", "%define a x\n%rep 60\n%xdefine a a a\n%endrep", /^3:1\d This line expands to more/],
  ["a string that doubles", "%define a 'x'\n%rep 60\n%strcat a a, a\n%endrep", /longer than/],
  [
    "long lines in a repetition",
    `${many(14, (n) => `%define a${n + 1} a${n}+a${n}`)}\n%define a0 1\n%rep 300000\n dd a14\n%endrep`,
    /^17:1 Macros and repetitions make more than/,
  ],
  [
    "calls with many arguments in a repetition",
    `%macro m 1+\ndb %1\n%endmacro\n%rep 100000\nm ${many(3000, () => "1").replaceAll("\n", ",")}\n%endrep`,
    /Macros and repetitions make more than/,
  ],
  [
    "the length of a long string in a repetition",
    `%define a '${"x".repeat(90_000)}'\n%rep 100000\n%strlen b a\n%endrep`,
    /^3:1 Macros and repetitions make more than/,
  ],
  [
    "a macro of one that takes it twice",
    `%define f0(x) x+x\n${many(40, (n) => `%define f${n + 1}(x) f${n}(f${n}(x))`)}\ndb f40(1)`,
    /^42:4 (Macros|This line)/,
  ],
  ["a list in a list", `db ${"9 dup (".repeat(90)}1${")".repeat(90)}`, /^1:1 These are .* bytes/],
  ["a long list", "db 0x7fffffff dup (1)", /^1:4 2147483647 repetitions/],
  ["constants in a circle", "a equ b+1\nb equ a+1\ndb a", /^1:1 .*depends on itself/],
  ["a million labels", many(1_000_000, (n) => `l${n}:`), /^500001:1 A program has at most 500000 lines/],
  ["a million mistakes", many(1_000_000, (n) => `)( ${n}`), /^500001:1 A program has at most 500000 lines/],
  ["lines that are joined to one", many(1_000_000, () => "\\"), /^500001:1 A program has at most/],
  [
    "repetitions that differ each time",
    `x: ${many(60, () => "times 99999 jmp x")}`,
    /^2:1 Instructions that are not the same/,
  ],
  [
    "sizes that depend on one another",
    `${many(500, (n) => `l${n}: resb (l${n + 1}-l${n}) ^ 1`)}\nl500:`,
    /never comes to rest/,
  ],
  ["contexts", "%rep 20000\n%push\n%endrep", /^2:1 More than 10000 contexts/],
];

it.each(cases)("%s is refused at its place", (_, text, expected) => {
  const { problems, bytes } = assemble({ file: "f", text });
  const [first] = problems;
  expect(`${first!.range.line + 1}:${first!.range.start + 1} ${first!.message}`).toMatch(expected);
  expect(first!.severity).toBe("error");
  expect(bytes).toHaveLength(0);
});

/** The first thing said of a program whose files include each other, and how often a file was asked for. */
function including(read: (path: string) => string): { readonly said: string; readonly asked: number } {
  let asked = 0;
  const { problems } = assemble({
    file: "0",
    text: read("0"),
    read: (path) => {
      asked++;
      return { file: path, text: read(path) };
    },
  });
  return { said: problems[0]!.message, asked };
}

it("files that include each other end at a limit", () => {
  const twice = (path: string) => `%include '${path}'\n`.repeat(2);
  expect(including(() => twice("0"))).toEqual({ said: "“0” includes itself.", asked: 2 });
  const tree = including((path) => (Number(path) > 40 ? "nop" : twice(String(Number(path) + 1))));
  expect(tree.said).toBe("More than 5000 files are included.");
  expect(tree.asked).toBeLessThan(6000);
  const guarded = including(() => `%ifndef G\n%define G\n%endif\n${twice("0")}`);
  expect(guarded.asked).toBeLessThan(6000);
});

it("a rotation by any count is one step", () => {
  const turn = "%rotate 0x7fffffffffffffff\n%rotate -0x7ffffffffffffffe\n";
  const { bytes, problems } = assemble({ file: "f", text: `%macro m 3\n${turn}db %1\n%endmacro\nm 1,2,3` });
  expect(problems).toEqual([]);
  expect([...bytes]).toEqual([2]);
});

it("a large file that incbin takes often ends at a limit", () => {
  const bytes = new Uint8Array(10_000_000);
  const text = many(1000, () => "incbin 'x'");
  const { problems } = assemble({ file: "f", text, readBytes: () => ({ file: "x", bytes }) });
  expect(problems[0]).toMatchObject({ code: "output-too-large", range: { line: 6 } });
});

it("a file full of mistakes is told of in its first thousand", () => {
  expect(assemble({ file: "f", text: many(20_000, (n) => `)( ${n}`) }).problems).toHaveLength(1000);
});

it("long lines and many labels are no mistake", () => {
  const sum = assemble({
    file: "f",
    text: `x: dd ${Array(20_000).fill("(x-$$)").join("+")}, ${Array(20_000).fill("1").join("+")}`,
  });
  expect(sum.problems).toEqual([]);
  expect([...new Uint32Array(sum.bytes.buffer)]).toEqual([0, 20_000]);
  expect(assemble({ file: "f", text: many(5000, (n) => `l${n}: jmp l${(n * 7919) % 5000}`) }).problems).toEqual([]);
});
