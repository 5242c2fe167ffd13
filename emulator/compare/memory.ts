/** Guest memory of two machines beside each other. */
import type { Machine } from "../machine.ts";

/** Bytes that differ, in one piece. Hexadecimal without prefix. */
export interface MemoryDifference {
  /** Guest-physical address. */
  readonly address: string;
  readonly bare: string;
  readonly hosted: string;
}

/** Differences listed at most, and bytes shown of each. */
const mostListed = 8;
const mostShown = 16;

const gdtAccessByte = 5;
const accessed = 1;

/** Guest-physical places of the access bytes of the descriptors in the guest's GDT. */
function accessBytes(machine: Machine): ReadonlySet<number> {
  const value = (name: string) => Number(machine.registers().find((register) => register.name === name)?.value ?? 0n);
  const base = value("GDTR.base");
  const limit = value("GDTR.limit");
  const found = new Set<number>();
  for (let at = gdtAccessByte; at <= limit; at += 8) {
    const physical = machine.guestPhysical(base + at);
    if (physical !== undefined) found.add(physical);
  }
  return found;
}

/**
 * Places of bytes that differ. A descriptor's accessed bit is left out: the techniques that give the guest a shadow of its
 * descriptor tables do not set it in the original.
 */
function* places(bare: Machine, hosted: Machine): Generator<number> {
  const a = bare.guestMemory;
  const b = hosted.guestMemory;
  const left = new Int32Array(a.buffer, a.byteOffset, a.length >> 2);
  const right = new Int32Array(b.buffer, b.byteOffset, b.length >> 2);
  let exempt: ReadonlySet<number> | undefined;
  for (let word = 0; word < left.length; word++) {
    if (left[word] === right[word]) continue;
    for (let at = 4 * word; at < 4 * word + 4; at++) {
      const changed = a[at]! ^ b[at]!;
      if (changed === 0) continue;
      if (changed === accessed) {
        exempt ??= accessBytes(bare);
        if (exempt.has(at)) continue;
      }
      yield at;
    }
  }
}

export const sameMemory = (bare: Machine, hosted: Machine): boolean => places(bare, hosted).next().done === true;

const text = (bytes: Uint8Array, from: number, to: number): string =>
  Array.from(bytes.subarray(from, Math.min(to, from + mostShown)), (byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );

/** The first pieces of memory that differ. */
export function memoryDifferences(bare: Machine, hosted: Machine): readonly MemoryDifference[] {
  const pieces: { from: number; to: number }[] = [];
  for (const at of places(bare, hosted)) {
    const last = pieces.at(-1);
    if (last?.to === at) last.to++;
    else if (pieces.length === mostListed) break;
    else pieces.push({ from: at, to: at + 1 });
  }
  return pieces.map(({ from, to }) => ({
    address: from.toString(16),
    bare: text(bare.guestMemory, from, to),
    hosted: text(hosted.guestMemory, from, to),
  }));
}
