import type { Algebra, Value } from "../algebra.ts";
import type { Row, Semantics } from "../instruction.ts";
import { rowsOf } from "./forms.ts";

const row = rowsOf("arithmetic");

/** The low digit is no decimal digit, or the last operation carried out of it. */
const digitOverflows = (m: Algebra, al: Value): Value =>
  m.or(m.lessUnsigned(m.constant(8, 9), m.and(al, m.constant(8, 0x0f))), m.flags.get("AF"));

/** DAA and DAS (SDM Vol. 2): the digits are corrected one after the other, both by what AL was before. */
const adjustPacked =
  (subtract: boolean): Semantics =>
  (m) => {
    const al = m.register(0, 8);
    const correct = (value: Value, by: number, when: Value): Value => {
      const corrected = subtract ? m.subtract(value, m.constant(8, by)) : m.add(value, m.constant(8, by));
      return m.select(when, corrected, value);
    };
    const low = digitOverflows(m, al);
    const high = m.or(m.lessUnsigned(m.constant(8, 0x99), al), m.flags.get("CF"));
    const result = correct(correct(al, 0x06, low), 0x60, high);
    // DAS also keeps the borrow of the first correction; the carry of DAA's implies the second.
    const carry = subtract ? m.or(high, m.and(low, m.lessUnsigned(al, m.constant(8, 0x06)))) : high;
    m.setRegister(0, result);
    m.flags.ofShift(result, carry, m.constant(1, 0));
    m.flags.set("AF", low);
  };

/** AAA and AAS. */
const adjustUnpacked =
  (subtract: boolean): Semantics =>
  (m) => {
    const ax = m.register(0, 16);
    const correct = digitOverflows(m, m.truncate(ax, 8));
    const by = m.constant(16, 0x106);
    const corrected = m.select(correct, subtract ? m.subtract(ax, by) : m.add(ax, by), ax);
    m.setRegister(0, m.and(corrected, m.constant(16, 0xff0f)));
    m.flags.set("AF", correct);
    m.flags.set("CF", correct);
  };

/** AAM: AL into digits of the base, AH and AL. */
const splitDigits = (m: Algebra, base: Value): void => {
  m.when(m.isZero(base), () => m.raise("DE"));
  const al = m.register(0, 8);
  const quotient = m.divide(al, base, false);
  const remainder = m.remainder(al, base, false);
  m.setRegister(0, remainder);
  m.setHighByte(0, quotient);
  m.flags.ofLogic(remainder);
};

/** AAD: the digits AH and AL of the base into AL. */
const joinDigits = (m: Algebra, base: Value): void => {
  const result = m.add(m.register(0, 8), m.multiply(m.highByte(0), base));
  m.setRegister(0, m.zeroExtend(result, 16));
  m.flags.ofLogic(result);
};

const modes = "not-64";

export const decimalAdjustments: readonly Row[] = [
  row("27", "DAA", {
    doc: "Corrects AL after the addition of two packed decimal numbers.",
    modes,
    undefinedFlags: ["OF"],
    semantics: adjustPacked(false),
  }),
  row("2F", "DAS", {
    doc: "Corrects AL after the subtraction of two packed decimal numbers.",
    modes,
    undefinedFlags: ["OF"],
    semantics: adjustPacked(true),
  }),
  row("37", "AAA", {
    doc: "Corrects AL after the addition of two unpacked decimal digits and carries into AH.",
    modes,
    undefinedFlags: ["OF", "SF", "ZF", "PF"],
    semantics: adjustUnpacked(false),
  }),
  row("3F", "AAS", {
    doc: "Corrects AL after the subtraction of two unpacked decimal digits and borrows from AH.",
    modes,
    undefinedFlags: ["OF", "SF", "ZF", "PF"],
    semantics: adjustUnpacked(true),
  }),
  row("D4 0A", "AAM", {
    doc: "Splits AL into two decimal digits, AH and AL.",
    modes,
    undefinedFlags: ["OF", "AF", "CF"],
    semantics: (m) => splitDigits(m, m.constant(8, 10)),
  }),
  row("D4 ib", "AAM imm8", {
    doc: "Splits AL into two digits of that base, AH and AL; #DE for base 0.",
    modes,
    access: ["r"],
    undefinedFlags: ["OF", "AF", "CF"],
    semantics: (m, base) => splitDigits(m, m.read(base)),
  }),
  row("D5 0A", "AAD", {
    doc: "Joins the decimal digits AH and AL to a number in AL; AH becomes 0.",
    modes,
    undefinedFlags: ["OF", "AF", "CF"],
    semantics: (m) => joinDigits(m, m.constant(8, 10)),
  }),
  row("D5 ib", "AAD imm8", {
    doc: "Joins the digits AH and AL of that base to a number in AL; AH becomes 0.",
    modes,
    access: ["r"],
    undefinedFlags: ["OF", "AF", "CF"],
    semantics: (m, base) => joinDigits(m, m.read(base)),
  }),
];
