import { jumpBytes, jumpCode } from "./code.ts";
import { type Finder, finderCode, jumpTarget } from "./finder.ts";
import { cacheLinear, slot } from "./places.ts";
import type { Site, Unit } from "./unit.ts";

/** Buckets, by the low bits of the guest address. */
const buckets = 256;

/** Where the table and its code are. */
export interface LookupStore {
  /** 32-bit words of the VMM's data. */
  data(offset: number): number;
  setData(offset: number, value: number): void;
  /** Takes so many bytes of the cache; gives their linear address. */
  take(bytes: number): number;
  write(linear: number, bytes: readonly number[]): void;
  /** An instruction that belongs to no unit. */
  noteSite(site: Site): void;
  unit(id: number): Unit;
}

export interface SavedLookups {
  readonly finders: readonly Finder[];
  readonly context: number;
}

/**
 * The table by which indirect jumps and returns find units from guest addresses without the VMM: each bucket leads to a chain of code
 * that compares the address and jumps to the unit, or to the next. Its addresses are of one context at a time.
 */
export class LookupTable {
  readonly #store: LookupStore;
  #finders: Finder[] = [];
  #context = 0;

  constructor(store: LookupStore) {
    this.#store = store;
  }

  /** A unit can be found from now on. */
  add(unit: Unit): void {
    const store = this.#store;
    const cell = slot.lookup + 4 * (unit.rip & (buckets - 1));
    const next = store.data(cell);
    const length = finderCode(unit, next).reduce((sum, { bytes }) => sum + bytes.length, 0);
    const finder = { unit: unit.id, at: store.take(length), next };
    for (const { at, bytes } of this.#note(finder)) {
      const isJump = bytes.length === jumpBytes && bytes[0] === 0xe9;
      store.write(at, isJump ? jumpCode(at, jumpTarget(bytes)) : bytes);
    }
    this.#finders.push(finder);
    store.setData(cell, finder.at);
  }

  /** Notes the sites of a finder; gives its instructions. */
  #note({ unit, at: start, next }: Finder): { readonly at: number; readonly bytes: readonly number[] }[] {
    let at = start;
    return finderCode(this.#store.unit(unit), next).map(({ bytes, saved }) => {
      const state = saved ? { saved: ["ecx"] as const } : {};
      const code = { at, bytes };
      this.#store.noteSite({ rip: "target", ...state, at, starts: false, retires: false, shadowed: false });
      at += bytes.length;
      return code;
    });
  }

  has({ id }: Unit): boolean {
    return this.#finders.some(({ unit }) => unit === id);
  }

  /** A unit is not found any more: its code in the chain leads on to the next. */
  remove({ id }: Unit): void {
    for (const { unit, at, next } of this.#finders) if (unit === id) this.#store.write(at, jumpCode(at, next));
    this.#finders = this.#finders.filter(({ unit }) => unit !== id);
  }

  /** Nothing is found any more: every bucket leads to the start of the cache, where the VMM is asked. */
  clear(): void {
    this.#finders = [];
    for (let n = 0; n < buckets; n++) this.#store.setData(slot.lookup + 4 * n, cacheLinear);
  }

  useContext(context: number): void {
    if (context === this.#context) return;
    this.#context = context;
    this.clear();
  }

  save(): SavedLookups {
    return { finders: [...this.#finders], context: this.#context };
  }

  /** After memory and units have been restored. */
  restore({ finders, context }: SavedLookups): void {
    this.#context = context;
    this.#finders = [...finders];
    for (const finder of finders) this.#note(finder);
  }
}
