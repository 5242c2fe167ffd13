import type { Algebra, FlagAlgebra, Value } from "../../isa/algebra.ts";
import type { StatusFlag } from "../../isa/flags.ts";
import type { Width } from "../../isa/registers.ts";

/** What of the algebra the flags are computed with. */
type Arithmetic = Pick<
  Algebra,
  | "constant"
  | "and"
  | "or"
  | "xor"
  | "not"
  | "shiftLeft"
  | "shiftRight"
  | "shiftRightSigned"
  | "truncate"
  | "zeroExtend"
  | "signExtend"
  | "isZero"
  | "bit"
  | "lessUnsigned"
  | "lessSigned"
>;

/**
 * The six status flags as the three words of `emulator/cpu/layout.ts`, written over the algebra's own arithmetic so that
 * every engine computes them alike. Each word is a value of 32 bits, computed only when asked for.
 */
export interface FlagWords {
  readonly z: () => Value;
  readonly sp: () => Value;
  readonly c: () => Value;
  /** CF, width 1, where it is had for less than by `c`, which has it too. Who replaces `c` replaces this, or it is gone. */
  readonly carry?: (() => Value) | undefined;
  /** What all the words are made of, where that is one operation. Who replaces a word replaces this, or it is gone. */
  readonly pending?: Pending | undefined;
}

/** Operations whose flags can be computed later from a few values. */
export const pendingKinds = ["add", "adc", "sub", "sbb", "inc", "dec", "logic", "shift"] as const;
export type PendingKind = (typeof pendingKinds)[number];

/** All six flags as an operation and what they are computed from: its values, as `wordsOf` wants them. */
export interface Pending {
  readonly kind: PendingKind;
  readonly width: Width;
  readonly values: () => readonly Value[];
}

/** Where an engine keeps the words. */
export interface FlagStore {
  words(): FlagWords;
  /** Replaces some of them. A new word may be computed from the old ones. */
  replace(words: Partial<FlagWords>): void;
}

/** Bit i is set where i has an even number of ones. */
const evenParity = 0x9669;
/** Bits 31 and 30 of flagC: CF, and CF xor OF. */
const carryBits = 0xc0000000 | 0;

const low = (m: Arithmetic, a: Value): Value => m.truncate(a, 32);
const high = (m: Arithmetic, a: Value): Value => m.truncate(m.shiftRight(a, m.constant(64, 32)), 32);
const word = (m: Arithmetic, value: number): Value => m.constant(32, value);

function zeroWord(m: Arithmetic, result: Value): Value {
  if (result.width === 64) return m.or(low(m, result), high(m, result));
  return result.width === 32 ? result : m.signExtend(result, 32);
}

function signParityWord(m: Arithmetic, result: Value): Value {
  if (result.width !== 64) return zeroWord(m, result);
  return m.or(m.and(high(m, result), word(m, 0x80000000 | 0)), m.and(low(m, result), word(m, 0xff)));
}

/** Carry-out vector of each bit of `a + b (+ carry)`. */
function additionWord(m: Arithmetic, a: Value, b: Value, sum: Value): Value {
  return carryWord(m, m.or(m.and(a, b), m.and(m.or(a, b), m.not(sum))));
}

/** Borrow-out vector of each bit of `a - b (- borrow)`. */
function subtractionWord(m: Arithmetic, a: Value, b: Value, difference: Value): Value {
  const notA = m.not(a);
  return carryWord(m, m.or(m.and(notA, b), m.and(m.or(notA, b), difference)));
}

function carryWord(m: Arithmetic, vector: Value): Value {
  if (vector.width === 32) return vector;
  const auxiliary = (of: Value): Value => m.and(of, word(m, 8));
  if (vector.width === 64) return m.or(m.and(high(m, vector), word(m, carryBits)), auxiliary(low(m, vector)));
  const wide = m.zeroExtend(vector, 32);
  return m.or(m.shiftLeft(wide, word(m, 32 - vector.width)), auxiliary(wide));
}

