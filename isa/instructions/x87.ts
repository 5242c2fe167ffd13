import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { rowsOf } from "./forms.ts";

const row = rowsOf("x87");

/** Decoded again by the unit itself, which knows what each of its instructions does. */
const semantics: Semantics = (m) => m.call("x87");
const facts = (
  doc: string,
  access: RowFacts["access"] = [],
  undefinedFlags: RowFacts["undefinedFlags"] = ["C0", "C2", "C3"],
): RowFacts => ({ doc, semantics, undefinedFlags, ...(access.length > 0 && { access }) });
/** Of instructions whose result is in the condition codes, or leaves them alone. */
const tells = (doc: string, access: RowFacts["access"] = []): RowFacts => facts(doc, access, []);
const everyCode = ["C0", "C1", "C2", "C3"] as const;
/** The same as a row before it, written with fewer operands. */
const short = (of: RowFacts, access: NonNullable<RowFacts["access"]> = []): RowFacts => ({
  ...of,
  access,
  writtenOnly: true,
});

/** `digit` is the operation in D8 and DA; where the destination is not ST0, subtraction and division change places. */
const operations = [
  { name: "ADD", digit: 0, reversed: 0, doc: "Adds the source to the destination" },
  { name: "MUL", digit: 1, reversed: 1, doc: "Multiplies the destination by the source" },
  { name: "SUB", digit: 4, reversed: 5, doc: "Subtracts the source from the destination" },
  { name: "SUBR", digit: 5, reversed: 4, doc: "Subtracts the destination from the source, into the destination" },
  { name: "DIV", digit: 6, reversed: 7, doc: "Divides the destination by the source" },
  { name: "DIVR", digit: 7, reversed: 6, doc: "Divides the source by the destination, into the destination" },
] as const;

const arithmetic = operations.flatMap(({ name, digit, reversed, doc }) => {
  const plain = facts(`${doc}.`, ["rw", "r"]);
  const pops = facts(`${doc} and pops the register stack.`, ["rw", "r"]);
  const memory = facts(`${doc}, which is ST0.`, ["r"]);
  const integer = facts(`${doc}, which is ST0; the source is an integer.`, ["r"]);
  return [
    row(`D8 /${digit}`, `F${name} m32`, memory),
    row(`DC /${digit}`, `F${name} m64`, memory),
    row(`DC /${reversed}`, `F${name} STi, ST0`, plain),
    row(`D8 /${digit}`, `F${name} ST0, STi`, plain),
    row(`D8 /${digit}`, `F${name} STi`, short(plain, ["r"])),
    row(`DC /${reversed}`, `F${name} TO STi`, short(plain, ["rw"])),
    row(`DE /${reversed}`, `F${name}P STi, ST0`, pops),
    row(`DE /${reversed}`, `F${name}P STi`, short(pops, ["rw"])),
    row(`DE ${(0xc1 + 8 * reversed).toString(16).toUpperCase()}`, `F${name}P`, short(pops)),
    row(`DE ${(0xc1 + 8 * reversed).toString(16).toUpperCase()}`, `F${name}`, short(pops)),
    row(`DA /${digit}`, `FI${name} m32`, integer),
    row(`DE /${digit}`, `FI${name} m16`, integer),
  ];
});

/** A form with ST0 and a register: written with both, the register alone, or none for ST1. */
function withStack(opcode: string, digit: number, name: string, all: RowFacts): Row[] {
  const alone = (0xc1 + 8 * digit).toString(16).toUpperCase();
  return [
    row(`${opcode} /${digit}`, `${name} ST0, STi`, all),
    row(`${opcode} /${digit}`, `${name} STi`, short(all, ["r"])),
    row(`${opcode} ${alone}`, name, short(all)),
  ];
}

