import type { Row, RowFacts } from "../instruction.ts";
import { modesOf, rowsOf } from "./forms.ts";
import { facts, packedXmm } from "./packed.ts";
import { floatingPoint } from "./sse-forms.ts";
import { moveAligned, moveHalf, moveLowest, moveScalar, moveUnaligned } from "./vector-parts.ts";

const row = rowsOf("sse2");
const copy: RowFacts = { ...facts("Copies the second operand to the first.", ["w", "r"]), semantics: moveUnaligned };
const copyAligned: RowFacts = {
  ...facts("Copies the second operand to the first; memory must be aligned to 16 bytes.", ["w", "r"]),
  semantics: moveAligned,
};
const scalar: RowFacts = {
  ...facts("Copies the low double; from memory the rest of the register is cleared.", ["w", "r"]),
  semantics: moveScalar(64),
};
const low: RowFacts = {
  ...facts("Copies a double; in a register it is the low half.", ["w", "r"]),
  semantics: moveHalf(0),
};
const high: RowFacts = {
  ...facts("Copies a double; in a register it is the high half.", ["w", "r"]),
  semantics: moveHalf(1),
};
const signs = facts("Copies the sign bits of the elements to the low bits of a general register.", ["w", "r"]);
const nonTemporal = facts("Copies the second operand to memory, past the caches.", ["w", "r"]);
/** Of general registers: nothing of the vector unit. */
const storeGeneral: RowFacts = { ...nonTemporal, semantics: (m, to, from) => m.write(to, m.read(from)) };
const extend = facts("Copies the low element and clears the rest of the register.", ["w", "r"]);
const copyLow = facts("Copies the low element.", ["w", "r"]);

const moves = [
  row("66 0F 10 /r", "MOVUPD xmm, xmm/m128", copy),
  row("66 0F 11 /r", "MOVUPD xmm/m128, xmm", copy),
  row("F2 0F 10 /r", "MOVSD xmm, xmm/m64", scalar),
  row("F2 0F 11 /r", "MOVSD xmm/m64, xmm", scalar),
  row("66 0F 28 /r", "MOVAPD xmm, xmm/m128", copyAligned),
  row("66 0F 29 /r", "MOVAPD xmm/m128, xmm", copyAligned),
  row("66 0F 12 /r", "MOVLPD xmm, m64", low),
  row("66 0F 13 /r", "MOVLPD m64, xmm", low),
  row("66 0F 16 /r", "MOVHPD xmm, m64", high),
  row("66 0F 17 /r", "MOVHPD m64, xmm", high),
  row("66 0F 2B /r", "MOVNTPD m128, xmm", { ...nonTemporal, semantics: moveAligned }),
  row("66 0F E7 /r", "MOVNTDQ m128, xmm", { ...nonTemporal, semantics: moveAligned }),
  row("NP 0F C3 /r", "MOVNTI m32, r32", storeGeneral),
  row("NP 0F C3 /r", "MOVNTI m64, r64", { ...storeGeneral, modes: "only-64" }),
  row("66 0F 6F /r", "MOVDQA xmm, xmm/m128", copyAligned),
  row("66 0F 7F /r", "MOVDQA xmm/m128, xmm", copyAligned),
  row("F3 0F 6F /r", "MOVDQU xmm, xmm/m128", copy),
  row("F3 0F 7F /r", "MOVDQU xmm/m128, xmm", copy),
  row("66 0F 6E /r", "MOVD xmm, r/m32", { ...extend, semantics: moveLowest(32) }),
  row("66 0F 7E /r", "MOVD r/m32, xmm", { ...copyLow, semantics: moveLowest(32) }),
  row("F3 0F 7E /r", "MOVQ xmm, xmm/m64", { ...extend, semantics: moveLowest(64) }),
  row("66 0F D6 /r", "MOVQ xmm/m64, xmm", { ...extend, semantics: moveLowest(64) }),
  row("66 0F 6E /r", "MOVQ xmm, r/m64", { ...extend, semantics: moveLowest(64), modes: "only-64" }),
  row("66 0F 7E /r", "MOVQ r/m64, xmm", { ...copyLow, semantics: moveLowest(64), modes: "only-64" }),
  row("F2 0F D6 /r", "MOVDQ2Q mm, xmm", copyLow),
  row("F3 0F D6 /r", "MOVQ2DQ xmm, mm", extend),
  row(
    "66 0F F7 /r",
    "MASKMOVDQU xmm, xmm",
    facts("Stores those bytes of the first at [DS:rDI] whose byte in the second has its top bit set.", ["r", "r"]),
  ),
  ...([32, 64] as const).map((width) => row("66 0F 50 /r", `MOVMSKPD r${width}, xmm`, { ...signs, ...modesOf(width) })),
];

const order = (name: string): RowFacts => facts(`Compares the low doubles into ZF, PF and CF${name}.`, ["r", "r"]);

