import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, lineMap } from "../../assembler/index.ts";

/** Pieces of the language, in any order: most texts are wrong, many are nearly right. */
const piece = fc.constantFrom(
  ..."mov ax eax rax es [ ] ( ) + - * / // % %% , : ; ' \" ` $ $$ $foo foo .bar ..@x 5 0x1f 1fh 1.5 'a'".split(" "),
  ..."times equ db dw resb section .data align org bits 16 32 64 jmp short near far byte dword strict rel".split(" "),
  ...'%define %if %else %endif %include "x" %assign %macro %endmacro %1 %%a ? ~ ! << <=> = == && ||'.split(" "),
  ..."foo: rep lock default struc \\ x y(z) %undef %pragma ringside memory global loop jz call ret ^^ @ # { }".split(
    " ",
  ),
  ..."%defalias %use smartalign alignmode p6 %arg %local %stacksize flat %line 7+1 %pathsearch %clear %{$a}_b %[ %$x".split(
    " ",
  ),
  ..."float daz sectalign cpu 8086 osabi wrt ..plt extern common static __float32__(1.5) __utf16__('a') __ilog2e__ 12p".split(
    " ",
  ),
  ..."struc istruc at endstruc iend absolute %rep %endrep %push %pop %unimacro f(=a,&b,c+) x! %ifidn , %defstr %substr".split(
    " ",
  ),
  ..."99999999999999999999 é \u0000 \ud800 \t".split(" "),
  "\n",
  "\n",
  "\r\n",
);
const pieces = fc.array(piece, { maxLength: 40 });
const text = fc.oneof(
  pieces.map((list) => list.join(" ")),
  pieces.map((list) => list.join("")),
  fc.string({ unit: "binary", maxLength: 60 }),
);

describe("assembling any text", () => {
  it("never throws, and every place it names is in the text", () => {
    fc.assert(
      fc.property(text, (source) => {
        const assembly = assemble({ file: "f", text: source, read: () => ({ file: "x", text: source }) });
        const lines = source.split(/\r\n|\n|\r/);
        const ranges = [
          ...assembly.problems.flatMap(({ range, related = [] }) => [range, ...related.map((place) => place.range)]),
          ...assembly.emitted.map(({ range }) => range),
          ...assembly.mentions.flatMap(({ range, mnemonicRange }) => [range, mnemonicRange]),
          ...assembly.references.map(({ range }) => range),
          ...[...assembly.symbols.values()].map(({ range }) => range),
        ];
        for (const { line, start, end } of ranges) {
          expect(line).toBeLessThan(lines.length);
          expect(start).toBeLessThanOrEqual(end);
          expect(end).toBeLessThanOrEqual(Math.max(1, lines[line]!.length));
        }
      }),
      { numRuns: 1500 },
    );
  });

  it("gives the same result again", () => {
    fc.assert(
      fc.property(text, (source) => {
        const once = () => {
          const { problems, bytes } = assemble({ file: "f", text: source });
          return { problems, bytes: [...bytes] };
        };
        expect(once()).toEqual(once());
      }),
      { numRuns: 300 },
    );
  });
});

/** Programs without mistakes: instructions of many sizes and jumps to anywhere. */
const statement = fc.oneof(
  fc.constantFrom("nop", "mov ax, 5", "mov eax, [bx+si+300]", "db 1, 2, 3", "times 30 db 0", "align 8", "ret"),
  fc
    .tuple(fc.constantFrom("jmp", "jz", "call", "dw", "mov ax,", "lea si,"), fc.nat(40))
    .map(([mnemonic, target]) => `${mnemonic} ${mnemonic === "lea si," ? `[l${target}]` : `l${target}`}`),
);
const program = fc
  .array(statement, { minLength: 41, maxLength: 120 })
  .map((list) => list.map((line, n) => `l${n}: ${line}`).join("\n"));

describe("a right program", () => {
  it("is covered by its items without gap or overlap, and the line map finds them", () => {
    fc.assert(
      fc.property(program, (source) => {
        const { problems, emitted, bytes, symbols } = assemble({ file: "f", text: source });
        expect(problems).toEqual([]);
        const map = lineMap({ emitted });
        let address = 0;
        for (const item of emitted) {
          expect(item.address).toBe(address);
          expect(map.at(address)).toBe(item);
          expect(map.at(address + item.length - 1)).toBe(item);
          expect(map.addresses("f", item.range.line)).toContain(address);
          address += item.length;
        }
        expect(address).toBe(bytes.length);
        expect(map.at(address)).toBeUndefined();
        for (const { name, value, range } of symbols.values()) {
          const line = map.nextLineWithCode("f", range.line);
          if (line !== range.line) continue;
          expect(BigInt(map.addresses("f", line)[0]!), name).toBe(value);
        }
      }),
      { numRuns: 100 },
    );
  });
});