const comparisons = [
  ...([2, 3] as const).flatMap((digit) => {
    const pop = digit === 3 ? " and pops it" : "";
    const name = digit === 3 ? "COMP" : "COM";
    const doc = `Compares ST0 with the source${pop}; the condition codes tell the result.`;
    const integer = `Compares ST0 with an integer${pop}; the condition codes tell the result.`;
    return [
      row(`D8 /${digit}`, `F${name} m32`, tells(doc, ["r"])),
      row(`DC /${digit}`, `F${name} m64`, tells(doc, ["r"])),
      ...withStack("D8", digit, `F${name}`, tells(doc, ["r", "r"])),
      row(`DA /${digit}`, `FI${name} m32`, tells(integer, ["r"])),
      row(`DE /${digit}`, `FI${name} m16`, tells(integer, ["r"])),
    ];
  }),
  row("DE D9", "FCOMPP", tells("Compares ST0 with ST1 and pops both; the condition codes tell the result.")),
  ...withStack(
    "DD",
    4,
    "FUCOM",
    tells("Compares ST0 with the source; a quiet NaN is no invalid operation.", ["r", "r"]),
  ),
  ...withStack(
    "DD",
    5,
    "FUCOMP",
    tells("Compares ST0 with the source and pops it; a quiet NaN is no invalid operation.", ["r", "r"]),
  ),
  row("DA E9", "FUCOMPP", tells("Compares ST0 with ST1 and pops both; a quiet NaN is no invalid operation.")),
  ...(
    [
      ["DB", 6, "FCOMI", ""],
      ["DB", 5, "FUCOMI", "; a quiet NaN is no invalid operation"],
      ["DF", 6, "FCOMIP", " and pops ST0"],
      ["DF", 5, "FUCOMIP", " and pops ST0; a quiet NaN is no invalid operation"],
    ] as const
  ).flatMap(([opcode, digit, name, more]) =>
    withStack(opcode, digit, name, tells(`Compares ST0 with the source into ZF, PF and CF${more}.`, ["r", "r"])),
  ),
];

const conditionalMoves = (
  [
    ["DA", 0, "B", "CF is set (below)"],
    ["DA", 1, "E", "ZF is set (equal)"],
    ["DA", 2, "BE", "CF or ZF is set (below or equal)"],
    ["DA", 3, "U", "PF is set (unordered)"],
    ["DB", 0, "NB", "CF is clear (not below)"],
    ["DB", 1, "NE", "ZF is clear (not equal)"],
    ["DB", 2, "NBE", "CF and ZF are clear (not below or equal)"],
    ["DB", 3, "NU", "PF is clear (not unordered)"],
  ] as const
).flatMap(([opcode, digit, name, condition]) =>
  withStack(opcode, digit, `FCMOV${name}`, facts(`Copies the register to ST0 if ${condition}.`, ["w", "r"])),
);

const load = "Pushes the source on the register stack.";
const store = "Copies ST0 to the destination.";
const storeAndPop = "Copies ST0 to the destination and pops the register stack.";
const truncate = "Stores ST0 as an integer, rounded towards zero, and pops the register stack.";
const exchange = facts("Exchanges ST0 with the register.", ["rw", "rw"]);

