import type { Family } from "../family.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { hex, rowsOf } from "./forms.ts";
import { facts } from "./packed.ts";
import { halfwise } from "./vector-parts.ts";

/** The four kinds of floating-point operands: mandatory prefix, what memory holds of them, in words. */
const kinds = {
  PS: { family: "sse", prefix: "NP", memory: 128, doc: "of four singles" },
  SS: { family: "sse", prefix: "F3", memory: 32, doc: "of the low single" },
  PD: { family: "sse2", prefix: "66", memory: 128, doc: "of two doubles" },
  SD: { family: "sse2", prefix: "F2", memory: 64, doc: "of the low double" },
} as const satisfies Record<string, { family: Family; prefix: string; memory: number; doc: string }>;
export type Kind = keyof typeof kinds;

/** What does the same as an integer instruction: to bits, and to doubles, which are halves of a register. */
const sameBits: Readonly<Record<string, Semantics | undefined>> = {
  AND: halfwise.PAND,
  ANDN: halfwise.PANDN,
  OR: halfwise.POR,
  XOR: halfwise.PXOR,
};
const sameHalves: Readonly<Record<string, Semantics | undefined>> = {
  UNPCKL: halfwise.PUNPCKLQDQ,
  UNPCKH: halfwise.PUNPCKHQDQ,
};

/** `…PS xmm, xmm/m128` and its like. */
function operation(kind: Kind, opcode: number, name: string, doc: string, access?: RowFacts["access"]): Row {
  const { family, prefix, memory } = kinds[kind];
  const integer = sameBits[name] ?? (kind === "PD" ? sameHalves[name] : undefined);
  return rowsOf(family)(`${prefix} 0F ${hex(opcode)} /r`, `${name}${kind} xmm, xmm/m${memory}`, {
    ...facts(doc, access),
    ...(integer && { semantics: integer }),
  });
}

const operations: readonly (readonly [number, string, string, readonly Kind[], RowFacts["access"]?])[] = [
  [0x58, "ADD", "Adds the source to the destination", ["PS", "SS", "PD", "SD"]],
  [0x59, "MUL", "Multiplies the destination by the source", ["PS", "SS", "PD", "SD"]],
  [0x5c, "SUB", "Subtracts the source from the destination", ["PS", "SS", "PD", "SD"]],
  [0x5d, "MIN", "Takes the smaller value", ["PS", "SS", "PD", "SD"]],
  [0x5e, "DIV", "Divides the destination by the source", ["PS", "SS", "PD", "SD"]],
  [0x5f, "MAX", "Takes the greater value", ["PS", "SS", "PD", "SD"]],
  [0x51, "SQRT", "Stores the square root of the source", ["PS", "SS", "PD", "SD"], ["w", "r"]],
  [0x52, "RSQRT", "Stores an approximation of 1 / square root of the source", ["PS", "SS"], ["w", "r"]],
  [0x53, "RCP", "Stores an approximation of 1 / source", ["PS", "SS"], ["w", "r"]],
  [0x54, "AND", "ANDs the bits", ["PS", "PD"]],
  [0x55, "ANDN", "Inverts the bits of the destination, then ANDs them with the source", ["PS", "PD"]],
  [0x56, "OR", "ORs the bits", ["PS", "PD"]],
  [0x57, "XOR", "XORs the bits", ["PS", "PD"]],
  [0x14, "UNPCKL", "Interleaves the elements of the low halves", ["PS", "PD"]],
  [0x15, "UNPCKH", "Interleaves the elements of the high halves", ["PS", "PD"]],
];

const predicates = ["EQ", "LT", "LE", "UNORD", "NEQ", "NLT", "NLE", "ORD"] as const;
const relations = [
  "equal",
  "less",
  "less or equal",
  "unordered",
  "not equal",
  "not less",
  "not less or equal",
  "ordered",
];

/** CMPPS and its like, with the predicate as a number or in the name. */
function comparison(kind: Kind): Row[] {
  const { family, prefix, memory, doc } = kinds[kind];
  const row = rowsOf(family);
  const operands = `xmm, xmm/m${memory}`;
  return [
    row(
      `${prefix} 0F C2 /r ib`,
      `CMP${kind} ${operands}, imm8`,
      facts(`Compares by the predicate in the number, ${doc}: all ones where it holds, else zero.`),
    ),
    ...predicates.map((name, number) =>
      row(`${prefix} 0F C2 /r ${hex(number)}`, `CMP${name}${kind} ${operands}`, {
        ...facts(`Compares, ${doc}: all ones where the first is ${relations[number]}, else zero.`),
        writtenOnly: true,
      }),
    ),
  ];
}

const shuffle = (kind: Kind): Row =>
  rowsOf(kinds[kind].family)(
    `${kinds[kind].prefix} 0F C6 /r ib`,
    `SHUF${kind} xmm, xmm/m128, imm8`,
    facts("Takes elements by the number, the low ones from the destination and the high ones from the source."),
  );

/** What is the same for singles and doubles, of the kinds of one family. */
export const floatingPoint = (packed: "PS" | "PD", scalar: "SS" | "SD"): readonly Row[] => [
  ...operations.flatMap(([opcode, name, doc, of, access]) =>
    of
      .filter((kind) => kind === packed || kind === scalar)
      .map((kind) => operation(kind, opcode, name, `${doc}, ${kinds[kind].doc}.`, access)),
  ),
  ...comparison(packed),
  ...comparison(scalar),
  shuffle(packed),
];
