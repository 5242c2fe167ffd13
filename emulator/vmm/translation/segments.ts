import { accessBits } from "../../cpu/layout.ts";
import type { Segment } from "../../cpu/state.ts";
import { vmmLinear, vmmSelectors } from "../cpu/shadow-descriptors.ts";
import { dataLinear } from "./places.ts";

const dataLimit = 0xfff;

export const dataSegment = { base: dataLinear, limit: dataLimit } as const;

/** What CS holds in the translation cache: all linear addresses, to execute only, at ring 1. */
export const cacheCode: Segment = {
  selector: vmmSelectors.cacheCode,
  access: 0xb9 | accessBits.db | accessBits.g,
  limit: 0xffff_ffff,
  base: 0,
};

/** What GS holds there: the VMM's data. */
export const cacheData: Segment = { selector: vmmSelectors.cacheData, access: 0xb3 | accessBits.db, ...dataSegment };

const expandDown = 0xc;

/**
 * A guest's segment without the linear addresses of the VMM: the limit ends before them. One that begins there, or grows down
 * or around the end of the address space, cannot be used at all: the VMM then executes what uses it.
 */
export function truncated(segment: Segment): Segment {
  if ((segment.access & accessBits.unusable) !== 0) return segment;
  const { base, limit } = segment;
  const unusable = { ...segment, access: segment.access | accessBits.unusable };
  if ((segment.access & expandDown) === 4) return unusable;
  if (base + limit < vmmLinear) return segment;
  return base >= vmmLinear ? unusable : { ...segment, limit: vmmLinear - 1 - base };
}