/** `fresh` with the carry flag of `old`; the overflow flag stays that of `fresh`. */
function keepCarry(m: Arithmetic, old: Value, fresh: Value): Value {
  const differs = m.shiftRightSigned(m.xor(old, fresh), word(m, 31));
  return m.xor(fresh, m.and(differs, word(m, carryBits)));
}

/** Carry-out vector of `a + 1`, and borrow-out vector of `a - 1`: the ones, or zeros, at the low end of `a`. */
const incrementWord = (m: Arithmetic, a: Value, sum: Value): Value => carryWord(m, m.and(a, m.not(sum)));
const decrementWord = (m: Arithmetic, a: Value, difference: Value): Value => carryWord(m, m.and(m.not(a), difference));

const isNegative = (m: Arithmetic, a: Value): Value => m.bit(a, 31);
const overflow = (m: Arithmetic, c: Value): Value => isNegative(m, m.xor(c, m.shiftLeft(c, word(m, 1))));

/** Value of a flag, as width 1. */
function readFlag(m: Arithmetic, words: FlagWords, flag: StatusFlag): Value {
  switch (flag) {
    case "ZF":
      return m.isZero(words.z());
    case "SF":
      return isNegative(m, words.sp());
    case "PF": {
      const sp = words.sp();
      const folded = m.xor(sp, m.shiftRight(sp, word(m, 4)));
      return m.truncate(m.shiftRight(word(m, evenParity), m.and(folded, word(m, 15))), 1);
    }
    case "CF":
      return words.carry?.() ?? isNegative(m, words.c());
    case "OF":
      return overflow(m, words.c());
    case "AF":
      return m.bit(words.c(), 3);
  }
}

const placed = (m: Arithmetic, bit: Value, at: number): Value => m.shiftLeft(m.zeroExtend(bit, 32), word(m, at));
const withBit = (m: Arithmetic, a: Value, at: number, bit: Value): Value =>
  m.or(m.and(a, word(m, ~(1 << at))), placed(m, bit, at));
const inverted = (m: Arithmetic, bit: Value): Value => m.xor(m.zeroExtend(bit, 32), word(m, 1));

/** The words that change when one flag does. `value` has width 1. */
function withFlag(m: Arithmetic, { sp, c }: FlagWords, flag: StatusFlag, value: Value): Partial<FlagWords> {
  switch (flag) {
    case "ZF":
      return { z: () => inverted(m, value) };
    case "SF":
      return { sp: () => withBit(m, sp(), 31, value) };
    case "PF":
      return { sp: () => m.or(m.and(sp(), word(m, ~0xff)), inverted(m, value)) };
    case "CF":
      return { c: () => keepCarry(m, placed(m, value, 31), c()), carry: () => value };
    case "OF":
      return {
        c: () => {
          const old = c();
          const carry = m.shiftRight(old, word(m, 31));
          return withBit(m, old, 30, m.truncate(m.xor(carry, m.zeroExtend(value, 32)), 1));
        },
      };
    case "AF":
      return { c: () => withBit(m, c(), 3, value) };
  }
}

const carryAndOverflow = (m: Arithmetic, carry: Value, overflows: Value): Value =>
  m.or(placed(m, carry, 31), placed(m, m.xor(carry, overflows), 30));

const resultWords = (m: Arithmetic, of: Value): Pick<FlagWords, "z" | "sp"> => ({
  z: () => zeroWord(m, of),
  sp: () => signParityWord(m, of),
});

/** Widths of the values of an operation of a width: operands and result, and bits. */
export function pendingWidths(kind: PendingKind, width: Width): readonly (Width | 1)[] {
  if (kind === "logic") return [width];
  if (kind === "shift") return [width, 1, 1];
  return kind === "inc" || kind === "dec" ? [width, width, 1] : [width, width, width];
}

/**
 * The words of an operation from its values: both operands and the result; of INC and DEC the operand, the result and CF before;
 * of shifts the result, CF and OF; of logic the result.
 */
