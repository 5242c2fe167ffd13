import type { RegisterName } from "../isa/registers.ts";
import { wrap } from "./operators.ts";
import { Section } from "./section.ts";

/** A multiple of a register, or of the unknown start of a section. */
export interface Term {
  readonly base: Section | RegisterName;
  readonly coefficient: bigint;
  /** A factor was written, even if it is 1: `[eax*1]` wants eax as index. */
  readonly scaled: boolean;
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
  /** There is a constant part, though it may be 0. */
  readonly hasConstant: boolean;
  /**
   * Two constants, or a register with itself, were added on the way, and the sum was not 0. nasm then no longer knows
   * which register of an address came first, and takes the one that is first in the alphabet as base.
   */
  readonly summed: boolean;
  /** What a linker is to make of the address: `..plt`. */
  readonly wrt?: string;
}

const none: readonly Term[] = [];

export const number = (constant: bigint, summed = false): Value => ({
  constant,
  terms: none,
  unknown: false,
  hasConstant: true,
  summed,
});
export const unknown: Value = { constant: 1n, terms: none, unknown: true, hasConstant: true, summed: false };
/** A place in a section; after `absolute`, one counted from its value. */
export function offset(section: Section, bytes: number): Value {
  if (section.origin) return { ...section.origin, constant: wrap(section.origin.constant + BigInt(bytes)) };
  return {
    constant: BigInt(bytes),
    terms: [{ base: section, coefficient: 1n, scaled: false }],
    unknown: false,
    hasConstant: true,
    summed: false,
  };
}
export const register = (base: RegisterName): Value => ({
  constant: 0n,
  terms: [{ base, coefficient: 1n, scaled: false }],
  unknown: false,
  hasConstant: false,
  summed: false,
});

export const isScalar = (value: Value): boolean => value.terms.length === 0;

/** `a + sign * b`. */
export function combine(a: Value, b: Value, sign: 1n | -1n): Value {
  const constant = wrap(a.constant + sign * b.constant);
  const both = a.hasConstant && b.hasConstant;
  const rest = {
    constant,
    unknown: a.unknown || b.unknown,
    hasConstant: both ? constant !== 0n : a.hasConstant || b.hasConstant,
    summed: a.summed || b.summed || (both && constant !== 0n),
  };
  return isScalar(b) ? { ...rest, terms: a.terms } : combineTerms(a, b, sign, rest);
}

function combineTerms(a: Value, b: Value, sign: 1n | -1n, rest: Omit<Value, "terms">): Value {
  const terms = [...a.terms];
  let { summed } = rest;
  for (const term of b.terms) {
    const at = terms.findIndex((other) => other.base === term.base);
    const old = terms[at];
    const coefficient = (old?.coefficient ?? 0n) + sign * term.coefficient;
    if (!old) terms.push({ ...term, coefficient });
    else {
      terms[at] = { ...old, coefficient };
      summed ||= coefficient !== 0n;
    }
  }
  return { ...rest, summed, terms: terms.filter((term) => term.coefficient !== 0n) };
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

/** The section of the symbol in `symbol - $`, where that is another section than the one it stands in. */
export function distantBase({ terms }: Value, own: Section): Section | undefined {
  if (terms.length !== 2) return undefined;
  const here = terms.find(({ base, coefficient }) => base === own && coefficient === -1n);
  const there = terms.find(({ coefficient }) => coefficient === 1n);
  return here && there?.base instanceof Section ? there.base : undefined;
}

/** Registers of the value, in the order written. */
export const registersOf = (value: Value): readonly (Term & { readonly base: RegisterName })[] =>
  value.terms.filter((term): term is Term & { base: RegisterName } => !(term.base instanceof Section));

export function sameValue(a: Value, b: Value): boolean {
  if (a.constant !== b.constant || a.terms.length !== b.terms.length) return false;
  return a.terms.every(({ base, coefficient }, n) => {
    const other = b.terms[n]!;
    return base === other.base && coefficient === other.coefficient;
  });
}

/** The value as a final address: section starts are added. */
export const resolved = (value: Value): bigint => {
  let sum = value.constant;
  for (const { base, coefficient } of value.terms) if (base instanceof Section) sum += coefficient * BigInt(base.start);
  return wrap(sum);
};

/** A boundary that code or data can be aligned to. */
export const isPowerOfTwo = (value: bigint): boolean =>
  value > 0n && value <= 0x4000_0000n && (value & (value - 1n)) === 0n;
