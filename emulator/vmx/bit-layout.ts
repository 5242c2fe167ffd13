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

/** Puts values into their places. Throws for a key that the layout has not, or a value too big for its field. */
export function encode(layout: BitLayout, values: Readonly<Record<string, bigint | number | boolean>>): bigint {
  let word = 0n;
  for (const [key, given] of Object.entries(values)) {
    const field = layout.find((f) => f.key === key);
    const value = BigInt(given);
    if (!field || value >> BigInt(field.high - field.low + 1) !== 0n)
      throw new RangeError(`no place for ${key} = ${value}`);
    word |= value << BigInt(field.low);
  }
  return word;
}

export const decode = (layout: BitLayout, word: bigint): Field[] =>
  layout
    .filter((f) => f.when?.(word) ?? true)
    .map((f) => ({
      name: f.name,
      value: f.text(bitsOf(word, f.high, f.low)),
      bits: f.high === f.low ? `${f.low}` : `${f.high}:${f.low}`,
    }));
