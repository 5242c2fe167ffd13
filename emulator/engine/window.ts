import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { CS } from "../cpu/state.ts";
import type { Breakpoints } from "./breakpoints.ts";
import { type CodePage, modeIndex } from "./code-cache.ts";
import { pageBytes } from "./page.ts";
import type { Place } from "./translator/place.ts";

const ripLow = layout.rip >> 2;
const ripHigh = ripLow + 1;

/** The page of code that execution is in, until anything may have changed that. */
export interface Window extends Place {
  readonly stackBits: 16 | 32 | 64;
  /** As `modeIndex`. */
  readonly mode: number;
}

/** The window on a page at RIP, whose linear address and offset in the page these are. */
export function openWindow(
  cpu: Cpu,
  page: CodePage,
  linear: number,
  offset: number,
  breakpoints: Breakpoints | undefined,
): Window {
  const { rip, bits, stackBits } = cpu;
  const mode = modeIndex(bits, stackBits);
  const code = page.code(mode);
  const room = bits === 64 ? Number.POSITIVE_INFINITY : cpu.limit(CS) + 1 - rip;
  return {
    page,
    code,
    instructions: code.instructions,
    host: page.number * pageBytes,
    start: (cpu.r32[ripLow]! - offset) | 0,
    high: cpu.r32[ripHigh]!,
    end: Math.min(pageBytes, offset + room),
    stackBits,
    mode,
    breakpoints: breakpoints?.inPage(linear),
    rip: rip - offset,
    context: undefined,
  };
}
