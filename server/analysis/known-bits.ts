/** What is known of a value of 32 bits: where `mask` has a 1, the bit is that of `value`; other bits of `value` are 0. */
export interface KnownBits {
  readonly mask: number;
  readonly value: number;
}

export const unknown: KnownBits = { mask: 0, value: 0 };

const make = (mask: number, value: number): KnownBits => ({ mask: mask | 0, value: value & mask });

export const constant = (value: number): KnownBits => make(-1, value);

/** Some bits, all others unknown. */
export const someBits = (mask: number, value: number): KnownBits => make(mask, value);

/** A bit's value; undefined if it is not known. */
export const bit = ({ mask, value }: KnownBits, at: number): boolean | undefined =>
  (mask >>> at) & 1 ? ((value >>> at) & 1) === 1 : undefined;

/** Two bits as a number: a privilege level. */
export function twoBits(of: KnownBits, at: number): 0 | 1 | 2 | 3 | undefined {
  const [low, high] = [bit(of, at), bit(of, at + 1)];
  return low === undefined || high === undefined ? undefined : ((Number(high) * 2 + Number(low)) as 0 | 1 | 2 | 3);
}

/** The whole value, unsigned; undefined unless all bits are known. */
export const wholeOf = ({ mask, value }: KnownBits): number | undefined => (mask === -1 ? value >>> 0 : undefined);

/** What both have in common. */
export function join(a: KnownBits, b: KnownBits): KnownBits {
  if (a === b) return a;
  return make(a.mask & b.mask & ~(a.value ^ b.value), a.value);
}

export const and = (a: KnownBits, b: KnownBits): KnownBits =>
  make((a.mask & b.mask) | (a.mask & ~a.value) | (b.mask & ~b.value), a.value & b.value);

export const or = (a: KnownBits, b: KnownBits): KnownBits =>
  make((a.mask & b.mask) | a.value | b.value, a.value | b.value);

export const xor = (a: KnownBits, b: KnownBits): KnownBits => make(a.mask & b.mask, a.value ^ b.value);

export function add(a: KnownBits, b: KnownBits, sign: 1 | -1): KnownBits {
  return a.mask === -1 && b.mask === -1 ? constant(a.value + sign * b.value) : unknown;
}

/** `width` bits of a value, from bit `from` on, replaced by the low bits of another. */
export function insert(into: KnownBits, bits: KnownBits, width: number, from: 0 | 8 = 0): KnownBits {
  if (width >= 32) return bits;
  const field = ((1 << width) - 1) << from;
  return make(
    (into.mask & ~field) | ((bits.mask << from) & field),
    (into.value & ~field) | ((bits.value << from) & field),
  );
}

/** The low `width` bits from bit `from` on; the rest is 0. */
export function extract(of: KnownBits, width: number, from: 0 | 8 = 0): KnownBits {
  if (width >= 32) return of;
  const field = (1 << width) - 1;
  return make(((of.mask >>> from) & field) | ~field, (of.value >>> from) & field);
}
