import type { Cpu } from "../../cpu/cpu.ts";
import { layout } from "../../cpu/layout.ts";
import type { Access, NestedAccess } from "../../cpu/monitor.ts";
import { CR0, CR4, EFER } from "../../cpu/state.ts";
import type { WalkOutcome } from "../../cpu/walk-outcome.ts";
import type { Allocator } from "../allocator.ts";
import { pagingBits } from "../cpu/paging-changes.ts";
import { type ShadowContext, ShadowFaults } from "./shadow-faults.ts";
import { type SavedShadow, ShadowPaging, type ShadowRoot } from "./shadow-paging.ts";
import type { ShadowPool } from "./shadow-pool.ts";
import { walkShadowed } from "./shadow-walk.ts";

/** Places in the state block, in words of 32 bits, of what decides how linear addresses are translated. */
const places = [
  layout.cr0,
  layout.cr3,
  layout.cr3 + 4,
  layout.cr4,
  layout.efer,
  ...Array.from({ length: 8 }, (_, n) => layout.pdptes + 4 * n),
].map((offset) => offset >> 2);
const [cr0Word, cr3Word, cr4Word, eferWord, pdpteWords] = [0, 1, 3, 4, 5];

/** Bits of a control register that the VMM owns, and those of them that are 1 in the real one. */
export interface OwnedBits {
  readonly mask: number;
  readonly must: number;
}

/** CR0 bits on which shadow paging depends; a VMM without nested paging owns at least these. */
export const shadowedCr0 = CR0.PE | CR0.PG | CR0.WP | CR0.CD | CR0.NW;
export const shadowedCr4 = CR4.PAE | CR4.PSE | CR4.PGE | CR4.PCIDE | CR4.LA57 | CR4.SMEP | CR4.SMAP;

export interface SavedGuest {
  readonly inside: boolean;
  readonly own: readonly number[];
  readonly real: readonly number[];
  readonly touched: boolean;
  readonly shadow: SavedShadow;
}

/**
 * A guest on virtualization hardware without nested paging. While it runs, the processor's CR0, CR3, CR4, EFER and PDPTEs are the
 * VMM's, and translate by shadow tables; what the guest believes to have in them is kept here, and is in the processor while
 * the VMM works for the guest (`inside`), so that the one semantics of each instruction emulates it.
 */
export class ShadowedGuest {
  readonly paging: ShadowPaging;
  readonly faults: ShadowFaults;
  readonly #cpu: Cpu;
  readonly #allocator: Allocator;
  readonly #cr0: OwnedBits;
  readonly #cr4: OwnedBits;
  /** The guest's own, as they were when the VMM last resumed it. */
  readonly #own = new Uint32Array(places.length);
  /** What the processor was given then. */
  readonly #real = new Uint32Array(places.length);
  #inside = true;
  /** The TLB may hold translations that do not come from the shadow. */
  #touched = true;
  #rootLoaded = false;

  /** The processor holds the guest's start state: the VMM is inside. */
  constructor(
    context: ShadowContext,
    pool: ShadowPool,
    allocator: Allocator,
    owned: { readonly cr0: OwnedBits; readonly cr4: OwnedBits },
  ) {
    this.#cpu = context.cpu;
    this.#allocator = allocator;
    this.#cr0 = owned.cr0;
    this.#cr4 = owned.cr4;
    this.paging = new ShadowPaging({ cpu: context.cpu, pool });
    this.faults = new ShadowFaults(context, this.paging);
    this.#read(this.#own);
  }

