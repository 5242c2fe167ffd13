import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import type { Operand } from "../operands.ts";
import { aluForms } from "./alu-forms.ts";
import { decimalAdjustments } from "./decimal.ts";
import { divisions } from "./division.ts";
import { hex, immediate, modesOf, rowsOf, widthOf, words } from "./forms.ts";

const row = rowsOf("arithmetic");

const add: Semantics = (m, destination, source) => {
  const a = m.read(destination);
  const b = m.read(source);
  const sum = m.add(a, b);
  m.write(destination, sum);
  m.flags.ofAdd(a, b, sum);
};

const addWithCarry: Semantics = (m, destination, source) => {
  const a = m.read(destination);
  const b = m.read(source);
  const carry = m.flags.get("CF");
  const sum = m.add(m.add(a, b), m.zeroExtend(carry, widthOf(a)));
  m.write(destination, sum);
  m.flags.ofAdd(a, b, sum, carry);
};

const subtract: Semantics = (m, destination, source) => {
  const a = m.read(destination);
  const b = m.read(source);
  const difference = m.subtract(a, b);
  m.write(destination, difference);
  m.flags.ofSubtract(a, b, difference);
};

const subtractWithBorrow: Semantics = (m, destination, source) => {
  const a = m.read(destination);
  const b = m.read(source);
  const borrow = m.flags.get("CF");
  const difference = m.subtract(m.subtract(a, b), m.zeroExtend(borrow, widthOf(a)));
  m.write(destination, difference);
  m.flags.ofSubtract(a, b, difference, borrow);
};

const compare: Semantics = (m, first, second) => {
  const a = m.read(first);
  const b = m.read(second);
  m.flags.ofSubtract(a, b, m.subtract(a, b));
};

const increment: Semantics = (m, operand) => {
  const a = m.read(operand);
  const sum = m.add(a, m.constant(a.width, 1));
  m.write(operand, sum);
  m.flags.ofIncrement(a, sum);
};

const decrement: Semantics = (m, operand) => {
  const a = m.read(operand);
  const difference = m.subtract(a, m.constant(a.width, 1));
  m.write(operand, difference);
  m.flags.ofDecrement(a, difference);
};

const negate: Semantics = (m, operand) => {
  const a = m.read(operand);
  const result = m.negate(a);
  m.write(operand, result);
  m.flags.ofSubtract(m.constant(a.width, 0), a, result);
};

/** A product in two halves, and whether the high half says more than the low half alone. */
interface Product {
  readonly low: Value;
  readonly high: Value;
  readonly overflow: Value;
}

function product(m: Algebra, a: Value, b: Value, signed: boolean): Product {
  const width = widthOf(a);
  const { low, high } = width === 64 ? wideProduct(m, a, b, signed) : narrowProduct(m, a, b, signed);
  const implied = signed ? m.shiftRightSigned(low, m.constant(width, width - 1)) : m.constant(width, 0);
  return { low, high, overflow: m.not(m.equal(high, implied)) };
}

const wideProduct = (m: Algebra, a: Value, b: Value, signed: boolean) => ({
  low: m.multiply(a, b),
  high: m.multiplyHigh(a, b, signed),
});

function narrowProduct(m: Algebra, a: Value, b: Value, signed: boolean) {
  const width = widthOf(a);
  const double = width === 8 ? 16 : width === 16 ? 32 : 64;
  const extend = (value: Value) => (signed ? m.signExtend(value, double) : m.zeroExtend(value, double));
  const full = m.multiply(extend(a), extend(b));
  return {
    low: m.truncate(full, width),
    high: m.truncate(m.shiftRight(full, m.constant(double, width)), width),
  };
}

/** AX, DX:AX, EDX:EAX or RDX:RAX = accumulator × operand. */
const multiplyAccumulator =
  (signed: boolean): Semantics =>
  (m, operand) => {
    const b = m.read(operand);
    const width = widthOf(b);
    const { low, high, overflow } = product(m, m.register(0, width), b, signed);
    m.setRegister(0, low);
    if (width === 8) m.setHighByte(0, high);
    else m.setRegister(2, high);
    m.flags.ofShift(low, overflow, overflow);
  };

const multiplyInto = (m: Algebra, destination: Operand, a: Value, b: Value): void => {
  const { low, overflow } = product(m, a, b, true);
  m.write(destination, low);
  m.flags.ofShift(low, overflow, overflow);
};

const undefinedByProduct: RowFacts["undefinedFlags"] = ["SF", "ZF", "AF", "PF"];

