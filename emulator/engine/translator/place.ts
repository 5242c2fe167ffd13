import type { Cpu } from "../../cpu/cpu.ts";
import { tlbBank } from "../../cpu/layout.ts";
import type { Breakpoints, PageBreakpoints } from "../breakpoints.ts";
import type { CodeCache, CodePage, Instructions, ModeCode } from "../code-cache.ts";
import { pageBytes } from "../page.ts";
import type { KeyedContext } from "./context.ts";

/** A page of code where it is executed. */
export interface CodePlace {
  readonly page: CodePage;
  readonly code: ModeCode;
  /** Those of `code`. */
  readonly instructions: Instructions;
  /** Host-physical address of the page. */
  readonly host: number;
  /** Offset in CS at which the page begins; negative where the page begins before the segment. */
  readonly rip: number;
  /** Its low 32 bits, signed. */
  readonly start: number;
  /** High 32 bits of RIP. */
  readonly high: number;
  /** Where instructions must end, from the start of the page. */
  readonly end: number;
  readonly breakpoints: PageBreakpoints | undefined;
}

/** Where execution is, as far as the translator has to know. */
export interface Place extends CodePlace {
  /** Computed when first asked for. */
  context: KeyedContext | undefined;
}

/** Pages of a region, counted from the one in which it was begun. */
export type PageIndex = -1 | 0 | 1;
export const pageIndices: readonly PageIndex[] = [-1, 0, 1];

/** The page of an offset from the start of that one. */
export const pageOf = (offset: number): number => offset >> 12;

export type Parts = Partial<Record<PageIndex, CodePlace>>;

/** Linear address of a page of code. */
export const linearOf = ({ rip }: CodePlace, { bits, codeBase }: KeyedContext): number =>
  bits === 64 ? codeBase + rip : (codeBase + rip) >>> 0;

/** The page before or behind a place, if the TLB has it for execution and code of it is known. */
export function neighbour(
  cpu: Cpu,
  cache: CodeCache,
  breakpoints: Breakpoints | undefined,
  place: Place,
  context: KeyedContext,
  index: -1 | 1,
): CodePlace | undefined {
  const distance = index * pageBytes;
  const rip = place.rip + distance;
  const wide = context.bits === 64;
  if (index === 1 && place.end < pageBytes) return undefined;
  if (Math.floor(rip / 2 ** 32) !== place.high || (!wide && rip < 0)) return undefined;
  const end = Math.min(pageBytes, context.codeLimit + 1 - rip);
  const linear = context.codeBase + rip;
  if (end <= 0 || (!wide && linear + pageBytes > 2 ** 32)) return undefined;
  const physical = cpu.tlb.lookup(context.user ? tlbBank.userExecute : tlbBank.supervisorExecute, linear);
  if (physical < 0 || !cpu.physical.isRam(physical)) return undefined;
  const page = cache.known(physical);
  const code = page?.modes[place.page.modes.indexOf(place.code)];
  if (!page || !code) return undefined;
  return {
    page,
    code,
    instructions: code.instructions,
    host: physical,
    rip,
    start: (place.start + distance) | 0,
    high: place.high,
    end,
    breakpoints: breakpoints?.inPage(linear),
  };
}
