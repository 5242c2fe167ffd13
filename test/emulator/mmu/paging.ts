import { layout } from "../../../emulator/cpu/layout.ts";
import { CR0, CR4, EFER } from "../../../emulator/cpu/state.ts";
import { type Processor, protectedMode } from "../cpu/processor.ts";

export const bit = { P: 1n, RW: 2n, US: 4n, A: 0x20n, D: 0x40n, PS: 0x80n, G: 0x100n, XD: 1n << 63n } as const;
export const all = bit.P | bit.RW | bit.US;

/** Where the tests keep paging structures, by level (4 is the top one of long mode). */
export const table = { 4: 0x1_0000, 3: 0x1_1000, 2: 0x1_2000, 1: 0x1_3000 } as const;
/** The page that is mapped. */
export const frame = 0x2_0000;

export type Kind = "two-level" | "pae" | "four-level";

/** The entries on the path of a linear address, top level first; their physical addresses and what they hold. */
export interface Path {
  readonly entries: readonly { readonly level: number; readonly address: number; readonly bytes: 4 | 8 }[];
}

const shifts = {
  "two-level": { 2: 22, 1: 12 },
  pae: { 2: 21, 1: 12 },
  "four-level": { 4: 39, 3: 30, 2: 21, 1: 12 },
} as const;

/** Switches paging on and gives the addresses of the entries a linear address uses. Fill them with `setEntries`. */
export function path(kind: Kind, linear: bigint): Path {
  const bytes = kind === "two-level" ? 4 : 8;
  const mask = kind === "two-level" ? 0x3ffn : 0x1ffn;
  const entries = Object.entries(shifts[kind])
    .map(([level, shift]) => ({
      level: Number(level),
      address: table[Number(level) as 1] + bytes * Number((linear >> BigInt(shift)) & mask),
      bytes: bytes as 4 | 8,
    }))
    .sort((a, b) => b.level - a.level);
  return { entries };
}

export function writeEntry(p: Processor, { address, bytes }: Path["entries"][number], value: bigint): void {
  if (bytes === 4) p.ram.setUint32(address, Number(value), true);
  else p.ram.setBigUint64(address, value, true);
}

export const readEntry = (p: Processor, { address, bytes }: Path["entries"][number]): bigint =>
  bytes === 4 ? BigInt(p.ram.getUint32(address, true)) : p.ram.getBigUint64(address, true);

/** Enters flat protected mode (or IA-32e mode's paging) with empty tables. */
export function enablePaging(p: Processor, kind: Kind, cpl: 0 | 3 = 0): void {
  protectedMode(p, cpl);
  const { cpu } = p;
  const long = kind === "four-level";
  cpu.r64[layout.cr0 >> 3] = BigInt((CR0.PE | CR0.ET | CR0.PG | CR0.WP) >>> 0);
  cpu.r64[layout.cr4 >> 3] = BigInt(kind === "two-level" ? CR4.PSE | CR4.PGE : CR4.PAE | CR4.PGE);
  cpu.r64[layout.efer >> 3] = BigInt(long ? EFER.LME | EFER.LMA | EFER.NXE : kind === "pae" ? EFER.NXE : 0);
  cpu.r64[layout.cr3 >> 3] = BigInt(table[long ? 4 : 2]);
  for (let n = 0; n < 4; n++) cpu.r64[(layout.pdptes >> 3) + n] = BigInt(table[2]) | 1n;
  cpu.flushTlb(true);
  cpu.refresh();
}

/** Maps `linear` to `frame` with these bits at every level, the leaf's given apart. */
export function map(p: Processor, kind: Kind, linear: bigint, upper = all, leaf = all): Path {
  const found = path(kind, linear);
  const target = { 4: table[3], 3: table[2], 2: table[1], 1: frame } as const;
  for (const entry of found.entries) {
    const next = BigInt(target[entry.level as 1]);
    writeEntry(p, entry, next | (entry.level === 1 ? leaf : upper));
  }
  return found;
}
