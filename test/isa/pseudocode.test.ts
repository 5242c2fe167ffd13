import { describe, expect, it } from "vitest";
import { decode, encode, pseudocode } from "../../isa/index.ts";
import type { Bits } from "../../isa/operands.ts";
import { forms } from "../../isa/table.ts";
import { modes, samplesOf } from "./samples.ts";

const text = (hex: string, bits: Bits): string => {
  const decoded = decode(Uint8Array.from(Buffer.from(hex, "hex")), 0, bits);
  return typeof decoded === "string" ? decoded : pseudocode(decoded);
};

describe("pseudo-code", () => {
  it.each([
    ["83c005", 32, "eax ← eax + 5\nCF, PF, AF, ZF, SF, OF ← from the sum"],
    ["3d05000000", 32, "CF, PF, AF, ZF, SF, OF ← from eax - 5"],
    ["40", 32, "eax ← eax + 1\nPF, AF, ZF, SF, OF ← from the sum"],
    ["8b4508", 32, "eax ← [ebp+8]"],
    ["740e", 32, "if ZF:\n  jump to $+0x10"],
    ["fa", 32, "clearInterruptFlag()"],
    ["0f20c0", 32, "eax ← cr0"],
    ["50", 32, "push eax"],
    ["0f58c1", 32, "xmm0 ← addps(xmm0, xmm1)"],
    ["f30f114508", 32, "[ebp+8] ← xmm0.low[31:0]"],
    ["660f6f00", 32, "raise #GP unless [eax] is aligned to 16 bytes\nxmm0.low ← [eax].low\nxmm0.high ← [eax].high"],
    ["dec1", 32, "st1 ← faddp(st1, st0)"],
    ["d9c1", 32, "fld(st1)"],
    ["d9fa", 32, "fsqrt()"],
  ] as const)("%s", (hex, bits, expected) => {
    expect(text(hex, bits)).toBe(expected);
  });

  it("names a value that is overwritten before its last use", () => {
    expect(text("87d8", 32)).toBe("t1 ← eax\neax ← ebx\nebx ← t1");
    expect(text("0fc1d8", 32)).toBe("t1 ← eax + ebx\nebx ← eax\neax ← t1\nCF, PF, AF, ZF, SF, OF ← from t1");
  });

  it("says something for every row that does something", () => {
    const silent = forms.flatMap((form) => {
      for (const bits of modes)
        for (const { statement } of samplesOf(form, bits)) {
          const encoding = encode(form.row, statement, { bits });
          const decoded = encoding.kind === "encoding" ? decode(encoding.bytes, 0, bits) : "refused";
          if (typeof decoded !== "string") return pseudocode(decoded) === "" ? [form.row.mnemonic] : [];
        }
      return [];
    });
    // The first sample of XCHG EAX, EAX is encoded as NOP; what a line of the cache is told cannot be seen.
    const nothing =
      /^(nop|hint_nop\d+|endbr(32|64)|rdssp[dq]|prefetch\w*|cl(demote|flush|flushopt|wb)|[lms]fence|serialize|xchg)$/;
    expect([...new Set(silent)].filter((mnemonic) => !nothing.test(mnemonic))).toEqual([]);
  });
});