export function wordsOf(m: Arithmetic, kind: PendingKind, values: readonly Value[]): FlagWords {
  const [first, second, third] = values as readonly [Value, Value, Value];
  const pending: Pending = { kind, width: first.width as Width, values: () => values };
  const placedCarry = (bit: Value): Value => placed(m, bit, 31);
  switch (kind) {
    case "add":
    case "adc": {
      const carry = kind === "add" ? () => m.lessUnsigned(third, first) : undefined;
      return { ...resultWords(m, third), c: () => additionWord(m, first, second, third), carry, pending };
    }
    case "sub":
    case "sbb": {
      const carry = kind === "sub" ? () => m.lessUnsigned(first, second) : undefined;
      return { ...resultWords(m, third), c: () => subtractionWord(m, first, second, third), carry, pending };
    }
    case "inc":
    case "dec": {
      const fresh = kind === "inc" ? incrementWord : decrementWord;
      const c = (): Value => keepCarry(m, placedCarry(third), fresh(m, first, second));
      return { ...resultWords(m, second), c, carry: () => third, pending };
    }
    case "logic":
      return { ...resultWords(m, first), c: () => word(m, 0), carry: () => m.constant(1, 0), pending };
    case "shift": {
      const c = (): Value => carryAndOverflow(m, second, third);
      return { ...resultWords(m, first), c, carry: () => second, pending };
    }
  }
}

/** The operands of a comparison, or of a subtraction, whose flags these are. */
function comparedBy({ pending }: FlagWords): readonly [Value, Value] | undefined {
  if (pending?.kind !== "sub") return undefined;
  const [a, b] = pending.values();
  return [a!, b!];
}

/** The flag words of rows, over `store`. */
export function flagAlgebra(m: Arithmetic, store: FlagStore, direction: () => Value): FlagAlgebra {
  const step = (kind: "inc" | "dec", a: Value, of: Value): void => {
    const { c, carry } = store.words();
    const fresh = kind === "inc" ? incrementWord : decrementWord;
    const old = (): Value => (carry ? placed(m, carry(), 31) : c());
    const oldCarry = carry ?? (() => isNegative(m, c()));
    store.replace({
      ...resultWords(m, of),
      c: () => keepCarry(m, old(), fresh(m, a, of)),
      carry: oldCarry,
      pending: { kind, width: of.width as Width, values: () => [a, of, oldCarry()] },
    });
  };
  const compared = (condition: (a: Value, b: Value) => Value) => (): Value | undefined => {
    const operands = comparedBy(store.words());
    return operands && condition(...operands);
  };
  return {
    get: (flag) => readFlag(m, store.words(), flag),
    set: (flag, value) => store.replace(withFlag(m, store.words(), flag, value)),
    less: compared((a, b) => m.lessSigned(a, b)),
    lessOrEqual: compared((a, b) => m.not(m.lessSigned(b, a))),
    belowOrEqual: compared((a, b) => m.not(m.lessUnsigned(b, a))),
    direction,
    setCarryAndOverflow(carry, overflows) {
      const { c } = store.words();
      store.replace({
        c: () => m.or(m.and(c(), word(m, 8)), carryAndOverflow(m, carry, overflows)),
        carry: () => carry,
      });
    },
    ofShift: (of, carry, overflows) => store.replace(wordsOf(m, "shift", [of, carry, overflows])),
    ofAdd: (a, b, of, carried) => store.replace(wordsOf(m, carried ? "adc" : "add", [a, b, of])),
    ofSubtract: (a, b, of, borrowed) => store.replace(wordsOf(m, borrowed ? "sbb" : "sub", [a, b, of])),
    ofIncrement: (a, of) => step("inc", a, of),
    ofDecrement: (a, of) => step("dec", a, of),
    ofLogic: (of) => store.replace(wordsOf(m, "logic", [of])),
    ofResult: (of) => store.replace(resultWords(m, of)),
  };
}
