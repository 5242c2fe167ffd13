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
  size: PageSizeCode = 0;
  global = false;
  /** Bits that the entries of all levels have. */
  #all = 0;

  constructor(state: State, physical: PhysicalMemory, nested: NestedTranslations) {
    this.#state = state;
    this.#physical = physical;
    this.#nested = nested;
  }

  /** Physical address for an access: 0 a read, 1 a write, 2 a fetch; -1 where the full walk must find it. */
  find(linear: number, access: number, user: boolean): number {
    const state = this.#state;
    const { cr0, cr4 } = state;
    if ((cr0 & CR0.PG) === 0 || !this.#nested.isIdentity || (cr4 & (CR4.SMEP | CR4.SMAP | CR4.LA57)) !== 0) return -1;
    this.size = 0;
    this.#all = -1;
    const leaf = (cr4 & CR4.PAE) === 0 ? this.#leaf32(linear) : state.longMode ? this.#leaf64(linear) : -1;
    if (leaf < 0) return -1;
    const low = this.#physical.view.getInt32(leaf, true);
    if ((low & P) === 0) return -1;
    const needed = A | (user ? US : 0) | (access === 1 && (user || (cr0 & CR0.WP) !== 0) ? RW : 0);
    if ((this.#all & low & needed) !== needed || (access === 1 && (low & D) === 0)) return -1;
    this.global = (low & G) !== 0 && (cr4 & CR4.PGE) !== 0;
    if ((cr4 & CR4.PAE) === 0) return ((low & 0xffff_f000) >>> 0) + (linear & 0xfff);
    const high = this.#physical.view.getInt32(leaf + 4, true);
    if ((high & ~frameHigh) !== 0) return -1;
    if (this.size === 0) return high * 2 ** 32 + ((low & 0xffff_f000) >>> 0) + (linear & 0xfff);
    if ((low & largeReserved) !== 0) return -1;
    return high * 2 ** 32 + ((low & 0xffe0_0000) >>> 0) + (linear & 0x1f_ffff);
  }

  /** Where an entry is in `view`; -1 if it is not in RAM, or watched. */
  #entry(table: number, index: number, bytes: number): number {
    const { ramBytes, guards, ramBase } = this.#physical;
    if (table >= ramBytes || (guards[table >>> 12]! & guard.watchAll) !== 0) return -1;
    return ramBase + table + index * bytes;
  }

  #leaf32(linear: number): number {
    const { view } = this.#physical;
    const at = this.#entry((this.#state.r32[cr3Word]! & 0xffff_f000) >>> 0, linear >>> 22, 4);
    if (at < 0) return -1;
    const low = view.getInt32(at, true);
    if ((low & (P | PS)) !== P) return -1;
    this.#all &= low;
    return this.#entry((low & 0xffff_f000) >>> 0, (linear >>> 12) & 0x3ff, 4);
  }

  #leaf64(linear: number): number {
    const { view } = this.#physical;
    const high = Math.floor(linear / 2 ** 32);
    const root = this.#state.r32[cr3Word + 1]! & frameHigh;
    let table = root * 2 ** 32 + ((this.#state.r32[cr3Word]! & 0xffff_f000) >>> 0);
    for (let level = 4; level > 1; level--) {
      const index =
        level === 4
          ? (high >> 7) & 0x1ff
          : level === 3
            ? ((high << 2) | (linear >>> 30)) & 0x1ff
            : (linear >>> 21) & 0x1ff;
      const at = this.#entry(table, index, 8);
      if (at < 0) return -1;
      const low = view.getInt32(at, true);
      const upper = view.getInt32(at + 4, true);
      if ((low & P) === 0 || (upper & ~frameHigh) !== 0) return -1;
      if ((low & PS) !== 0) {
        this.size = 1;
        return level === 2 ? at : -1;
      }
      this.#all &= low;
      table = upper * 2 ** 32 + ((low & 0xffff_f000) >>> 0);
    }
    return this.#entry(table, (linear >>> 12) & 0x1ff, 8);
  }
}
