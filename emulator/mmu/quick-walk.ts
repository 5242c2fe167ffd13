import { layout } from "../cpu/layout.ts";
import { CR0, CR4, type State } from "../cpu/state.ts";
import { A, D, G, P, PS, RW, US } from "./entry-bits.ts";
import type { NestedTranslations } from "./nested-translations.ts";
import { guard, type PhysicalMemory } from "./physical.ts";
import type { PageSizeCode } from "./tlb.ts";

const cr3Word = layout.cr3 >> 2;

/** Bits of the high half of an entry that may be set: of the frame. NX and anything reserved is for the full walk. */
const frameHigh = 0xff;
/** Bits 20:13 of an entry that maps 2 MiB must be 0. */
const largeReserved = 0x001f_e000;

/**
 * The walk of most TLB misses: all entries present, accessed (dirty) already and in RAM, nothing reserved, no permission in
 * doubt. It changes nothing, and gives up where any of that does not hold; `PageWalker` has the last word. What it finds is left in
 * its fields, as walks are many.
 */
export class QuickWalk {
  readonly #state: State;
  readonly #physical: PhysicalMemory;
  readonly #nested: NestedTranslations;
  readonly #words: Int32Array;
  size: PageSizeCode = 0;
  global = false;
  /** Entries it read. */
  references = 0;
  /** Bits that the entries of all levels have. */
  #all = 0;

  constructor(state: State, physical: PhysicalMemory, nested: NestedTranslations) {
    this.#state = state;
    this.#physical = physical;
    this.#nested = nested;
    this.#words = new Int32Array(physical.view.buffer);
  }

  /**
   * Physical address of a linear one, given by its halves, for an access: 0 a read, 1 a write, 2 a fetch; -1 where the full walk
   * must find it.
   */
  find(linear: number, high: number, access: number, user: boolean): number {
    const state = this.#state;
    const { cr0, cr4 } = state;
    if ((cr0 & CR0.PG) === 0 || !this.#nested.isIdentity || (cr4 & (CR4.SMEP | CR4.SMAP | CR4.LA57)) !== 0) return -1;
    this.size = 0;
    this.#all = -1;
    const leaf = (cr4 & CR4.PAE) === 0 ? this.#leaf32(linear) : state.longMode ? this.#leaf64(linear, high) : -1;
    if (leaf < 0) return -1;
    const words = this.#words;
    const low = words[leaf]!;
    if ((low & P) === 0) return -1;
    const needed = A | (user ? US : 0) | (access === 1 && (user || (cr0 & CR0.WP) !== 0) ? RW : 0);
    if ((this.#all & low & needed) !== needed || (access === 1 && (low & D) === 0)) return -1;
    this.global = (low & G) !== 0 && (cr4 & CR4.PGE) !== 0;
    this.references = (cr4 & CR4.PAE) === 0 ? 2 : 4 - this.size;
    if ((cr4 & CR4.PAE) === 0) return ((low & 0xffff_f000) >>> 0) + (linear & 0xfff);
    const upper = words[leaf + 1]!;
    if ((upper & ~frameHigh) !== 0) return -1;
    if (this.size === 0) return upper * 2 ** 32 + ((low & 0xffff_f000) >>> 0) + (linear & 0xfff);
    if ((low & largeReserved) !== 0) return -1;
    return upper * 2 ** 32 + ((low & 0xffe0_0000) >>> 0) + (linear & 0x1f_ffff);
  }

  /** Index in `#words` of a table whose address is in the low half of an entry; -1 if it is not in RAM, or watched. */
  #table(entry: number): number {
    const { ramBytes, guards, ramBase } = this.#physical;
    const table = (entry & 0xffff_f000) >>> 0;
    if (table >= ramBytes || (guards[table >>> 12]! & guard.watchAll) !== 0) return -1;
    return (ramBase + table) >>> 2;
  }

  #leaf32(linear: number): number {
    const directory = this.#table(this.#state.r32[cr3Word]!);
    if (directory < 0) return -1;
    const low = this.#words[directory + (linear >>> 22)]!;
    if ((low & (P | PS)) !== P) return -1;
    this.#all &= low;
    const table = this.#table(low);
    return table < 0 ? -1 : table + ((linear >>> 12) & 0x3ff);
  }

  #leaf64(linear: number, high: number): number {
    const words = this.#words;
    let low = this.#state.r32[cr3Word]!;
    // All tables are in RAM, which is below 4 GiB.
    if (this.#state.r32[cr3Word + 1] !== 0) return -1;
    for (let level = 4; ; level--) {
      const table = this.#table(low);
      if (table < 0) return -1;
      if (level === 1) return table + 2 * ((linear >>> 12) & 0x1ff);
      const index = level === 4 ? high >> 7 : level === 3 ? (high << 2) | (linear >>> 30) : linear >>> 21;
      const at = table + 2 * (index & 0x1ff);
      low = words[at]!;
      if ((low & P) === 0) return -1;
      if ((low & PS) !== 0) {
        this.size = 1;
        return level === 2 ? at : -1;
      }
      if (words[at + 1] !== 0) return -1;
      this.#all &= low;
    }
  }
}
