import { pageBytes } from "./abi.ts";
import type { Domain } from "./domain.ts";

/** Of an entry of version 1: flags, the domain that may have the page, and the frame. */
const entryBytes = 8;
export const entriesPerFrame = pageBytes / entryBytes;

/** `kind` is two bits: 0 grants nothing, 1 access, 2 a transfer. */
export const entryFlags = { kind: 3, permitAccess: 1, readOnly: 4, reading: 8, writing: 16 } as const;

export interface GrantEntry {
  /** Machine address. */
  readonly at: number;
  readonly flags: number;
  readonly domain: number;
  readonly frame: number;
}

/** An entry of the domain's grant table as it is in memory; undefined where the table has none of this number. */
export function grantEntry({ common, memory }: Domain, reference: number): GrantEntry | undefined {
  const frame = common.grantFrames[Math.floor(reference / entriesPerFrame)];
  if (frame === undefined) return undefined;
  const at = frame * pageBytes + (reference % entriesPerFrame) * entryBytes;
  const word = memory.read32(at);
  return { at, flags: word & 0xffff, domain: word >>> 16, frame: memory.read32(at + 4) };
}
