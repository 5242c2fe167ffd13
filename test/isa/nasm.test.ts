import { describe, expect, it } from "vitest";
import { select } from "../../isa/encode.ts";
import { forms } from "../../isa/table.ts";
import { assembleLines, hasNasm } from "./nasm.ts";
import { modes, type Sample, samplesOf } from "./samples.ts";

/** What nasm cannot write, and why. */
const notInNasm: readonly {
  readonly line: RegExp;
  readonly error: RegExp;
  readonly because: string;
  /** Ringside takes it. */
  readonly accepted?: true;
}[] = [
  {
    line: /^j(?!mp)\w+ (word|dword) /,
    error: /mismatch in operand sizes/,
    because: "a conditional jump of the other operand size cannot be written",
  },
  {
    line: /^(mov[sz]x|crc32) r\w+, [ab]h$/,
    error: /high byte register/,
    because: "AH needs an encoding without REX",
  },
  {
    line: /^movsxd e?\w+, e?\w+|^movsxd \w+, dword/,
    error: /invalid combination/,
    because: "MOVSXD to a 32-bit register is a plain MOV and only decoded",
  },
  {
    line: /^bswap (\w\w|r\d+w)$/,
    error: /invalid combination/,
    because: "the result of BSWAP with 16 bits is undefined: only decoded",
  },
  {
    line: /^p(movmskb|extrw) r\w+, x?mm|^pinsrw mm\d, r/,
    error: /invalid combination/,
    because: "the upper half would be zero anyway: only decoded",
  },
  {
    line: /^(pmuludq mm|psubq mm|pshufw mm|cmpsd xmm)\d+, qword/,
    error: /mismatch in operand sizes|invalid combination/,
    because: "nasm 2 knows no size of these operands",
    accepted: true,
  },
  {
    line: /^(umwait|tpause) r/,
    error: /invalid combination/,
    because: "REX.W makes no difference: only decoded",
  },
  {
    line: /^((rd|wr)pkru|wrmsrns|skinit)$/,
    error: /not supported in (16|32)-bit mode/,
    because: "the manuals have them in every mode",
    accepted: true,
  },
];

describe.skipIf(!hasNasm)("encodings are nasm's", () => {
  it.each(modes)("every row, %i bits", (bits) => {
    const samples: Sample[] = forms.flatMap((form) => samplesOf(form, bits));
    const lines = samples.map(({ text }) => text);
    const expected = assembleLines(bits, lines);
    const differences = samples.flatMap(({ statement, text }, n) => {
      const result = select(statement, { bits });
      const ours = result.kind === "encoding" ? Buffer.from(result.bytes).toString("hex") : result.message;
      const theirs = expected[n]!;
      // nasm writes 66h before WRSS and WRUSS in 16-bit code, which makes ADCX of the one.
      if (bits === 16 && /^wru?ssd/.test(text)) return [];
      if ("bytes" in theirs) return theirs.bytes === ours ? [] : [`${text}: ${ours}, nasm ${theirs.bytes}`];
      const known = notInNasm.find(({ line, error }) => line.test(text) && error.test(theirs.error));
      return known && (known.accepted || result.kind === "refusal") ? [] : [`${text}: ${ours}, nasm: ${theirs.error}`];
    });
    expect(differences).toEqual([]);
    expect(samples.length).toBeGreaterThan(1000);
  });
});
