import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { isNotZero, rowsOf } from "./forms.ts";

/** BMI1 and BMI2 (SDM Vol. 2): operations of three operands that leave their sources alone. */

const row = rowsOf("bit");
type Width = 32 | 64;

/** Both widths of a form. In real and virtual-8086 mode VEX prefixes raise #UD (SDM Vol. 2, table 2-28). */
const forms = (
  opcode: `${string}0F38 ${string}` | `${string}0F3A ${string}`,
  syntax: string,
  facts: Omit<RowFacts, "semantics">,
  semantics: (width: Width) => Semantics,
): Row[] =>
  ([32, 64] as const).map((width) =>
    row(
      opcode.replace(/0F3[8A]/, (map) => `${map}.W${width === 64 ? 1 : 0}`),
      syntax.replace(/(?<=[rm])N/g, String(width)),
      {
        ...facts,
        access: ["w", "r", "r"].slice(0, syntax.split(",").length) as ("w" | "r")[],
        feature: /^(AN|BEX|BLS)/.test(syntax) ? "BMI1" : "BMI2",
        modes: width === 64 ? "only-64" : "all",
        protectedOnly: true,
        semantics: semantics(width),
      },
    ),
  );

const noOverflow = (m: Algebra): Value => m.constant(1, 0);
const ofResult: RowFacts["undefinedFlags"] = ["AF", "PF"];

/** Of the lowest set bit: `change` makes the result, `carry` says what CF tells of the source. */
const lowestBit = (
  digit: number,
  mnemonic: string,
  doc: string,
  change: (m: Algebra, value: Value) => Value,
  carry: (m: Algebra, value: Value) => Value,
): Row[] =>
  forms(`VEX.LZ.0F38 F3 /${digit}`, `${mnemonic} rN, r/mN`, { doc, undefinedFlags: ofResult }, () => {
    return (m, destination, source) => {
      const value = m.read(source);
      const result = change(m, value);
      m.write(destination, result);
      m.flags.ofShift(result, carry(m, value), noOverflow(m));
    };
  });

const below = (m: Algebra, value: Value): Value => m.subtract(value, m.constant(value.width, 1));

/** Ones in the low `count` bits, for any count up to 255 (8 bits). */
function lowOnes(m: Algebra, count: Value, width: Width): Value {
  const wide = m.zeroExtend(count, width);
  const one = m.shiftLeft(m.constant(width, 1), m.and(wide, m.constant(width, width - 1)));
  return m.select(isShort(m, count, width), below(m, one), m.constant(width, -1));
}

const isShort = (m: Algebra, count: Value, width: Width): Value => m.lessUnsigned(count, m.constant(8, width));

/** BEXTR: the start is in bits 7:0 of the control, the length in bits 15:8. */
const extractField =
  (width: Width): Semantics =>
  (m, destination, source, control) => {
    const value = m.read(source);
    const fields = m.read(control);
    const start = m.truncate(fields, 8);
    const length = m.truncate(m.shiftRight(fields, m.constant(width, 8)), 8);
    const count = m.and(m.zeroExtend(start, width), m.constant(width, width - 1));
    const moved = m.select(isShort(m, start, width), m.shiftRight(value, count), m.constant(width, 0));
    const result = m.and(moved, lowOnes(m, length, width));
    m.write(destination, result);
    m.flags.ofLogic(result);
  };

const zeroHighBits =
  (width: Width): Semantics =>
  (m, destination, source, index) => {
    const value = m.read(source);
    const count = m.truncate(m.read(index), 8);
    const result = m.and(value, lowOnes(m, count, width));
    m.write(destination, result);
    m.flags.ofShift(result, m.not(isShort(m, count, width)), noOverflow(m));
  };

const andNot: Semantics = (m, destination, inverted, source) => {
  const result = m.and(m.not(m.read(inverted)), m.read(source));
  m.write(destination, result);
  m.flags.ofLogic(result);
};

/** The low half first: where both destinations are one register, it gets the high half. */
const multiply =
  (width: Width): Semantics =>
  (m, high, low, source) => {
    const a = m.register(2, width);
    const b = m.read(source);
    const [lowHalf, highHalf] = width === 64 ? [m.multiply(a, b), m.multiplyHigh(a, b, false)] : halves(m, a, b);
    m.write(low, lowHalf);
    m.write(high, highHalf);
  };

function halves(m: Algebra, a: Value, b: Value): [Value, Value] {
  const product = m.multiply(m.zeroExtend(a, 64), m.zeroExtend(b, 64));
  return [m.truncate(product, 32), m.truncate(m.shiftRight(product, m.constant(64, 32)), 32)];
}

