import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import type { Width } from "../registers.ts";
import { modesOf, rowsOf, words } from "./forms.ts";

const row = rowsOf("arithmetic");

/** Raises #DE where the divisor is zero, or the quotient of the minimum and -1 would not fit. */
function checkDivisor(m: Algebra, dividend: Value, divisor: Value, signed: boolean): void {
  const zero = m.isZero(divisor);
  const minimum = m.constant(dividend.width, 1n << BigInt(dividend.width - 1));
  const minusOne = m.constant(divisor.width, (1n << BigInt(divisor.width)) - 1n);
  const tooBig = m.and(m.equal(dividend, minimum), m.equal(divisor, minusOne));
  m.when(signed ? m.or(zero, tooBig) : zero, () => m.raise("DE"));
}

/** Dividends of up to 64 bits: quotient and remainder at the width of the divisor; #DE where the quotient does not fit. */
function divideDouble(m: Algebra, dividend: Value, divisor: Value, width: Width, signed: boolean) {
  const extend = (value: Value) => (signed ? m.signExtend(value, doubled(width)) : m.zeroExtend(value, doubled(width)));
  const wide = extend(divisor);
  checkDivisor(m, dividend, wide, signed);
  const full = m.divide(dividend, wide, signed);
  const quotient = m.truncate(full, width);
  m.when(m.not(m.equal(extend(quotient), full)), () => m.raise("DE"));
  return { quotient, remainder: m.truncate(m.remainder(dividend, wide, signed), width) };
}

const doubled = (width: Width): 16 | 32 | 64 => (width === 8 ? 16 : width === 16 ? 32 : 64);

const divideByte =
  (signed: boolean): Semantics =>
  (m, operand) => {
    const { quotient, remainder } = divideDouble(m, m.register(0, 16), m.read(operand), 8, signed);
    m.setRegister(0, quotient);
    m.setHighByte(0, remainder);
  };

const divideWord =
  (width: 16 | 32, signed: boolean): Semantics =>
  (m, operand) => {
    const double = doubled(width);
    const high = m.shiftLeft(m.zeroExtend(m.register(2, width), double), m.constant(double, width));
    const dividend = m.or(high, m.zeroExtend(m.register(0, width), double));
    const { quotient, remainder } = divideDouble(m, dividend, m.read(operand), width, signed);
    m.setRegister(0, quotient);
    m.setRegister(2, remainder);
  };

/** RDX:RAX by 64 bits: where RDX only extends RAX, which is the common case, 64-bit division does. */
const divideQuadword =
  (signed: boolean): Semantics =>
  (m, operand) => {
    const divisor = m.read(operand);
    const low = m.register(0, 64);
    const extension = signed ? m.shiftRightSigned(low, m.constant(64, 63)) : m.constant(64, 0);
    m.when(
      m.equal(m.register(2, 64), extension),
      () => {
        checkDivisor(m, low, divisor, signed);
        const quotient = m.divide(low, divisor, signed);
        const remainder = m.remainder(low, divisor, signed);
        m.setRegister(0, quotient);
        m.setRegister(2, remainder);
      },
      () => m.call(signed ? "divideSigned128" : "divideUnsigned128", divisor),
    );
  };

const facts = (signed: boolean): Omit<RowFacts, "semantics"> => ({
  doc: `Divides the accumulator pair by the operand, ${signed ? "signed" : "unsigned"}, into quotient and remainder; #DE if the quotient does not fit.`,
  access: ["r"],
  undefinedFlags: ["CF", "OF", "SF", "ZF", "AF", "PF"],
});

export const divisions: readonly Row[] = [false, true].flatMap((signed) => {
  const [digit, mnemonic] = signed ? [7, "IDIV"] : [6, "DIV"];
  return [
    row(`F6 /${digit}`, `${mnemonic} r/m8`, { ...facts(signed), semantics: divideByte(signed) }),
    ...words.map((width) =>
      row(`F7 /${digit}`, `${mnemonic} r/m${width}`, {
        ...facts(signed),
        ...modesOf(width),
        semantics: width === 64 ? divideQuadword(signed) : divideWord(width, signed),
      }),
    ),
  ];
});
