import type { Row, RowFacts } from "../instruction.ts";
import { modesOf, rowsOf } from "./forms.ts";
import { facts } from "./packed.ts";
import { floatingPoint } from "./sse-forms.ts";
import { moveAcross, moveAligned, moveHalf, moveScalar, moveUnaligned } from "./vector-parts.ts";

const row = rowsOf("sse");
const copy: RowFacts = { ...facts("Copies the second operand to the first.", ["w", "r"]), semantics: moveUnaligned };
const copyAligned: RowFacts = {
  ...facts("Copies the second operand to the first; memory must be aligned to 16 bytes.", ["w", "r"]),
  semantics: moveAligned,
};
const scalar: RowFacts = {
  ...facts("Copies the low single; from memory the rest of the register is cleared.", ["w", "r"]),
  semantics: moveScalar(32),
};
const low: RowFacts = {
  ...facts("Copies two singles; in a register they are the low half.", ["w", "r"]),
  semantics: moveHalf(0),
};
const high: RowFacts = {
  ...facts("Copies two singles; in a register they are the high half.", ["w", "r"]),
  semantics: moveHalf(1),
};
const signs = facts("Copies the sign bits of the elements to the low bits of a general register.", ["w", "r"]);
const nonTemporal = facts("Copies the second operand to memory, past the caches.", ["w", "r"]);

const moves = [
  row("NP 0F 10 /r", "MOVUPS xmm, xmm/m128", copy),
  row("NP 0F 11 /r", "MOVUPS xmm/m128, xmm", copy),
  row("F3 0F 10 /r", "MOVSS xmm, xmm/m32", scalar),
  row("F3 0F 11 /r", "MOVSS xmm/m32, xmm", scalar),
  row("NP 0F 28 /r", "MOVAPS xmm, xmm/m128", copyAligned),
  row("NP 0F 29 /r", "MOVAPS xmm/m128, xmm", copyAligned),
  row("NP 0F 12 /r", "MOVHLPS xmm, xmm", {
    ...facts("Copies the high half of the source to the low half."),
    semantics: moveAcross(1, 0),
  }),
  row("NP 0F 12 /r", "MOVLPS xmm, m64", low),
  row("NP 0F 13 /r", "MOVLPS m64, xmm", low),
  row("NP 0F 16 /r", "MOVLHPS xmm, xmm", {
    ...facts("Copies the low half of the source to the high half."),
    semantics: moveAcross(0, 1),
  }),
  row("NP 0F 16 /r", "MOVHPS xmm, m64", high),
  row("NP 0F 17 /r", "MOVHPS m64, xmm", high),
  row("NP 0F 2B /r", "MOVNTPS m128, xmm", { ...nonTemporal, semantics: moveAligned }),
  row("NP 0F E7 /r", "MOVNTQ m64, mm", nonTemporal),
  row(
    "NP 0F F7 /r",
    "MASKMOVQ mm, mm",
    facts("Stores those bytes of the first at [DS:rDI] whose byte in the second has its top bit set.", ["r", "r"]),
  ),
  ...([32, 64] as const).map((width) => row("NP 0F 50 /r", `MOVMSKPS r${width}, xmm`, { ...signs, ...modesOf(width) })),
];

const order = (name: string): RowFacts => facts(`Compares the low singles into ZF, PF and CF${name}.`, ["r", "r"]);

const comparisons = [
  row("NP 0F 2E /r", "UCOMISS xmm, xmm/m32", order("; a quiet NaN is no invalid operation")),
  row("NP 0F 2F /r", "COMISS xmm, xmm/m32", order("")),
];

const fromInteger = facts("Converts a signed integer to the low single.", ["rw", "r"]);
const toInteger = facts("Converts the low single to a signed integer.", ["w", "r"]);
const truncated = facts("Converts the low single to a signed integer, rounded towards zero.", ["w", "r"]);

const conversions = [
  row("NP 0F 2A /r", "CVTPI2PS xmm, mm/m64", facts("Converts two signed integers to the low singles.", ["rw", "r"])),
  row(
    "NP 0F 2C /r",
    "CVTTPS2PI mm, xmm/m64",
    facts("Converts two singles to integers, rounded towards zero.", ["w", "r"]),
  ),
  row("NP 0F 2D /r", "CVTPS2PI mm, xmm/m64", facts("Converts two singles to integers.", ["w", "r"])),
  ...([32, 64] as const).flatMap((width) => {
    const size = width === 32 ? "o* " : "";
    return [
      row(`${size}F3 0F 2A /r`, `CVTSI2SS xmm, r/m${width}`, { ...fromInteger, ...modesOf(width) }),
      row(`${size}F3 0F 2C /r`, `CVTTSS2SI r${width}, xmm/m32`, { ...truncated, ...modesOf(width) }),
      row(`${size}F3 0F 2D /r`, `CVTSS2SI r${width}, xmm/m32`, { ...toInteger, ...modesOf(width) }),
    ];
  }),
];

/** Widening to 64 bits is decoded, but assemblers do not write it. */
const wide = { modes: "only-64", decodedOnly: true } as const;
const extract = facts("Copies a word to a general register, extended with zeros.", ["w", "r", "r"]);
const insert = facts("Replaces one word of the register.", ["rw", "r", "r"]);
const byteSigns = facts("Copies the top bits of all bytes to a general register.", ["w", "r"]);

const integers = [
  row("NP 0F 70 /r ib", "PSHUFW mm, mm/m64, imm8", facts("Takes four words by the number.", ["w", "r", "r"])),
  row("NP 0F C4 /r ib", "PINSRW mm, r32/m16, imm8", insert),
  row("NP 0F C4 /r ib", "PINSRW mm, r64/m16, imm8", { ...insert, ...wide }),
  row("NP 0F C4 /r ib", "PINSRW mm, r16, imm8", { ...insert, writtenOnly: true }),
  row("NP 0F C5 /r ib", "PEXTRW r32, mm, imm8", extract),
  row("NP 0F C5 /r ib", "PEXTRW r64, mm, imm8", { ...extract, ...wide }),
  row("NP 0F D7 /r", "PMOVMSKB r32, mm", byteSigns),
  row("NP 0F D7 /r", "PMOVMSKB r64, mm", { ...byteSigns, ...wide }),
];

const save = facts("Stores the state of x87, MMX and SSE, 512 bytes.", ["w"]);
const restore = facts("Loads the state of x87, MMX and SSE, 512 bytes.", ["r"]);

const state = [
  row("NP 0F AE /0", "FXSAVE m", save),
  row("NP 0F AE /1", "FXRSTOR m", restore),
  row("NP o64 0F AE /0", "FXSAVE64 m", { ...save, modes: "only-64" }),
  row("NP o64 0F AE /1", "FXRSTOR64 m", { ...restore, modes: "only-64" }),
  row("NP 0F AE /2", "LDMXCSR m32", facts("Loads MXCSR: rounding, masks and flags of SSE.", ["r"])),
  row("NP 0F AE /3", "STMXCSR m32", facts("Stores MXCSR: rounding, masks and flags of SSE.", ["w"])),
];

export const sse: readonly Row[] = [
  ...moves,
  ...floatingPoint("PS", "SS"),
  ...comparisons,
  ...conversions,
  ...integers,
  ...state,
];