  #read(words: Uint32Array): void {
    const { u32 } = this.#cpu;
    for (let n = 0; n < places.length; n++) words[n] = u32[places[n]!]!;
  }

  #write(words: Uint32Array): void {
    const { u32 } = this.#cpu;
    for (let n = 0; n < places.length; n++) u32[places[n]!] = words[n]!;
  }

  /** The guest's own registers are in the processor. */
  get inside(): boolean {
    return this.#inside;
  }

  /** Puts the guest's own registers into the processor. Bits that the VMM does not own are the guest's all the time. */
  enter(): void {
    if (this.#inside) return;
    this.#load();
    this.#inside = true;
    this.#rootLoaded = false;
  }

  #load(): void {
    const { cr0, cr4 } = this.#cpu;
    this.#own[cr0Word] = (cr0 & ~this.#cr0.mask) | (this.#own[cr0Word]! & this.#cr0.mask);
    this.#own[cr4Word] = (cr4 & ~this.#cr4.mask) | (this.#own[cr4Word]! & this.#cr4.mask);
    this.#write(this.#own);
  }

  /**
   * Puts the VMM's registers into the processor: shadows are brought up to date, and the root is the one for the guest's present
   * paging. The guest's own are what the processor held.
   */
  leave(): void {
    if (!this.#inside) return;
    const before = this.#own.slice();
    this.#read(this.#own);
    const changed = this.#own.some((word, n) => word !== before[n]);
    if (changed) this.#noteChanges(before);
    const settled = this.paging.coherence.settle();
    const stale = this.paging.takeStale();
    if (changed || stale || settled > 0 || this.#real[cr3Word] === 0) this.#makeReal(this.paging.load());
    this.#shareBits();
    this.#write(this.#real);
    this.#inside = false;
    if (changed || stale || this.#touched || this.paging.takeStale()) this.#cpu.flushTlb(true);
    this.#touched = false;
  }

  /** Whether the shadow is not any more what the guest was resumed with: another virtual CPU has seen to that. */
  get isOutdated(): boolean {
    return this.paging.isOutdated || this.paging.presentRoot === undefined;
  }

  #noteChanges(before: Uint32Array): void {
    const bits = (word: number, mask: number): boolean => ((before[word]! ^ this.#own[word]!) & mask) !== 0;
    // Firmware, which is called without paging, writes to memory unseen.
    if (bits(cr0Word, CR0.PG) && (this.#own[cr0Word]! & CR0.PG) === 0) this.paging.drop();
    if (bits(cr0Word, pagingBits.cr0) || bits(cr4Word, pagingBits.cr4) || bits(eferWord, pagingBits.efer))
      this.faults.flushed("the guest changed its paging mode");
    else if (!this.#rootLoaded && bits(cr3Word, -1)) this.faults.loadedRoot("a task switch loaded CR3");
  }

  #makeReal({ cr3, pdptes, mode }: ShadowRoot): void {
    const real = this.#real;
    const efer = this.#own[eferWord]!;
    const wide = mode !== "two-level";
    real[cr3Word] = cr3;
    real[cr4Word] = wide ? CR4.PAE : 0;
    const longMode = (efer & EFER.LMA) !== 0 ? EFER.LME | EFER.LMA : 0;
    // With XD to be had, a #PF tells fetches from reads.
    real[eferWord] = (efer & ~(EFER.LME | EFER.LMA)) | longMode | (wide ? EFER.NXE : 0);
    for (const [n, pointer] of pdptes.entries()) real[pdpteWords + 2 * n] = pointer;
  }

  /** Bits of CR0 and CR4 that are in the real registers as the guest has them. */
  #shareBits(): void {
    const real = this.#real;
    const cr0 = ~this.#cr0.mask | CR0.CD | CR0.NW;
    // SMEP and SMAP act on the shadow as on the guest's own tables, where it has any.
    const paging = (this.#own[cr0Word]! & CR0.PG) !== 0;
    const cr4 = ~this.#cr4.mask | (paging ? CR4.SMEP | CR4.SMAP : 0);
    real[cr0Word] = (this.#own[cr0Word]! & cr0) | this.#cr0.must;
    real[cr4Word] = (this.#own[cr4Word]! & cr4) | this.#cr4.must | (real[cr4Word]! & CR4.PAE);
  }

  /** The guest has loaded CR3. */
  loadedRoot(): void {
    this.faults.loadedRoot();
    this.#rootLoaded = true;
  }

  /** Lets `look` find the guest's own registers in the processor. It must change nothing. */
  with<T>(look: () => T): T {
    if (this.#inside) return look();
    const real = new Uint32Array(places.length);
    this.#read(real);
    this.#load();
    this.#inside = true;
    try {
      return look();
    } finally {
      this.#inside = false;
      this.#write(real);
    }
  }

  /** The guest's own CR0, CR3, CR4 and EFER, low halves. */
  get own(): { readonly cr0: number; readonly cr4: number; readonly efer: number } {
    return { cr0: this.#own[cr0Word]!, cr4: this.#own[cr4Word]!, efer: this.#own[eferWord]! };
  }

  /** The shadow tables hold host-physical addresses; the guest's own tables, which the VMM reads for it, guest-physical ones. */
  translate(physical: number, access: Access, { forTable, probe }: NestedAccess): number {
    if (!this.#inside) return physical;
    if (!probe) {
      this.#touched = true;
      if (access === "write" && !forTable) this.paging.written(physical);
    }
    return this.#allocator.reachOf(physical);
  }

  /** A device or a debugger wrote guest memory. */
  memoryWritten(physical: number): void {
    this.paging.written(physical);
    if (this.#inside) return;
    this.paging.coherence.settle();
    if (this.paging.takeStale()) this.#cpu.flushTlb(true);
  }

  walk(linear: number): WalkOutcome {
    const { paging, inside } = this;
    return walkShadowed(this.#cpu, paging, { inside, withGuestPaging: (look) => this.with(look) }, linear);
  }

  guestPhysical(linear: number): number | undefined {
    return this.with(() => this.#cpu.walker.physicalOf(linear));
  }

  save(): SavedGuest {
    return {
      inside: this.#inside,
      own: [...this.#own],
      real: [...this.#real],
      touched: this.#touched,
      shadow: this.paging.save(),
    };
  }

  restore({ inside, own, real, touched, shadow }: SavedGuest): void {
    this.#inside = inside;
    this.#own.set(own);
    this.#real.set(real);
    this.#touched = touched;
    this.paging.restore(shadow);
  }
}
