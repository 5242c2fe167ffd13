import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { hex, rowsOf } from "./forms.ts";
import { halfwise } from "./vector-parts.ts";

const mmxRow = rowsOf("mmx");
const sse2Row = rowsOf("sse2");

/** Decoded again by the vector unit itself, which knows what each of its instructions does. */
export const semantics: Semantics = (m) => {
  const { family, operands } = m.instruction.row;
  m.call(family === "mmx" || operands.some((operand) => operand.class === "mmx") ? "mmx" : "vector");
};

export const facts = (doc: string, access?: RowFacts["access"]): RowFacts => ({
  doc,
  semantics,
  ...(access && { access }),
});

/** Whether an operation is there for MMX registers, or came with SSE2 for XMM registers only. */
type Registers = "both" | "xmm";

/** Integer operations on the elements of two operands; the opcode is the same for MMX registers (NP) and XMM registers (66). */
const operations: readonly (readonly [opcode: number, name: string, doc: string, registers?: Registers])[] = [
  [0x60, "PUNPCKLBW", "Interleaves the bytes of the low halves."],
  [0x61, "PUNPCKLWD", "Interleaves the words of the low halves."],
  [0x62, "PUNPCKLDQ", "Interleaves the doublewords of the low halves."],
  [0x63, "PACKSSWB", "Converts words to bytes with signed saturation."],
  [0x64, "PCMPGTB", "Compares signed bytes: all ones where the first is greater, else zero."],
  [0x65, "PCMPGTW", "Compares signed words: all ones where the first is greater, else zero."],
  [0x66, "PCMPGTD", "Compares signed doublewords: all ones where the first is greater, else zero."],
  [0x67, "PACKUSWB", "Converts signed words to bytes with unsigned saturation."],
  [0x68, "PUNPCKHBW", "Interleaves the bytes of the high halves."],
  [0x69, "PUNPCKHWD", "Interleaves the words of the high halves."],
  [0x6a, "PUNPCKHDQ", "Interleaves the doublewords of the high halves."],
  [0x6b, "PACKSSDW", "Converts doublewords to words with signed saturation."],
  [0x6c, "PUNPCKLQDQ", "Joins the low quadwords.", "xmm"],
  [0x6d, "PUNPCKHQDQ", "Joins the high quadwords.", "xmm"],
  [0x74, "PCMPEQB", "Compares bytes: all ones where they are equal, else zero."],
  [0x75, "PCMPEQW", "Compares words: all ones where they are equal, else zero."],
  [0x76, "PCMPEQD", "Compares doublewords: all ones where they are equal, else zero."],
  [0xd4, "PADDQ", "Adds quadwords."],
  [0xd5, "PMULLW", "Multiplies words and keeps the low halves."],
  [0xd8, "PSUBUSB", "Subtracts bytes with unsigned saturation."],
  [0xd9, "PSUBUSW", "Subtracts words with unsigned saturation."],
  [0xda, "PMINUB", "Takes the smaller of unsigned bytes."],
  [0xdb, "PAND", "ANDs the bits."],
  [0xdc, "PADDUSB", "Adds bytes with unsigned saturation."],
  [0xdd, "PADDUSW", "Adds words with unsigned saturation."],
  [0xde, "PMAXUB", "Takes the greater of unsigned bytes."],
  [0xdf, "PANDN", "Inverts the bits of the destination, then ANDs them with the source."],
  [0xe0, "PAVGB", "Averages unsigned bytes, rounded up."],
  [0xe3, "PAVGW", "Averages unsigned words, rounded up."],
  [0xe4, "PMULHUW", "Multiplies unsigned words and keeps the high halves."],
  [0xe5, "PMULHW", "Multiplies signed words and keeps the high halves."],
  [0xe8, "PSUBSB", "Subtracts bytes with signed saturation."],
  [0xe9, "PSUBSW", "Subtracts words with signed saturation."],
  [0xea, "PMINSW", "Takes the smaller of signed words."],
  [0xeb, "POR", "ORs the bits."],
  [0xec, "PADDSB", "Adds bytes with signed saturation."],
  [0xed, "PADDSW", "Adds words with signed saturation."],
  [0xee, "PMAXSW", "Takes the greater of signed words."],
  [0xef, "PXOR", "XORs the bits."],
  [0xf4, "PMULUDQ", "Multiplies the even unsigned doublewords to quadwords."],
  [0xf5, "PMADDWD", "Multiplies signed words and adds neighbouring products to doublewords."],
  [0xf6, "PSADBW", "Sums the absolute differences of unsigned bytes."],
  [0xf8, "PSUBB", "Subtracts bytes."],
  [0xf9, "PSUBW", "Subtracts words."],
  [0xfa, "PSUBD", "Subtracts doublewords."],
  [0xfb, "PSUBQ", "Subtracts quadwords."],
  [0xfc, "PADDB", "Adds bytes."],
  [0xfd, "PADDW", "Adds words."],
  [0xfe, "PADDD", "Adds doublewords."],
];

/** Shifts: the opcode with the count in a register or memory, and opcode and digit with an immediate count. */
const shifts = [
  [0xd1, 0x71, 2, "PSRLW", "Shifts words right, filling with zeros."],
  [0xd2, 0x72, 2, "PSRLD", "Shifts doublewords right, filling with zeros."],
  [0xd3, 0x73, 2, "PSRLQ", "Shifts quadwords right, filling with zeros."],
  [0xe1, 0x71, 4, "PSRAW", "Shifts words right, filling with the sign."],
  [0xe2, 0x72, 4, "PSRAD", "Shifts doublewords right, filling with the sign."],
  [0xf1, 0x71, 6, "PSLLW", "Shifts words left."],
  [0xf2, 0x72, 6, "PSLLD", "Shifts doublewords left."],
  [0xf3, 0x73, 6, "PSLLQ", "Shifts quadwords left."],
] as const;

export const packedMmx: readonly Row[] = [
  ...operations
    .filter(([, , , registers]) => registers !== "xmm")
    .map(([opcode, name, doc]) => mmxRow(`NP 0F ${hex(opcode)} /r`, `${name} mm, mm/m64`, facts(doc))),
  ...shifts.flatMap(([opcode, immediate, digit, name, doc]) => [
    mmxRow(`NP 0F ${hex(opcode)} /r`, `${name} mm, mm/m64`, facts(doc)),
    mmxRow(`NP 0F ${hex(immediate)} /${digit} ib`, `${name} mm, imm8`, facts(doc)),
  ]),
];

export const packedXmm: readonly Row[] = [
  ...operations.map(([opcode, name, doc]) =>
    sse2Row(`66 0F ${hex(opcode)} /r`, `${name} xmm, xmm/m128`, {
      ...facts(doc),
      semantics: halfwise[name] ?? semantics,
    }),
  ),
  ...shifts.flatMap(([opcode, immediate, digit, name, doc]) => [
    sse2Row(`66 0F ${hex(opcode)} /r`, `${name} xmm, xmm/m128`, facts(doc)),
    sse2Row(`66 0F ${hex(immediate)} /${digit} ib`, `${name} xmm, imm8`, facts(doc)),
  ]),
  sse2Row("66 0F 73 /3 ib", "PSRLDQ xmm, imm8", facts("Shifts the register right by bytes.")),
  sse2Row("66 0F 73 /7 ib", "PSLLDQ xmm, imm8", facts("Shifts the register left by bytes.")),
];
