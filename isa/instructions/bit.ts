import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import type { Memory, Operand } from "../operands.ts";
import { bitManipulation } from "./bit-manipulation.ts";
import { conditions } from "./conditions.ts";
import { hex, modesOf, resize, rowsOf, type Word, words } from "./forms.ts";

const row = rowsOf("bit");

/** The value with the bit of `mask` as the instruction leaves it; undefined for BT, which leaves everything. */
type Change = ((m: Algebra, value: Value, mask: Value) => Value) | undefined;

/** Address of the word that holds a bit: a register's bit offset is signed and reaches beyond the operand. */
function wordAddress(m: Algebra, operand: Memory, offset: Value, width: Word): Value {
  const words = m.shiftRightSigned(offset, m.constant(width, Math.log2(width)));
  const bytes = m.shiftLeft(words, m.constant(width, Math.log2(width / 8)));
  const { addressSize } = operand;
  const distance = addressSize > width ? m.signExtend(bytes, addressSize) : m.truncate(bytes, addressSize);
  return m.add(m.address(operand), distance);
}

/** The word the bit is in, and how to store it again. */
function word(m: Algebra, operand: Operand, index: Operand, offset: Value, width: Word) {
  if (operand.kind !== "memory" || index.kind !== "register")
    return { value: m.read(operand), store: (value: Value) => m.write(operand, value) };
  const address = wordAddress(m, operand, offset, width);
  return { value: m.load(operand, address, width), store: (value: Value) => m.store(operand, address, value) };
}

const bitTest =
  (width: Word, change: Change): Semantics =>
  (m, operand, index) => {
    const offset = resize(m, m.read(index), width);
    const { value, store } = word(m, operand, index, offset, width);
    const number = m.and(offset, m.constant(width, width - 1));
    if (change) store(change(m, value, m.shiftLeft(m.constant(width, 1), number)));
    m.flags.set("CF", m.truncate(m.shiftRight(value, number), 1));
  };

const bitTests = (digit: number, mnemonic: string, doc: string, change: Change): Row[] =>
  words.flatMap((width) => {
    const facts: RowFacts = {
      doc,
      access: [change ? "rw" : "r", "r"],
      lockable: change !== undefined,
      undefinedFlags: ["OF", "SF", "AF", "PF"],
      ...modesOf(width),
      semantics: bitTest(width, change),
    };
    return [
      row(`0F ${hex(0x83 + digit * 8)} /r`, `${mnemonic} r/m${width}, r${width}`, facts),
      row(`0F BA /${digit} ib`, `${mnemonic} r/m${width}, imm8`, facts),
    ];
  });

/** BSF and BSR: of zero the destination stays as it is, as all processors do and AMD documents. */
const scan =
  (find: (m: Algebra, value: Value) => Value): Semantics =>
  (m, destination, source) => {
    const value = m.read(source);
    const zero = m.isZero(value);
    m.when(m.not(zero), () => m.write(destination, find(m, value)));
    m.flags.set("ZF", zero);
  };

/** TZCNT and LZCNT: of zero the count is the operand's width. */
const countZeros =
  (width: Word, count: (m: Algebra, value: Value) => Value): Semantics =>
  (m, destination, source) => {
    const value = m.read(source);
    const finish = (result: Value) => {
      m.write(destination, result);
      m.flags.set("ZF", m.isZero(result));
    };
    const zero = m.isZero(value);
    m.when(
      zero,
      () => finish(m.constant(width, width)),
      () => finish(count(m, value)),
    );
    m.flags.set("CF", zero);
  };

const leadingZeros = (m: Algebra, value: Value): Value => {
  const highest = m.highestBit(value);
  return m.subtract(m.constant(value.width, value.width - 1), highest);
};

const scans = words.flatMap((width) => [
  row("F3 0F BC /r", `TZCNT r${width}, r/m${width}`, {
    doc: "Counts the zero bits below the lowest bit that is set.",
    access: ["w", "r"],
    undefinedFlags: ["OF", "SF", "AF", "PF"],
    ...modesOf(width),
    semantics: countZeros(width, (m, value) => m.lowestBit(value)),
  }),
  row("F3 0F BD /r", `LZCNT r${width}, r/m${width}`, {
    doc: "Counts the zero bits above the highest bit that is set.",
    access: ["w", "r"],
    undefinedFlags: ["OF", "SF", "AF", "PF"],
    ...modesOf(width),
    semantics: countZeros(width, leadingZeros),
  }),
  row("0F BC /r", `BSF r${width}, r/m${width}`, {
    doc: "Loads the number of the lowest bit that is set; ZF tells that there is none.",
    undefinedFlags: ["CF", "OF", "SF", "AF", "PF"],
    ...modesOf(width),
    semantics: scan((m, value) => m.lowestBit(value)),
  }),
  row("0F BD /r", `BSR r${width}, r/m${width}`, {
    doc: "Loads the number of the highest bit that is set; ZF tells that there is none.",
    undefinedFlags: ["CF", "OF", "SF", "AF", "PF"],
    ...modesOf(width),
    semantics: scan((m, value) => m.highestBit(value)),
  }),
  row("F3 0F B8 /r", `POPCNT r${width}, r/m${width}`, {
    doc: "Counts the bits that are set; ZF tells that there are none, the other flags are cleared.",
    access: ["w", "r"],
    ...modesOf(width),
    semantics: (m, destination, source) => {
      const value = m.read(source);
      m.write(destination, m.bitCount(value));
      clearAllButZero(m, value);
    },
  }),
]);

/** ZF by the value; CF, PF, AF, SF and OF cleared. */
function clearAllButZero(m: Algebra, value: Value): void {
  const off = m.constant(1, 0);
  for (const flag of ["CF", "PF", "AF", "SF", "OF"] as const) m.flags.set(flag, off);
  m.flags.set("ZF", m.isZero(value));
}

const setBytes = conditions.flatMap(({ names, doc, holds }, number) =>
  names.map((name) =>
    row(`0F ${hex(0x90 + number)} /0`, `SET${name} r/m8`, {
      doc: `Sets the byte to 1 if ${doc}, else to 0.`,
      access: ["w"],
      semantics: (m, destination) => m.write(destination, m.zeroExtend(holds(m), 8)),
    }),
  ),
);

export const bit: readonly Row[] = [
  ...bitTests(4, "BT", "Copies a bit of the first operand to CF.", undefined),
  ...bitTests(5, "BTS", "Copies a bit of the first operand to CF and sets it.", (m, value, mask) => m.or(value, mask)),
  ...bitTests(6, "BTR", "Copies a bit of the first operand to CF and clears it.", (m, value, mask) =>
    m.and(value, m.not(mask)),
  ),
  ...bitTests(7, "BTC", "Copies a bit of the first operand to CF and inverts it.", (m, value, mask) =>
    m.xor(value, mask),
  ),
  ...scans,
  ...bitManipulation,
  ...setBytes,
];