const mul: RowFacts = {
  doc: "Multiplies the accumulator by the operand, unsigned; CF and OF tell that the high half is not zero.",
  access: ["r"],
  undefinedFlags: undefinedByProduct,
  semantics: multiplyAccumulator(false),
};
const imul: RowFacts = {
  doc: "Multiplies the accumulator by the operand, signed; CF and OF tell that the product does not fit the low half.",
  access: ["r"],
  undefinedFlags: undefinedByProduct,
  semantics: multiplyAccumulator(true),
};
const imulTwo: RowFacts = {
  doc: "Multiplies the register by the operand, signed; CF and OF tell that the product did not fit.",
  undefinedFlags: undefinedByProduct,
  semantics: (m, destination, source) => multiplyInto(m, destination, m.read(destination), m.read(source)),
};
const imulThree: RowFacts = {
  doc: "Stores the signed product of the other two operands in the register; CF and OF tell that it did not fit.",
  access: ["w", "r", "r"],
  undefinedFlags: undefinedByProduct,
  semantics: (m, destination, a, b) => multiplyInto(m, destination, m.read(a), m.read(b)),
};

const multiplications = [
  row("F6 /4", "MUL r/m8", mul),
  row("F6 /5", "IMUL r/m8", imul),
  ...words.flatMap((width) => {
    const modes = modesOf(width);
    const { code, syntax } = immediate[width];
    return [
      row("F7 /4", `MUL r/m${width}`, { ...mul, ...modes }),
      row("F7 /5", `IMUL r/m${width}`, { ...imul, ...modes }),
      row("0F AF /r", `IMUL r${width}, r/m${width}`, { ...imulTwo, ...modes }),
      row("6B /r ib", `IMUL r${width}, r/m${width}, simm8`, { ...imulThree, ...modes }),
      row(`69 /r ${code}`, `IMUL r${width}, r/m${width}, ${syntax}`, { ...imulThree, ...modes }),
    ];
  }),
];

/** Two chains of additions that do not disturb each other: each has a flag of its own, and only that changes. */
const carryChains = (
  [
    ["66", "ADCX", "CF"],
    ["o* F3", "ADOX", "OF"],
  ] as const
).flatMap(([prefix, mnemonic, flag]) =>
  ([64, 32] as const).map((width) =>
    row(`${width === 64 ? prefix.replace("o* ", "") : prefix} 0F 38 F6 /r`, `${mnemonic} r${width}, r/m${width}`, {
      doc: `Adds the source and ${flag} to the register; the carry goes to ${flag}, and no other flag changes.`,
      feature: "ADX",
      ...modesOf(width),
      semantics: (m, destination, source) => {
        const a = m.read(destination);
        const b = m.read(source);
        const sum = m.add(m.add(a, b), m.zeroExtend(m.flags.get(flag), width));
        const carries = m.or(m.and(a, b), m.and(m.or(a, b), m.not(sum)));
        m.write(destination, sum);
        m.flags.set(flag, m.bit(carries, width - 1));
      },
    }),
  ),
);

/** Forms of the operations with one operand: `F6 /digit` for bytes, `F7 /digit` for words. */
const unary = (byte: number, digit: number, mnemonic: string, facts: RowFacts): Row[] => [
  row(`${hex(byte)} /${digit}`, `${mnemonic} r/m8`, facts),
  ...words.map((width) =>
    row(`${hex(byte + 1)} /${digit}`, `${mnemonic} r/m${width}`, { ...facts, ...modesOf(width) }),
  ),
];

const inc: RowFacts = { doc: "Adds one; CF stays.", lockable: true, semantics: increment };
const dec: RowFacts = { doc: "Subtracts one; CF stays.", lockable: true, semantics: decrement };

/** The one-byte forms, whose opcodes are the REX prefixes of 64-bit mode. */
const shortIncrements = ([16, 32] as const).flatMap((width) => [
  row("40+r", `INC r${width}`, { ...inc, lockable: false, modes: "not-64" }),
  row("48+r", `DEC r${width}`, { ...dec, lockable: false, modes: "not-64" }),
]);

export const arithmetic: readonly Row[] = [
  ...aluForms(row, 0, "ADD", { doc: "Adds the source to the destination.", lockable: true, semantics: add }),
  ...aluForms(row, 2, "ADC", {
    doc: "Adds the source and CF to the destination.",
    lockable: true,
    semantics: addWithCarry,
  }),
  ...aluForms(row, 3, "SBB", {
    doc: "Subtracts the source and CF from the destination.",
    lockable: true,
    semantics: subtractWithBorrow,
  }),
  ...aluForms(row, 5, "SUB", {
    doc: "Subtracts the source from the destination.",
    lockable: true,
    semantics: subtract,
  }),
  ...aluForms(row, 7, "CMP", {
    doc: "Sets the flags of first minus second operand and stores nothing.",
    access: ["r", "r"],
    semantics: compare,
  }),
  ...shortIncrements,
  ...unary(0xfe, 0, "INC", inc),
  ...unary(0xfe, 1, "DEC", dec),
  ...unary(0xf6, 3, "NEG", {
    doc: "Replaces the operand by its two's complement; CF tells that it was not zero.",
    lockable: true,
    semantics: negate,
  }),
  ...carryChains,
  ...multiplications,
  ...divisions,
  ...decimalAdjustments,
];
