/** One processor's own state, put aside while another one is in the emulated core. */

import { inOrder, type PackedTlb, packedEntries } from "../mmu/packed-tlb.ts";
import type { Cpu } from "./cpu.ts";
import { layout } from "./layout.ts";

/** A context as snapshots keep it: never changed once made. */
export interface SavedContext {
  readonly block: Uint8Array;
  readonly tlb: Int32Array;
}

/** Counters of the whole machine, which stay where they are. */
const shared = [
  ...[layout.steps, layout.unretired, layout.extraCycles, layout.emulated],
  ...[layout.countsInstructions, layout.walkReferences],
] as const;
const sharedPlaces = shared.map((offset) => offset >> 3).sort((a, b) => a - b);
/** The ranges of the state block between them, in words of 64 bits. */
const ownRanges = (() => {
  const starts = [0, ...sharedPlaces.map((place) => place + 1)];
  const ends = [...sharedPlaces, layout.end >> 3];
  return starts.map((start, n) => ({ start, end: ends[n]! })).filter(({ start, end }) => start < end);
})();

/** A processor that is not in the core: its state block and its TLB. */
export class ProcessorContext {
  readonly #block = new Float64Array(layout.end >> 3);
  readonly #views = ownRanges.map(({ start, end }) => ({ start, words: this.#block.subarray(start, end) }));
  #tlb: PackedTlb = { words: new Int32Array(0), length: 0 };
  /** The same, until it changes. */
  #saved: SavedContext | undefined;

  /** The state block, by bytes. */
  get block(): Uint8Array {
    return new Uint8Array(this.#block.buffer);
  }

  /** A field of the state block: float64, or 4 bytes. */
  float64(offset: number): number {
    return this.#block[offset >> 3]!;
  }
  int32(offset: number): number {
    return new Int32Array(this.#block.buffer)[offset >> 2]!;
  }

  /** Puts the processor in the core aside. */
  putAside(cpu: Cpu): void {
    this.#block.set(cpu.f64.subarray(0, layout.end >> 3));
    for (const place of sharedPlaces) this.#block[place] = 0;
    this.#tlb = cpu.tlb.pack(this.#tlb);
    this.#saved = undefined;
  }

  /** Makes the core this processor. */
  takeUp(cpu: Cpu): void {
    for (const { start, words } of this.#views) cpu.f64.set(words, start);
    cpu.next = cpu.rip;
    cpu.vectoring = undefined;
    cpu.nested.use(cpu.monitor?.translations);
    cpu.tlb.unpack(this.#tlb, cpu.pcid, cpu.vpid);
    cpu.vmx?.review();
    cpu.refresh();
  }

  /** Forgets the translations it has cached, and gives their number. */
  flushTlb(): number {
    const entries = packedEntries(this.#tlb);
    this.#tlb = { words: this.#tlb.words, length: 0 };
    this.#saved = undefined;
    return entries;
  }

  save(): SavedContext {
    this.#saved ??= { block: this.block.slice(), tlb: inOrder(this.#tlb) };
    return this.#saved;
  }

  restore(saved: SavedContext): void {
    this.block.set(saved.block);
    this.#tlb = { words: saved.tlb.slice(), length: saved.tlb.length };
    this.#saved = saved;
  }
}

/** What INIT leaves alone (SDM Vol. 3, table 10-1), and what is no register. */
const untouchedByInit = [
  ...shared,
  ...[layout.apicId, layout.star, layout.lstar, layout.cstar, layout.fmask, layout.kernelGsBase],
  ...[layout.sysenterCs, layout.sysenterEsp, layout.sysenterEip, layout.pat, layout.tscOffset, layout.tscAux],
  ...[layout.tscAdjust, layout.miscEnable, layout.mtrrDefault, layout.apicBase, layout.featureControl],
  // Eight pairs of variable ranges, and eleven fixed ones.
  ...Array.from({ length: 16 + 11 }, (_, n) => layout.mtrrVariable + 8 * n),
] as const;

/** Activity state of a processor that waits for a start-up message (the numbers of the VMCS). */
export const waitForSipi = 3;

/** INIT: as after RESET, but for what the manual exempts; then the processor waits for a start-up message. */
export function init(cpu: Cpu): void {
  const floatingPoint = cpu.r8.slice(layout.x87Registers);
  keeping(cpu, untouchedByInit, () => cpu.reset());
  cpu.r8.set(floatingPoint, layout.x87Registers);
  cpu.activity = waitForSipi;
  cpu.attention = true;
}

/** SIPI: the processor begins in real mode at `vector` << 12. Only one that waits for it listens. */
export function startUp(cpu: Cpu, vector: number): void {
  if (cpu.activity !== waitForSipi) return;
  cpu.activity = 0;
  cpu.setSegment(1, { selector: vector << 8, base: vector << 12, limit: 0xffff, access: cpu.access(1) });
  cpu.rip = 0;
  cpu.next = 0;
  cpu.refresh();
}

/** Saves 8-byte fields of the state block over what changes it. */
function keeping(cpu: Cpu, fields: readonly number[], change: () => void): void {
  const kept = fields.map((field) => cpu.r64[field >> 3]!);
  change();
  for (const [n, field] of fields.entries()) cpu.r64[field >> 3] = kept[n]!;
}
