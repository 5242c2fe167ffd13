import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { doubleShifts } from "./double-shift.ts";
import { hex, highestBitOf, modesOf, resize, rowsOf, widthOf, words } from "./forms.ts";
import { rotateLeft, rotateLeftThroughCarry, rotateRight, rotateRightThroughCarry } from "./rotation.ts";
import { byCount, isWord, minusOne, type Shift, unitOf } from "./shift-unit.ts";

const row = rowsOf("shift");

const shiftLeft: Shift = (m, value, count, width) => {
  // By one less first: what then is the highest bit is the last to be shifted out, to CF.
  const almost = m.shiftLeft(resize(m, value, unitOf(width)), minusOne(m, count));
  const result = m.truncate(m.shiftLeft(almost, m.constant(almost.width, 1)), width);
  const carry = m.bit(almost, width - 1);
  return { result, carry, overflow: m.xor(highestBitOf(m, result), carry) };
};

const shiftRight: Shift = (m, value, count, width) => {
  const almost = m.shiftRight(resize(m, value, unitOf(width)), minusOne(m, count));
  const result = m.truncate(m.shiftRight(almost, m.constant(almost.width, 1)), width);
  // For a count of 1 the second highest bit of the result is the operand's sign, which is what OF has to be.
  return { result, carry: m.bit(almost, 0), overflow: m.xor(highestBitOf(m, result), m.bit(result, width - 2)) };
};

const shiftRightSigned: Shift = (m, value, count, width) => {
  const almost = m.shiftRightSigned(isWord(width) ? m.signExtend(value, 32) : value, minusOne(m, count));
  const result = m.truncate(m.shiftRightSigned(almost, m.constant(almost.width, 1)), width);
  return { result, carry: m.bit(almost, 0), overflow: m.constant(1, 0) };
};

const shiftBy =
  (shift: Shift): Semantics =>
  (m, destination, by) => {
    const value = m.read(destination);
    byCount(m, destination, value, by, (count) => {
      const { result, carry, overflow } = shift(m, value, count, widthOf(value));
      m.write(destination, result);
      m.flags.ofShift(result, carry, overflow);
    });
  };

/** Rotates change CF and OF only. */
const rotateBy =
  (rotate: Shift): Semantics =>
  (m, destination, by) => {
    const value = m.read(destination);
    byCount(m, destination, value, by, (count) => {
      const { result, carry, overflow } = rotate(m, value, count, widthOf(value));
      m.write(destination, result);
      m.flags.setCarryAndOverflow(carry, overflow);
    });
  };

/** By 1, by CL, by a constant. */
const counts = [
  { byte: 0xd0, code: "", syntax: "1" },
  { byte: 0xd2, code: "", syntax: "CL" },
  { byte: 0xc0, code: " ib", syntax: "imm8" },
] as const;

/** `digit` is the opcode extension (shift group 2). OF is defined for a count of 1 only. */
const forms = (digit: number, mnemonic: string, facts: RowFacts): Row[] =>
  counts.flatMap(({ byte, code, syntax }) => {
    const one = syntax === "1";
    const undefinedFlags = (facts.undefinedFlags ?? []).filter((flag) => !one || flag !== "OF");
    return [
      row(`${hex(byte)} /${digit}${code}`, `${mnemonic} r/m8, ${syntax}`, { ...facts, undefinedFlags }),
      ...words.map((width) =>
        row(`${hex(byte + 1)} /${digit}${code}`, `${mnemonic} r/m${width}, ${syntax}`, {
          ...facts,
          undefinedFlags,
          ...modesOf(width),
        }),
      ),
    ];
  });

export const shift: readonly Row[] = [
  ...forms(0, "ROL", {
    doc: "Rotates the bits of the destination to the left.",
    undefinedFlags: ["OF"],
    semantics: rotateBy(rotateLeft),
  }),
  ...forms(1, "ROR", {
    doc: "Rotates the bits of the destination to the right.",
    undefinedFlags: ["OF"],
    semantics: rotateBy(rotateRight),
  }),
  ...forms(2, "RCL", {
    doc: "Rotates CF and the destination to the left as one number.",
    undefinedFlags: ["OF"],
    semantics: rotateBy(rotateLeftThroughCarry),
  }),
  ...forms(3, "RCR", {
    doc: "Rotates CF and the destination to the right as one number.",
    undefinedFlags: ["OF"],
    semantics: rotateBy(rotateRightThroughCarry),
  }),
  ...forms(4, "SHL", {
    doc: "Shifts the destination to the left; the last bit shifted out goes to CF.",
    undefinedFlags: ["AF", "OF"],
    semantics: shiftBy(shiftLeft),
  }),
  ...forms(5, "SHR", {
    doc: "Shifts the destination to the right, filling with zeros; the last bit shifted out goes to CF.",
    undefinedFlags: ["AF", "OF"],
    semantics: shiftBy(shiftRight),
  }),
  ...forms(7, "SAR", {
    doc: "Shifts the destination to the right, filling with its sign bit; the last bit shifted out goes to CF.",
    undefinedFlags: ["AF", "OF"],
    semantics: shiftBy(shiftRightSigned),
  }),
  ...doubleShifts,
];