const moves = [
  row("D9 /0", "FLD m32", facts(load, ["r"])),
  row("DD /0", "FLD m64", facts(load, ["r"])),
  row("DB /5", "FLD m80", facts(load, ["r"])),
  row("D9 /0", "FLD STi", facts(load, ["r"])),
  row("D9 C1", "FLD", short(facts(load))),
  row("D9 /2", "FST m32", facts(store, ["w"])),
  row("DD /2", "FST m64", facts(store, ["w"])),
  row("DD /2", "FST STi", facts(store, ["w"])),
  row("DD D1", "FST", short(facts(store))),
  row("D9 /3", "FSTP m32", facts(storeAndPop, ["w"])),
  row("DD /3", "FSTP m64", facts(storeAndPop, ["w"])),
  row("DB /7", "FSTP m80", facts(storeAndPop, ["w"])),
  row("DD /3", "FSTP STi", facts(storeAndPop, ["w"])),
  row("DD D9", "FSTP", short(facts(storeAndPop))),
  ...(
    [
      ["DF", 16],
      ["DB", 32],
    ] as const
  ).flatMap(([opcode, width]) => [
    row(`${opcode} /0`, `FILD m${width}`, facts("Pushes an integer on the register stack.", ["r"])),
    row(`${opcode} /1`, `FISTTP m${width}`, facts(truncate, ["w"])),
    row(`${opcode} /2`, `FIST m${width}`, facts("Stores ST0 as an integer.", ["w"])),
    row(`${opcode} /3`, `FISTP m${width}`, facts("Stores ST0 as an integer and pops the register stack.", ["w"])),
  ]),
  row("DF /5", "FILD m64", facts("Pushes an integer on the register stack.", ["r"])),
  row("DD /1", "FISTTP m64", facts(truncate, ["w"])),
  row("DF /7", "FISTP m64", facts("Stores ST0 as an integer and pops the register stack.", ["w"])),
  row("DF /4", "FBLD m80", facts("Pushes a packed decimal number of 18 digits on the register stack.", ["r"])),
  row(
    "DF /6",
    "FBSTP m80",
    facts("Stores ST0 as a packed decimal number of 18 digits and pops the register stack.", ["w"]),
  ),
  row("D9 /1", "FXCH ST0, STi", exchange),
  row("D9 /1", "FXCH STi, ST0", short(exchange, ["rw", "rw"])),
  row("D9 /1", "FXCH STi", short(exchange, ["rw"])),
  row("D9 C9", "FXCH", short(exchange)),
];

const free = facts("Marks the register as empty.", ["w"], everyCode);
const freeAndPop = facts("Marks the register as empty and pops the register stack.", ["w"], everyCode);

/** D9 and an opcode: on ST0, and ST1 where there are two operands. */
const ofTop = (
  [
    [0xd0, "FNOP", "Does nothing."],
    [0xe0, "FCHS", "Changes the sign of ST0."],
    [0xe1, "FABS", "Clears the sign of ST0."],
    [0xe4, "FTST", "Compares ST0 with zero; the condition codes tell the result."],
    [0xe5, "FXAM", "Tells in the condition codes what kind of number ST0 is."],
    [0xe8, "FLD1", "Pushes 1 on the register stack."],
    [0xe9, "FLDL2T", "Pushes log2 10 on the register stack."],
    [0xea, "FLDL2E", "Pushes log2 e on the register stack."],
    [0xeb, "FLDPI", "Pushes pi on the register stack."],
    [0xec, "FLDLG2", "Pushes log10 2 on the register stack."],
    [0xed, "FLDLN2", "Pushes ln 2 on the register stack."],
    [0xee, "FLDZ", "Pushes 0 on the register stack."],
    [0xf0, "F2XM1", "Replaces ST0 by 2^ST0 - 1."],
    [0xf1, "FYL2X", "Replaces ST1 by ST1 * log2 ST0 and pops the register stack."],
    [0xf2, "FPTAN", "Replaces ST0 by its tangent and pushes 1."],
    [0xf3, "FPATAN", "Replaces ST1 by the angle of the point (ST0, ST1) and pops the register stack."],
    [0xf4, "FXTRACT", "Replaces ST0 by its exponent and pushes its significand."],
    [0xf5, "FPREM1", "Replaces ST0 by the remainder of ST0 / ST1, with the quotient rounded to nearest (IEEE 754)."],
    [0xf6, "FDECSTP", "Decrements the top-of-stack pointer."],
    [0xf7, "FINCSTP", "Increments the top-of-stack pointer."],
    [0xf8, "FPREM", "Replaces ST0 by the remainder of ST0 / ST1, with the quotient truncated."],
    [0xf9, "FYL2XP1", "Replaces ST1 by ST1 * log2(ST0 + 1) and pops the register stack."],
    [0xfa, "FSQRT", "Replaces ST0 by its square root."],
    [0xfb, "FSINCOS", "Replaces ST0 by its sine and pushes its cosine."],
    [0xfc, "FRNDINT", "Rounds ST0 to an integer."],
    [0xfd, "FSCALE", "Multiplies ST0 by 2 to the power of ST1, truncated."],
    [0xfe, "FSIN", "Replaces ST0 by its sine."],
    [0xff, "FCOS", "Replaces ST0 by its cosine."],
  ] as const
).map(([opcode, name, doc]) => row(`D9 ${opcode.toString(16).toUpperCase()}`, name, facts(doc, [], undefinedOf(name))));