const scatter =
  (procedure: "depositBits" | "extractBits") =>
  (width: Width): Semantics =>
  (m, destination, source, mask) => {
    const result = m.call(procedure, m.zeroExtend(m.read(source), 64), m.zeroExtend(m.read(mask), 64));
    m.write(destination, m.truncate(result, width));
  };

/** Shifts that take their count from any register and leave the flags alone. */
const shift =
  (operation: "shiftLeft" | "shiftRight" | "shiftRightSigned") =>
  (width: Width): Semantics =>
  (m, destination, source, count) =>
    m.write(destination, m[operation](m.read(source), m.and(m.read(count), m.constant(width, width - 1))));

const rotate =
  (width: Width): Semantics =>
  (m, destination, source, count) => {
    const value = m.read(source);
    const mask = m.constant(width, width - 1);
    const right = m.and(m.zeroExtend(m.read(count), width), mask);
    const left = m.and(m.negate(right), mask);
    m.write(destination, m.or(m.shiftRight(value, right), m.shiftLeft(value, left)));
  };

const noFlags = "; no flag changes";

export const bitManipulation: readonly Row[] = [
  ...forms(
    "VEX.LZ.0F38 F2 /r",
    "ANDN rN, rN, r/mN",
    { doc: "Stores the AND of the inverted second and the third operand.", undefinedFlags: ofResult },
    () => andNot,
  ),
  ...forms(
    "VEX.LZ.0F38 F7 /r",
    "BEXTR rN, r/mN, rN",
    {
      doc: "Extracts a field of bits: where it starts and how long it is stand in the low two bytes of the third operand.",
      undefinedFlags: ["AF", "SF", "PF"],
    },
    extractField,
  ),
  ...lowestBit(
    3,
    "BLSI",
    "Keeps only the lowest bit that is set; CF tells that there is one.",
    (m, value) => m.and(m.negate(value), value),
    isNotZero,
  ),
  ...lowestBit(
    2,
    "BLSMSK",
    "Makes a mask up to the lowest bit that is set, including it; CF tells that there is none.",
    (m, value) => m.xor(below(m, value), value),
    (m, value) => m.isZero(value),
  ),
  ...lowestBit(
    1,
    "BLSR",
    "Clears the lowest bit that is set; CF tells that there is none.",
    (m, value) => m.and(below(m, value), value),
    (m, value) => m.isZero(value),
  ),
  ...forms(
    "VEX.LZ.0F38 F5 /r",
    "BZHI rN, r/mN, rN",
    {
      doc: "Clears the bits from the number in the third operand on; CF tells that it is beyond the operand.",
      undefinedFlags: ofResult,
    },
    zeroHighBits,
  ),
  ...forms(
    "VEX.LZ.F2.0F38 F6 /r",
    "MULX rN, rN, r/mN",
    { doc: `Multiplies rDX by the third operand, unsigned, into two registers, the high half first${noFlags}.` },
    multiply,
  ).map((multiplication) => ({ ...multiplication, access: ["w", "w", "r"] as const })),
  ...forms(
    "VEX.LZ.F2.0F38 F5 /r",
    "PDEP rN, rN, r/mN",
    { doc: `Puts the low bits of the second operand where the mask, the third, has ones${noFlags}.` },
    scatter("depositBits"),
  ),
  ...forms(
    "VEX.LZ.F3.0F38 F5 /r",
    "PEXT rN, rN, r/mN",
    { doc: `Collects the bits of the second operand where the mask, the third, has ones${noFlags}.` },
    scatter("extractBits"),
  ),
  ...forms(
    "VEX.LZ.F2.0F3A F0 /r ib",
    "RORX rN, r/mN, imm8",
    { doc: `Rotates right into a register${noFlags}.` },
    rotate,
  ),
  ...forms(
    "VEX.LZ.F3.0F38 F7 /r",
    "SARX rN, r/mN, rN",
    { doc: `Shifts right into a register, with copies of the sign${noFlags}.` },
    shift("shiftRightSigned"),
  ),
  ...forms(
    "VEX.LZ.66.0F38 F7 /r",
    "SHLX rN, r/mN, rN",
    { doc: `Shifts left into a register${noFlags}.` },
    shift("shiftLeft"),
  ),
  ...forms(
    "VEX.LZ.F2.0F38 F7 /r",
    "SHRX rN, r/mN, rN",
    { doc: `Shifts right into a register, with zeros${noFlags}.` },
    shift("shiftRight"),
  ),
];
