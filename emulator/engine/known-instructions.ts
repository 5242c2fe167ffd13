import { longestInstruction } from "../../isa/cursor.ts";
import type { CachedInstruction } from "./cached-instruction.ts";
import { pageBytes } from "./page.ts";

/** An instruction with its bytes. */
interface Known {
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly instruction: CachedInstruction;
}

const slots = 4096;

/** Place in a table for the first `bytes` bytes of an instruction; 2, 3 or 4. */
function slotOf(memory: Uint8Array, at: number, bytes: number, mode: number): number {
  let key = memory[at]! | (memory[at + 1]! << 8) | (mode << 28);
  if (bytes > 2) key ^= memory[at + 2]! << 16;
  if (bytes > 3) key ^= memory[at + 3]! << 23;
  return Math.imul(key, 0x9e37_79b1) >>> 20;
}

function isAt({ bytes }: Known, memory: Uint8Array, at: number): boolean {
  for (let n = 0; n < bytes.length; n++) if (bytes[n] !== memory[at + n]) return false;
  return true;
}

/**
 * Instructions by their bytes: code that is seen for the first time consists mostly of instructions that were seen before, elsewhere.
 * Three tables, for instructions of up to 2, of 3, and of more bytes; a newer instruction takes the place of an older one.
 */
export class KnownInstructions {
  readonly #tables = [2, 3, 4].map((bytes) => ({ bytes, known: new Array<Known | undefined>(slots).fill(undefined) }));

  /** The instruction that begins here, if its bytes are known. `mode`: as `modeIndex`. */
  find(memory: Uint8Array, at: number, mode: number): CachedInstruction | undefined {
    if (at > pageBytes - longestInstruction) return undefined;
    for (const { bytes, known } of this.#tables) {
      const found = known[slotOf(memory, at, bytes, mode)];
      if (found !== undefined && found.mode === mode && isAt(found, memory, at)) return found.instruction;
    }
    return undefined;
  }

  add(memory: Uint8Array, at: number, mode: number, instruction: CachedInstruction): void {
    const { length } = instruction;
    if (at > pageBytes - longestInstruction) return;
    const { bytes, known } = this.#tables[Math.min(Math.max(length, 2), 4) - 2]!;
    known[slotOf(memory, at, bytes, mode)] = { mode, bytes: memory.slice(at, at + length), instruction };
  }
}
