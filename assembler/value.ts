import type { RegisterName } from "../isa/registers.ts";
import { wrap } from "./operators.ts";
import { Section } from "./section.ts";

/** A multiple of a register, or of the unknown start of a section. */
export interface Term {
  readonly base: Section | RegisterName;
  readonly coefficient: bigint;
  /** A factor was written, even if it is 1: `[eax*1]` wants eax as index. */
  readonly scaled: boolean;
  /** It came about by adding the register to itself. */
  readonly summed?: boolean;
}

/**
 * What an expression gives: a constant plus multiples of section starts and registers. A label is its offset plus one
 * section start; the difference of two labels of one section is constant.
 */
export interface Value {
  /** Signed, wrapped at 64 bits. */
  readonly constant: bigint;
  readonly terms: readonly Term[];
  /** Depends on a symbol that has no value yet. */
  readonly unknown: boolean;
}

const none: readonly Term[] = [];

export const number = (constant: bigint): Value => ({ constant, terms: none, unknown: false });
export const unknown: Value = { constant: 1n, terms: none, unknown: true };
export const offset = (section: Section, bytes: number): Value => ({
  constant: BigInt(bytes),
  terms: [{ base: section, coefficient: 1n, scaled: false }],
  unknown: false,
});
export const register = (base: RegisterName): Value => ({
  constant: 0n,
  terms: [{ base, coefficient: 1n, scaled: false }],
  unknown: false,
});

export const isScalar = (value: Value): boolean => value.terms.length === 0;

/** `a + sign * b`. */
export function combine(a: Value, b: Value, sign: 1n | -1n): Value {
  const constant = wrap(a.constant + sign * b.constant);
  if (isScalar(b)) return { constant, terms: a.terms, unknown: a.unknown || b.unknown };
  const terms = [...a.terms];
  for (const term of b.terms) {
    const at = terms.findIndex((other) => other.base === term.base);
    const coefficient = sign * term.coefficient;
    if (at < 0) terms.push({ ...term, coefficient });
    else terms[at] = { ...terms[at]!, coefficient: terms[at]!.coefficient + coefficient, summed: true };
  }
  return { constant, terms: terms.filter((term) => term.coefficient !== 0n), unknown: a.unknown || b.unknown };
}

export function scale(a: Value, factor: bigint): Value {
  const terms = a.terms.map((term) => ({ ...term, coefficient: term.coefficient * factor, scaled: true }));
  return { ...a, constant: wrap(a.constant * factor), terms: terms.filter((term) => term.coefficient !== 0n) };
}

/** The section whose start the value counts from; undefined for a scalar. `false` if it is no plain address. */
export function sectionOf(value: Value): Section | undefined | false {
  let found: Section | undefined;
  for (const { base, coefficient } of value.terms) {
    if (!(base instanceof Section)) continue;
    if (found || coefficient !== 1n) return false;
    found = base;
  }
  return found;
}

/** Registers of the value, in the order written. */
export const registersOf = (value: Value): readonly (Term & { readonly base: RegisterName })[] =>
  value.terms.filter((term): term is Term & { base: RegisterName } => !(term.base instanceof Section));

/** The value as a final address: section starts are added. */
export const resolved = (value: Value): bigint => {
  let sum = value.constant;
  for (const { base, coefficient } of value.terms) if (base instanceof Section) sum += coefficient * BigInt(base.start);
  return wrap(sum);
};

/** A boundary that code or data can be aligned to. */
export const isPowerOfTwo = (value: bigint): boolean =>
  value > 0n && value <= 0x4000_0000n && (value & (value - 1n)) === 0n;
