import { decode } from "../../isa/decode.ts";
import type { Bits } from "../../isa/operands.ts";
import type { Difference } from "./nasm.ts";

/** A difference from nasm 2.16 that is meant. */
interface Meant {
  readonly because: string;
  readonly is: (difference: Difference, bits: Bits) => boolean;
}

/** Whether bytes are more, or less, than one instruction. */
function isNoInstruction(bytes: string, bits: Bits): boolean {
  const code = Uint8Array.from([...Buffer.from(bytes, "hex"), ...new Array(16).fill(0x90)]);
  const decoded = decode(code, 0, bits);
  return typeof decoded === "string" || decoded.length !== bytes.length / 2;
}

const operandSizePrefix = /\bo(16|32|64)\b/;

/** All of them. Each must still be there: a test says so. */
export const meantDifferences: readonly Meant[] = [
  {
    because:
      "an operand-size prefix against a number of another size: nasm writes the number at its own size, so that the processor reads another instruction; ours is the prefix's size or refused",
    is: ({ line, theirs }, bits) =>
      operandSizePrefix.test(line) && theirs !== "" && (isNoInstruction(theirs, bits) || /\bpush -?\d/.test(line)),
  },
  {
    because: "there is no such control or debug register; the processor raises #UD",
    is: ({ line, ours }) => /\b(cr|dr)\d+\b/.test(line) && ours === "",
  },
  {
    because: "an address is no distance: nasm cuts it to a byte without a word, and jumps elsewhere",
    is: ({ line, ours }) => ours === "" && /\b(loop\w*|j\w*cxz|(j\w+|call) short) -?(0x)?[0-9a-f]+(, \w+)?$/.test(line),
  },
  {
    because: "the counter that the instruction names and the address-size prefix disagree; in nasm the prefix wins",
    is: ({ line, ours }) =>
      ours === "" && /\ba(16|32|64)\b.*\b(loop|j\w*cxz|umonitor|clzero \w|invlpga \w|movdir64b)/.test(line),
  },
  {
    because: "the register of MOVDIR64B and its other address have one size; in nasm that of the register wins",
    is: ({ line, ours }) => ours === "" && /\bmovdir64b \w+, \[/.test(line),
  },
  {
    because: "nasm takes MONITORX with AX, although the address has 32 bits, and with EAX, although it has 64",
    is: ({ line, ours }) => ours === "" && /\bmonitorx e?ax,/.test(line),
  },
  {
    because: "SALC does not exist in 64-bit code",
    is: ({ line, ours }, bits) => bits === 64 && ours === "" && /\bsalc$/.test(line),
  },
  {
    because: "in 64-bit code XBEGIN has distances of 16 and 32 bits; nasm takes O64 before it",
    is: ({ line, ours }, bits) => bits === 64 && ours === "" && /\bo64 .*xbegin/.test(line),
  },
  {
    because: "the manuals have RDPKRU, WRPKRU, WRMSRNS and SKINIT in every mode, nasm in some",
    is: ({ line, theirs }) => theirs === "" && /\b((rd|wr)pkru|wrmsrns|skinit)$/.test(line),
  },
  {
    because: "nasm writes 66h before WRSS and WRUSS in 16-bit code, which makes ADCX of the one",
    is: ({ line }, bits) => bits === 16 && /\bwru?ssd\b/.test(line),
  },
  {
    because: "nasm takes WAIT for a prefix and writes other prefixes behind it, where they belong to what follows",
    is: ({ line }) => /\bf?wait$/.test(line),
  },
  {
    because: "nasm forgets the size of RETW and RETD before a number",
    is: ({ line, ours }) => ours === "" && /\bret[wdq] /.test(line),
  },
  {
    because: "a selector in memory has 16 bits; nasm takes QWORD and writes a REX.W that changes nothing",
    is: ({ line, ours }) => ours === "" && /\bmov (qword \[.*, [c-gs]s|[c-gs]s, qword \[)/.test(line),
  },
  {
    because: "POP CS exists on the 8086 only; later processors read its byte as the first of a longer opcode",
    is: ({ line, ours }) => ours === "" && /\bpop cs$/.test(line),
  },
  {
    because: "there is no 64-bit operand size outside 64-bit code; nasm ignores O64 before some instructions",
    is: ({ line, ours }, bits) => bits !== 64 && ours === "" && /\bo64\b/.test(line),
  },
  {
    because:
      "nasm takes the memory operand for one of another size, and so refuses the right one and takes a wrong one",
    is: ({ line }) => /\b((pmuludq|psubq|pshufw) mm\d, [qo]word|pshuf(d|hw|lw) xmm\d+, oword)/.test(line),
  },
  {
    because: "nasm takes no size for the 64-bit memory operand of CMPSD",
    is: ({ line, theirs }) => theirs === "" && /\bcmpsd xmm\d+, qword/.test(line),
  },
  {
    because:
      "before a number of stated size, and to memory, nasm writes PEXTRW in SSE4.1's encoding, which is not in the table",
    is: ({ line, theirs }) => /\bpextrw\b/.test(line) && theirs.includes("0f3a15"),
  },
  {
    because: "BEXTR with a number belongs to AMD's TBM, which is not in the table",
    is: ({ line, ours, theirs }) => ours === "" && /\bbextr .*, [ \w-]+$/.test(line) && theirs.includes("8f"),
  },
  {
    because: "nasm forgets O64 before INVLPGA with its operands",
    is: ({ line, theirs }) => theirs !== "" && /\bo64\b.*\binvlpga rax/.test(line),
  },
];

export const isMeant = (difference: Difference, bits: Bits): boolean =>
  meantDifferences.some(({ is }) => is(difference, bits));
