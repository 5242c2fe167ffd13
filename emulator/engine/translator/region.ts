import { tlbBank, tlbBase, tlbEntries, tlbEntryBytes } from "../../cpu/layout.ts";
import type { CodePage } from "../code-cache.ts";
import type { CodeExtent } from "../code-extent.ts";
import { pageBytes } from "../page.ts";
import type { KeyedContext } from "./context.ts";
import type { Context, HostFunction } from "./frame.ts";
import { type PageIndex, type Parts, pageIndices } from "./place.ts";
import type { Plan } from "./plan.ts";
import { type Mapping, type RegionText, RegionWriter, takesWords } from "./region-writer.ts";

type Run = (block: number, fuel: number) => number;
/** What translated code calls, as `hostFunctions`. */
export type HostFunctions = Readonly<Record<HostFunction, (...args: [number, number, number, number]) => number>>;

/** Translated code of several blocks of a page and its neighbours. */
export class Region {
  readonly context: KeyedContext;
  /** Offset in CS of its first page: pages may be mapped elsewhere too, where their code has other addresses. */
  readonly start: number;
  /** The breakpoints that it was made for: it leaves before each. */
  readonly breakpoints: string;
  readonly plan: Plan;
  /** The pages that it has code of. */
  readonly parts: Parts;
  /**
   * Enters a block with fuel for that many instructions; gives twice what is left, plus 1 if it left by a jump to other code, or
   * `leftByHost`. RIP is then where it left.
   */
  readonly run: Run;
  /** False once its code has been overwritten. */
  valid = true;
  readonly #indices: ReadonlyMap<number, number>;
  readonly #covered = new Uint8Array(pageIndices.length * pageBytes);

  constructor({ context, code, breakpoints, plan, parts, forms }: RegionSource, run: Run) {
    this.context = context;
    this.start = code.start;
    this.breakpoints = breakpoints;
    this.plan = plan;
    this.parts = parts;
    this.run = run;
    const indices = plan.blocks.map(({ offset }, index) => [offset, index] as const);
    this.#indices = new Map(indices.filter(([, index]) => takesWords(forms.blocks[index])));
    for (const { offset, bytes } of plan.blocks) this.#covered.fill(1, pageBytes + offset, pageBytes + offset + bytes);
  }

  /** Number of the block at an offset from `start`, if it can be entered there. */
  blockAt(offset: number): number | undefined {
    return this.#indices.get(offset);
  }

  /** Whether code that was translated begins at an offset from `start`, and not code that the host executes. */
  isTranslatedAt(offset: number): boolean {
    const index = this.#indices.get(offset);
    return index !== undefined && !this.plan.blocks[index]!.byHost;
  }

  /** Whether it has code of a page where that begins at this offset in CS. */
  hasPage(page: CodePage, rip: number): boolean {
    return this.parts[((rip - this.start) / pageBytes) as PageIndex]?.page === page;
  }

  /** Whether it was made from any of these bytes of a page. */
  covers(page: CodePage, offset: number, bytes: number): boolean {
    return pageIndices.some((index) => {
      const from = (index + 1) * pageBytes + offset;
      return this.parts[index]?.page === page && this.#covered.subarray(from, from + bytes).includes(1);
    });
  }

  /** It is not to be used any more. */
  drop(): void {
    this.valid = false;
    for (const index of pageIndices) this.parts[index]?.page.regions.delete(this);
  }
}

/** What the TLB says while execution finds a page of RAM (an offset in the memory) at a linear address. */
export function mappingOf(context: Context, linear: number, memory: number): Mapping {
  const number = Math.floor(linear / pageBytes);
  const bank = context.user ? tlbBank.userExecute : tlbBank.supervisorExecute;
  const slot = number - Math.floor(number / tlbEntries) * tlbEntries;
  return {
    entry: tlbBase + (bank * tlbEntries + slot) * tlbEntryBytes,
    tag: BigInt(number),
    addend: (memory - (linear % 2 ** 32)) | 0,
  };
}

export interface RegionSource extends RegionText {
  readonly parts: Parts;
  readonly context: KeyedContext;
  readonly breakpoints: string;
  readonly memory: WebAssembly.Memory;
  readonly extent: CodeExtent;
  readonly host: HostFunctions;
}

export function makeRegion(source: RegionSource): Region {
  const { memory, extent, host } = source;
  const module = new WebAssembly.Module(new RegionWriter(source).write());
  const instance = new WebAssembly.Instance(module, {
    machine: { memory, start: extent.start, end: extent.end, lines: extent.lines, ...host },
  });
  return new Region(source, instance.exports["run"] as Run);
}