/** Where C0 to C3 are no result they are undefined, all or in part. */
function undefinedOf(name: string): NonNullable<RowFacts["undefinedFlags"]> {
  if (name === "FNOP") return everyCode;
  if (/^(FTST|FXAM|FPREM1?)$/.test(name)) return [];
  return /^(FSIN|FCOS|FSINCOS|FPTAN)$/.test(name) ? ["C0", "C3"] : ["C0", "C2", "C3"];
}

/** Control instructions: the row that acts, and its name with FWAIT before it, which handles pending exceptions. */
function control(opcode: string, name: string, operand: string, doc: string, access: RowFacts["access"]): Row[] {
  // FNSAVE and FNINIT clear the condition codes.
  const codes = /^(SAVE|INIT)$/.test(name) ? [] : everyCode;
  const acts = facts(`${doc}, without looking at pending exceptions.`, access, codes);
  const syntax = operand === "" ? "" : ` ${operand}`;
  return [
    row(opcode, `FN${name}${syntax}`, acts),
    row(`9B ${opcode}`, `F${name}${syntax}`, { ...acts, doc: `${doc}, after pending exceptions.`, writtenOnly: true }),
  ];
}

const controls = [
  row("9B", "FWAIT", facts("Raises the pending unmasked exception of the x87 unit, if there is one.", [], everyCode)),
  row("D9 /5", "FLDCW m16", facts("Loads the control word.", ["r"], everyCode)),
  row("D9 /4", "FLDENV m", tells("Loads control word, status word, tag word and pointers.", ["r"])),
  row("DD /4", "FRSTOR m", tells("Loads the state that FSAVE stored.", ["r"])),
  ...control("D9 /7", "STCW", "m16", "Stores the control word", ["w"]),
  ...control(
    "D9 /6",
    "STENV",
    "m",
    "Stores control word, status word, tag word and pointers, and masks all exceptions",
    ["w"],
  ),
  ...control("DD /6", "SAVE", "m", "Stores the whole state of the x87 unit and initializes it", ["w"]),
  ...control("DD /7", "STSW", "m16", "Stores the status word", ["w"]),
  ...control("DF E0", "STSW", "AX", "Copies the status word to AX", ["w"]),
  ...control("DB E2", "CLEX", "", "Clears the exception flags", []),
  ...control("DB E3", "INIT", "", "Initializes the x87 unit", []),
  ...control("DB E0", "ENI", "", "Does nothing; it enabled interrupts of the 8087", []),
  ...control("DB E1", "DISI", "", "Does nothing; it disabled interrupts of the 8087", []),
  row("DB E4", "FSETPM", facts("Does nothing; it set protected mode of the 80287.")),
  row("DD /0", "FFREE STi", free),
  row("DD C1", "FFREE", short(free)),
  row("DF /0", "FFREEP STi", freeAndPop),
  row("DF C1", "FFREEP", short(freeAndPop)),
];

export const x87: readonly Row[] = [
  ...moves,
  ...arithmetic,
  ...comparisons,
  ...conditionalMoves,
  ...ofTop,
  ...controls,
];
