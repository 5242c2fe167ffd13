import type { CachedInstruction } from "./cached-instruction.ts";
import { pageBytes } from "./page.ts";

const slotBits = 13;
const slots = 1 << slotBits;
/** Room for the bytes of an instruction. */
const stride = 16;

/** Multiplier of the FNV hash, whose high bits depend on every byte. */
const prime = 0x0100_0193;
const spread = 0x9e37_79b1;

const withByte = (hash: number, byte: number): number => Math.imul(hash ^ byte, prime);
const slotOf = (hash: number): number => Math.imul(hash, spread) >>> (32 - slotBits);

/**
 * Instructions by their bytes: code that is seen for the first time consists mostly of instructions that were seen before, elsewhere.
 * A hash table of pairs of slots: a newer instruction takes the place of an older one. `memory` is always one page.
 */
export class KnownInstructions {
  readonly #instructions = new Array<CachedInstruction | undefined>(slots).fill(undefined);
  readonly #bytes = new Uint8Array(slots * stride);
  readonly #modes = new Uint8Array(slots);
  /** How long instructions are that begin with two bytes: bit n for n + 1 bytes. */
  readonly #lengths = new Uint16Array(0x1_0000);

  /** The instruction that begins here, if its bytes are known. `mode`: as `modeIndex`. */
  find(memory: Uint8Array, at: number, mode: number): CachedInstruction | undefined {
    // The first two bytes must be there.
    if (at > pageBytes - 2) return undefined;
    let lengths = this.#lengths[memory[at]! | (memory[at + 1]! << 8)]!;
    let hash = mode;
    for (let length = 1; lengths !== 0 && at + length <= pageBytes; length++) {
      hash = withByte(hash, memory[at + length - 1]!);
      if ((lengths & 1) !== 0) {
        const slot = slotOf(hash);
        if (this.#holds(slot, memory, at, length, mode)) return this.#instructions[slot];
        if (this.#holds(slot ^ 1, memory, at, length, mode)) return this.#instructions[slot ^ 1];
      }
      lengths >>= 1;
    }
    return undefined;
  }

  #holds(slot: number, memory: Uint8Array, at: number, length: number, mode: number): boolean {
    if (this.#instructions[slot]?.length !== length || this.#modes[slot] !== mode) return false;
    const from = slot * stride;
    for (let n = 0; n < length; n++) if (this.#bytes[from + n] !== memory[at + n]) return false;
    return true;
  }

  add(memory: Uint8Array, at: number, mode: number, instruction: CachedInstruction): void {
    const { length } = instruction;
    if (at > pageBytes - 2 || at + length > pageBytes) return;
    this.#lengths[memory[at]! | (memory[at + 1]! << 8)]! |= 1 << (length - 1);
    let hash = mode;
    for (let n = 0; n < length; n++) hash = withByte(hash, memory[at + n]!);
    const slot = slotOf(hash);
    if (this.#instructions[slot] !== undefined) this.#copy(slot, slot ^ 1);
    this.#instructions[slot] = instruction;
    this.#modes[slot] = mode;
    for (let n = 0; n < length; n++) this.#bytes[slot * stride + n] = memory[at + n]!;
  }

  #copy(from: number, to: number): void {
    this.#instructions[to] = this.#instructions[from];
    this.#modes[to] = this.#modes[from]!;
    this.#bytes.copyWithin(to * stride, from * stride, (from + 1) * stride);
  }
}
