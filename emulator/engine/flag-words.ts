import type { Algebra, FlagAlgebra, Value } from "../../isa/algebra.ts";
import type { StatusFlag } from "../../isa/flags.ts";

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

const low = (m: Algebra, a: Value): Value => m.truncate(a, 32);
const high = (m: Algebra, a: Value): Value => m.truncate(m.shiftRight(a, m.constant(64, 32)), 32);
const word = (m: Algebra, value: number): Value => m.constant(32, value);

function zeroWord(m: Algebra, result: Value): Value {
  if (result.width === 64) return m.or(low(m, result), high(m, result));
  return result.width === 32 ? result : m.signExtend(result, 32);
}

function signParityWord(m: Algebra, result: Value): Value {
  if (result.width !== 64) return zeroWord(m, result);
  return m.or(m.and(high(m, result), word(m, 0x80000000 | 0)), m.and(low(m, result), word(m, 0xff)));
}

/** Carry-out vector of each bit of `a + b (+ carry)`. */
function additionWord(m: Algebra, a: Value, b: Value, sum: Value): Value {
  return carryWord(m, m.or(m.and(a, b), m.and(m.or(a, b), m.not(sum))));
}

/** Borrow-out vector of each bit of `a - b (- borrow)`. */
function subtractionWord(m: Algebra, a: Value, b: Value, difference: Value): Value {
  const notA = m.not(a);
  return carryWord(m, m.or(m.and(notA, b), m.and(m.or(notA, b), difference)));
}

function carryWord(m: Algebra, vector: Value): Value {
  if (vector.width === 32) return vector;
  const auxiliary = (of: Value): Value => m.and(of, word(m, 8));
  if (vector.width === 64) return m.or(m.and(high(m, vector), word(m, carryBits)), auxiliary(low(m, vector)));
  const wide = m.zeroExtend(vector, 32);
  return m.or(m.shiftLeft(wide, word(m, 32 - vector.width)), auxiliary(wide));
}

/** `fresh` with the carry flag of `old`; the overflow flag stays that of `fresh`. */
function keepCarry(m: Algebra, old: Value, fresh: Value): Value {
  const differs = m.shiftRightSigned(m.xor(old, fresh), word(m, 31));
  return m.xor(fresh, m.and(differs, word(m, carryBits)));
}

/** Carry-out vector of `a + 1`, and borrow-out vector of `a - 1`: the ones, or zeros, at the low end of `a`. */
const incrementWord = (m: Algebra, a: Value, sum: Value): Value => carryWord(m, m.and(a, m.not(sum)));
const decrementWord = (m: Algebra, a: Value, difference: Value): Value => carryWord(m, m.and(m.not(a), difference));

const isNegative = (m: Algebra, a: Value): Value => m.bit(a, 31);
const overflow = (m: Algebra, c: Value): Value => isNegative(m, m.xor(c, m.shiftLeft(c, word(m, 1))));

/** Value of a flag, as width 1. */
function readFlag(m: Algebra, words: FlagWords, flag: StatusFlag): Value {
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

const placed = (m: Algebra, bit: Value, at: number): Value => m.shiftLeft(m.zeroExtend(bit, 32), word(m, at));
const withBit = (m: Algebra, a: Value, at: number, bit: Value): Value =>
  m.or(m.and(a, word(m, ~(1 << at))), placed(m, bit, at));
const inverted = (m: Algebra, bit: Value): Value => m.xor(m.zeroExtend(bit, 32), word(m, 1));

/** The words that change when one flag does. `value` has width 1. */
function withFlag(m: Algebra, { sp, c }: FlagWords, flag: StatusFlag, value: Value): Partial<FlagWords> {
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

const carryAndOverflow = (m: Algebra, carry: Value, overflows: Value): Value =>
  m.or(placed(m, carry, 31), placed(m, m.xor(carry, overflows), 30));

/** The flag words of rows, over `store`. */
export function flagAlgebra(m: Algebra, store: FlagStore, direction: () => Value): FlagAlgebra {
  const result = (of: Value): Partial<FlagWords> => ({ z: () => zeroWord(m, of), sp: () => signParityWord(m, of) });
  const step = (a: Value, of: Value, word: typeof incrementWord): void => {
    const { c, carry } = store.words();
    const old = (): Value => (carry ? placed(m, carry(), 31) : c());
    store.replace({
      ...result(of),
      c: () => keepCarry(m, old(), word(m, a, of)),
      carry: carry ?? (() => isNegative(m, c())),
    });
  };
  return {
    get: (flag) => readFlag(m, store.words(), flag),
    set: (flag, value) => store.replace(withFlag(m, store.words(), flag, value)),
    direction,
    setCarryAndOverflow(carry, overflows) {
      const { c } = store.words();
      store.replace({
        c: () => m.or(m.and(c(), word(m, 8)), carryAndOverflow(m, carry, overflows)),
        carry: () => carry,
      });
    },
    ofShift: (of, carry, overflows) =>
      store.replace({ ...result(of), c: () => carryAndOverflow(m, carry, overflows), carry: () => carry }),
    ofAdd: (a, b, of, carried) =>
      store.replace({
        ...result(of),
        c: () => additionWord(m, a, b, of),
        carry: carried ? undefined : () => m.lessUnsigned(of, a),
      }),
    ofSubtract: (a, b, of, borrowed) =>
      store.replace({
        ...result(of),
        c: () => subtractionWord(m, a, b, of),
        carry: borrowed ? undefined : () => m.lessUnsigned(a, b),
      }),
    ofIncrement: (a, of) => step(a, of, incrementWord),
    ofDecrement: (a, of) => step(a, of, decrementWord),
    ofLogic: (of) => store.replace({ ...result(of), c: () => word(m, 0) }),
    ofResult: (of) => store.replace(result(of)),
  };
}
