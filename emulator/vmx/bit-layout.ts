import type { Field } from "../trace/event.ts";

/** One field of a word: its bits and how its value reads. */
export interface BitField {
  /** Name for `encode`. */
  readonly key: string;
  readonly high: number;
  readonly low: number;
  /** The manual's words. */
  readonly name: string;
  readonly text: (value: bigint) => string;
  /** Shown only if this holds of the whole word. */
  readonly when?: (word: bigint) => boolean;
}

export type BitLayout = readonly BitField[];

export const hex = (value: bigint | number): string => `${value.toString(16).toUpperCase()}h`;
export const yesNo = (value: bigint): string => (value === 0n ? "no" : "yes");
/** Text by value; values without one are shown as numbers. */
export const choice =
  (texts: Readonly<Record<number, string>>) =>
  (value: bigint): string =>
    texts[Number(value)] ?? `${value} (reserved)`;

/** Bits `high`:`low` of a word. */
export const bitsOf = (word: bigint, high: number, low: number): bigint =>
  (word >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

const fits = (value: bigint | number | boolean, bits: number): boolean =>
  typeof value === "bigint" ? value >> BigInt(bits) === 0n : Number(value) >= 0 && Number(value) < 2 ** bits;

/** Puts values into their places. Throws for a key that the layout has not, or a value too big for its field. */
export function encode(layout: BitLayout, values: Readonly<Record<string, bigint | number | boolean>>): bigint {
  // Exits are many, and most fields are low and small: those are put together as numbers.
  let low = 0;
  let word = 0n;
  for (const key in values) {
    const given = values[key]!;
    const field = layout.find((f) => f.key === key);
    const bits = field ? field.high - field.low + 1 : 0;
    if (!field || !fits(given, bits)) throw new RangeError(`no place for ${key} = ${given}`);
    if (field.high < 32) low |= Number(given) << field.low;
    else word |= BigInt(given) << BigInt(field.low);
  }
  return word | BigInt(low >>> 0);
}

export const decode = (layout: BitLayout, word: bigint): Field[] =>
  layout
    .filter((f) => f.when?.(word) ?? true)
    .map((f) => ({
      name: f.name,
      value: f.text(bitsOf(word, f.high, f.low)),
      bits: f.high === f.low ? `${f.low}` : `${f.high}:${f.low}`,
    }));