const comparisons = [
  row("66 0F 2E /r", "UCOMISD xmm, xmm/m64", order("; a quiet NaN is no invalid operation")),
  row("66 0F 2F /r", "COMISD xmm, xmm/m64", order("")),
];

const fromInteger = facts("Converts a signed integer to the low double.", ["rw", "r"]);
const toInteger = facts("Converts the low double to a signed integer.", ["w", "r"]);
const truncated = facts("Converts the low double to a signed integer, rounded towards zero.", ["w", "r"]);
const convert = (doc: string): RowFacts => facts(doc, ["w", "r"]);

const conversions = [
  row("66 0F 2A /r", "CVTPI2PD xmm, mm/m64", convert("Converts two signed integers to doubles.")),
  row("66 0F 2C /r", "CVTTPD2PI mm, xmm/m128", convert("Converts two doubles to integers, rounded towards zero.")),
  row("66 0F 2D /r", "CVTPD2PI mm, xmm/m128", convert("Converts two doubles to integers.")),
  row("NP 0F 5A /r", "CVTPS2PD xmm, xmm/m64", convert("Converts the two low singles to doubles.")),
  row("66 0F 5A /r", "CVTPD2PS xmm, xmm/m128", convert("Converts two doubles to singles in the low half.")),
  row("F3 0F 5A /r", "CVTSS2SD xmm, xmm/m32", facts("Converts the low single to a double.")),
  row("F2 0F 5A /r", "CVTSD2SS xmm, xmm/m64", facts("Converts the low double to a single.")),
  row("NP 0F 5B /r", "CVTDQ2PS xmm, xmm/m128", convert("Converts four signed integers to singles.")),
  row("66 0F 5B /r", "CVTPS2DQ xmm, xmm/m128", convert("Converts four singles to integers.")),
  row("F3 0F 5B /r", "CVTTPS2DQ xmm, xmm/m128", convert("Converts four singles to integers, rounded towards zero.")),
  row("66 0F E6 /r", "CVTTPD2DQ xmm, xmm/m128", convert("Converts two doubles to integers, rounded towards zero.")),
  row("F3 0F E6 /r", "CVTDQ2PD xmm, xmm/m64", convert("Converts two signed integers to doubles.")),
  row("F2 0F E6 /r", "CVTPD2DQ xmm, xmm/m128", convert("Converts two doubles to integers.")),
  ...([32, 64] as const).flatMap((width) => {
    const size = width === 32 ? "o* " : "";
    return [
      row(`${size}F2 0F 2A /r`, `CVTSI2SD xmm, r/m${width}`, { ...fromInteger, ...modesOf(width) }),
      row(`${size}F2 0F 2C /r`, `CVTTSD2SI r${width}, xmm/m64`, { ...truncated, ...modesOf(width) }),
      row(`${size}F2 0F 2D /r`, `CVTSD2SI r${width}, xmm/m64`, { ...toInteger, ...modesOf(width) }),
    ];
  }),
];

const extract = facts("Copies a word to a general register, extended with zeros.", ["w", "r", "r"]);
const insert = facts("Replaces one word of the register.", ["rw", "r", "r"]);
const byteSigns = facts("Copies the top bits of all bytes to a general register.", ["w", "r"]);
const take = (doc: string): RowFacts => facts(doc, ["w", "r", "r"]);

const integers = [
  row("66 0F 70 /r ib", "PSHUFD xmm, xmm/m128, imm8", take("Takes four doublewords by the number.")),
  row(
    "F3 0F 70 /r ib",
    "PSHUFHW xmm, xmm/m128, imm8",
    take("Copies the low half, and takes four words of the high one."),
  ),
  row(
    "F2 0F 70 /r ib",
    "PSHUFLW xmm, xmm/m128, imm8",
    take("Copies the high half, and takes four words of the low one."),
  ),
  row("66 0F C4 /r ib", "PINSRW xmm, r32/m16, imm8", insert),
  row("66 0F C4 /r ib", "PINSRW xmm, r64/m16, imm8", { ...insert, modes: "only-64" }),
  row("66 0F C4 /r ib", "PINSRW xmm, r16, imm8", { ...insert, writtenOnly: true }),
  row("66 0F C5 /r ib", "PEXTRW r32, xmm, imm8", extract),
  row("66 0F C5 /r ib", "PEXTRW r64, xmm, imm8", { ...extract, modes: "only-64" }),
  row("66 0F D7 /r", "PMOVMSKB r32, xmm", byteSigns),
  row("66 0F D7 /r", "PMOVMSKB r64, xmm", { ...byteSigns, modes: "only-64", decodedOnly: true }),
];

export const sse2: readonly Row[] = [
  ...moves,
  ...floatingPoint("PD", "SD"),
  ...comparisons,
  ...conversions,
  ...packedXmm,
  ...integers,
];
