import { type Refused, refused } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { bytesOf } from "./guest-access.ts";

/** Kinds of C fields; `word` is an unsigned long or a pointer of the guest. */
type Kind = "u8" | "u16" | "u32" | "u64" | "word";
export type Fields = Readonly<Record<string, Kind>>;

const sizes = { u8: 1, u16: 2, u32: 4, u64: 8 } as const;

export interface Layout<F extends Fields> {
  readonly offsets: Readonly<Record<keyof F, { readonly at: number; readonly size: number }>>;
  readonly size: number;
}

/** Where a C compiler for the guest's width puts the fields: each at a multiple of its size, at most of a word's. */
export function layoutOf<F extends Fields>(fields: F, bits: 32 | 64): Layout<F> {
  const word = bits / 8;
  const offsets: Record<string, { at: number; size: number }> = {};
  let at = 0;
  let widest = 1;
  for (const [name, kind] of Object.entries(fields)) {
    const size = kind === "word" ? word : sizes[kind];
    const step = Math.min(size, word);
    widest = Math.max(widest, step);
    at = Math.ceil(at / step) * step;
    offsets[name] = { at, size };
    at += size;
  }
  return { offsets: offsets as Layout<F>["offsets"], size: Math.ceil(at / widest) * widest };
}

export type Values<F extends Fields> = Record<keyof F, bigint>;

/** A structure of the guest's in its memory. */
export class Structure<F extends Fields> {
  readonly values: Values<F>;
  readonly layout: Layout<F>;
  readonly #domain: Domain;
  readonly #linear: number;

  private constructor(domain: Domain, linear: number, layout: Layout<F>, values: Values<F>) {
    this.#domain = domain;
    this.#linear = linear;
    this.layout = layout;
    this.values = values;
  }

  /** The `index`th of an array that begins at a linear address. */
  static read<F extends Fields>(domain: Domain, fields: F, linear: number, index = 0): Structure<F> | Refused {
    const layout = layoutOf(fields, domain.bits);
    const at = linear + index * layout.size;
    const view = domain.access.read(at, layout.size);
    if (!view) return unreadable(at);
    const values: Record<string, bigint> = {};
    for (const name of Object.keys(fields)) {
      const field = layout.offsets[name]!;
      let value = 0n;
      for (let n = field.size - 1; n >= 0; n--) value = (value << 8n) | BigInt(view.getUint8(field.at + n));
      values[name] = value;
    }
    return new Structure(domain, at, layout, values as Values<F>);
  }

  number(name: keyof F): number {
    return Number(this.values[name]);
  }

  /** Gives a field back to the guest; a refusal where it cannot be written. */
  write(name: keyof F, value: bigint | number): Refused | undefined {
    const { at, size } = this.layout.offsets[name];
    const bytes = bytesOf(BigInt.asUintN(8 * size, BigInt(value)), size);
    return this.#domain.access.write(this.#linear + at, bytes) ? undefined : unwritable(this.#linear + at);
  }
}

const text = (linear: number): string => `${BigInt.asUintN(64, BigInt(linear)).toString(16).toUpperCase()}h`;
export const unreadable = (linear: number): Refused =>
  refused("EFAULT", `the guest may not read linear address ${text(linear)}`);
export const unwritable = (linear: number): Refused =>
  refused("EFAULT", `the guest may not write linear address ${text(linear)}`);
