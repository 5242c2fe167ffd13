import type { Value } from "../../../isa/algebra.ts";
import type { Width } from "../../../isa/registers.ts";
import { cpuBase, layout } from "../../cpu/layout.ts";
import { type FlagWords, type Pending, type PendingKind, pendingKinds, pendingWidths, wordsOf } from "../flag-words.ts";
import type { Place, WasmArithmetic } from "./wasm-arithmetic.ts";

const widths: readonly Width[] = [8, 16, 32, 64];

/**
 * How a block finds the flags: as words; in any form, which it must not read; or as the values of one operation, by its number.
 */
export type FlagForm = number;
export const settledForm = 0;
export const anyForm = -1;

const formOf = ({ kind, width }: Pending): FlagForm =>
  1 + widths.length * pendingKinds.indexOf(kind) + widths.indexOf(width);

const operationOf = (form: FlagForm): { kind: PendingKind; width: Width } => ({
  kind: pendingKinds[Math.floor((form - 1) / widths.length)]!,
  width: widths[(form - 1) % widths.length]!,
});

const names = ["z", "sp", "c"] as const;

/**
 * The status flags between blocks: three words, or the number of an operation and its values, from which the words are
 * computed only where the function is left or somebody asks for them. The number is 0 where the words are good.
 */
export class FlagLocals {
  readonly #m: WasmArithmetic;
  readonly #locals: Readonly<Record<(typeof names)[number], number>>;
  readonly #form: number;
  /** Variables for values, by place and type. */
  readonly #slots = new Map<string, Place>();
  /** Operations whose values are handed on anywhere. */
  readonly #used = new Set<FlagForm>();
  readonly #settled: FlagWords;
  readonly #unknown: FlagWords;
  #entry: FlagWords;
  /** The words as they are now; computed when needed. */
  words: FlagWords;
  /** Flags were read that are in no known form. */
  unknownRead = false;

  constructor(m: WasmArithmetic) {
    this.#m = m;
    const { code } = m;
    this.#locals = { z: code.local("i32"), sp: code.local("i32"), c: code.local("i32") };
    this.#form = code.local("i32");
    const { z, sp, c } = this.#locals;
    const word = (local: number) => (): Place => ({ width: 32, local });
    this.#settled = { z: word(z), sp: word(sp), c: word(c) };
    // No constant: what is folded would hide the jumps that depend on it.
    const unknown = (local: number) => (): Value => {
      this.unknownRead = true;
      return word(local)();
    };
    this.#unknown = { z: unknown(z), sp: unknown(sp), c: unknown(c) };
    this.#entry = this.#settled;
    this.words = this.#settled;
  }

  get isSettled(): boolean {
    return this.words === this.#settled;
  }

  /** A block begins that finds the flags in this form. */
  begin(form: FlagForm): void {
    this.#entry = form === settledForm ? this.#settled : form === anyForm ? this.#unknown : this.#over(form);
    this.words = this.#entry;
  }

  /** The form in which `handOn` leaves the flags; undefined if that in which the block found them. */
  get form(): FlagForm | undefined {
    if (this.words === this.#entry) return undefined;
    return this.words.pending ? formOf(this.words.pending) : settledForm;
  }

  #over(form: FlagForm): FlagWords {
    this.#used.add(form);
    const { kind, width } = operationOf(form);
    return wordsOf(
      this.#m,
      kind,
      pendingWidths(kind, width).map((of, n) => this.#slot(n, of)),
    );
  }

  #slot(place: number, width: Width | 1): Place {
    const type = width === 64 ? "i64" : "i32";
    const key = `${place} ${type}`;
    const known = this.#slots.get(key) ?? ({ width, local: this.#m.code.local(type) } as Place);
    this.#slots.set(key, known);
    return { ...known, width };
  }

  /** Text that computes the words and keeps them. */
  #store(words: FlagWords): void {
    const changed = names.filter((name) => words[name] !== this.#settled[name]);
    for (const name of changed) this.#m.put(words[name]());
    for (const name of changed.reverse()) this.#m.code.set(this.#locals[name]);
  }

  /** Computes the words now. */
  settle(): void {
    if (this.isSettled) return;
    this.#store(this.words);
    this.words = this.#settled;
  }

  /** Leaves the flags to whoever comes next, in the form that takes least, or as words. What is known of them here does not change. */
  handOn(settled = false): void {
    if (this.words === this.#entry && (!settled || this.isSettled)) return;
    const { code } = this.#m;
    const { pending } = this.words;
    const form = pending && !settled ? formOf(pending) : settledForm;
    code.briefly(() => (form === settledForm ? this.#store(this.words) : this.#keep(pending!, form)));
    code.i32(form);
    code.set(this.#form);
  }

  #keep({ values }: Pending, form: FlagForm): void {
    this.#used.add(form);
    const kept = values().map((value, n) => ({ value, slot: this.#slot(n, value.width) }));
    for (const { value } of kept) this.#m.put(value);
    for (const { slot } of kept.reverse()) this.#m.code.set((slot as Place & { local: number }).local);
  }

  /** Computes the words, whatever form the flags are in. To be written after all that hands flags on. */
  resolve(): void {
    const { code } = this.#m;
    for (const form of this.#used) {
      code.get(this.#form);
      code.i32(form);
      code.op("i32.eq");
      code.if();
      code.briefly(() => this.#store(this.#over(form)));
      code.op("end");
    }
  }

  /** The words come from the state block. */
  load(): void {
    const { code } = this.#m;
    for (const [name, offset] of this.#places()) {
      code.i32(cpuBase);
      code.memory("i32.load", offset);
      code.set(this.#locals[name]);
    }
    code.i32(settledForm);
    code.set(this.#form);
  }

  save(): void {
    const { code } = this.#m;
    for (const [name, offset] of this.#places()) {
      code.i32(cpuBase);
      code.get(this.#locals[name]);
      code.memory("i32.store", offset);
    }
  }

  #places(): readonly (readonly [name: (typeof names)[number], offset: number])[] {
    return [
      ["z", layout.flagZ],
      ["sp", layout.flagSP],
      ["c", layout.flagC],
    ];
  }
}
