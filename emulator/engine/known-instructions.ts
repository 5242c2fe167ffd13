import type { CachedInstruction } from "./cached-instruction.ts";

/** Instructions kept; then the oldest makes room. */
const most = 1 << 13;
const setBits = 12;
/** Slots of a set, newest first. */
const ways = 4;
/** The words of the longest instruction, with a byte for length and mode. */
const words = 4;
/** Reading them at any byte touches a word more. */
const reach = 4 * (words + 1);

/** What is left of each word of an instruction's bytes, by four words for each length. */
const masks = Int32Array.from({ length: words * 4 * words }, (_, n) => {
  const bytes = Math.floor(n / words) - 4 * (n % words);
  return bytes >= 4 ? -1 : bytes <= 0 ? 0 : 2 ** (8 * bytes) - 1;
});

/** Four bytes of memory from any byte on. */
function wordAt(memory: Int32Array, at: number): number {
  const shift = (at & 3) << 3;
  return (memory[at >> 2]! >>> shift) | ((memory[(at >> 2) + 1]! << 1) << (31 - shift));
}

/**
 * Instructions by their bytes: code that is seen for the first time consists mostly of instructions that were seen before, elsewhere.
 * They are kept in the order in which they were seen, as neighbours are mostly asked for one after the other; a hash table
 * of sets of slots says where. Bytes are compared by the word.
 */
export class KnownInstructions {
  readonly #memory: Int32Array;
  readonly #instructions = new Array<CachedInstruction | undefined>(most).fill(undefined);
  readonly #words = new Int32Array(most * words);
  #next = 0;
  readonly #slots = new Uint16Array(ways << setBits);
  /** How long instructions are that begin with two bytes: bit n for n + 1 bytes. */
  readonly #lengths = new Uint16Array(0x1_0000);
  /** The words looked for. */
  readonly #wanted = new Int32Array(words);

  /** @param memory what all code is in */
  constructor(memory: ArrayBuffer) {
    this.#memory = new Int32Array(memory, 0, memory.byteLength >> 2);
  }

  /**
   * The instruction at byte `at` of memory, if its bytes are known. `room`: bytes from here to the end of the page, beyond which
   * bytes may be read but do not count. `mode`: as `modeIndex`.
   */
  find(at: number, room: number, mode: number): CachedInstruction | undefined {
    // The first two bytes must be there.
    if (room < 2 || at + reach > this.#memory.length * 4) return undefined;
    let lengths = this.#lengths[wordAt(this.#memory, at) & 0xffff]!;
    while (lengths !== 0) {
      const length = 32 - Math.clz32(lengths & -lengths);
      if (length > room) return undefined;
      const set = this.#want(at, length, mode);
      for (let slot = set; slot < set + ways; slot++) {
        const entry = this.#slots[slot]!;
        if (this.#holds(entry)) return this.#instructions[entry];
      }
      lengths &= lengths - 1;
    }
    return undefined;
  }

  /** Reads the words to look for, and gives the first slot of the set where they belong. */
  #want(at: number, length: number, mode: number): number {
    const memory = this.#memory;
    const wanted = this.#wanted;
    const mask = length * words;
    const first = wordAt(memory, at) & masks[mask]!;
    const second = wordAt(memory, at + 4) & masks[mask + 1]!;
    const third = length > 8 ? wordAt(memory, at + 8) & masks[mask + 2]! : 0;
    const last = length > 12 ? wordAt(memory, at + 12) & masks[mask + 3]! : 0;
    const fourth = last | (length << 24) | (mode << 28);
    wanted[0] = first;
    wanted[1] = second;
    wanted[2] = third;
    wanted[3] = fourth;
    const mixed =
      Math.imul(first, 0x85eb_ca6b) ^ Math.imul(second, 0xc2b2_ae35) ^ Math.imul(third, 0x27d4_eb2f) ^ fourth;
    return (Math.imul(mixed ^ (mixed >>> 15), 0x9e37_79b1) >>> (32 - setBits)) * ways;
  }

  #holds(entry: number): boolean {
    const known = this.#words;
    const wanted = this.#wanted;
    const from = entry * words;
    return (
      known[from] === wanted[0] &&
      known[from + 1] === wanted[1] &&
      known[from + 2] === wanted[2] &&
      known[from + 3] === wanted[3]
    );
  }

  /** Remembers an instruction, as `find` would look for it. Two zero bytes are left out: they may be no code at all. */
  add(at: number, room: number, mode: number, instruction: CachedInstruction): void {
    const { length } = instruction;
    if (room < 2 || length > room || at + reach > this.#memory.length * 4) return;
    const start = wordAt(this.#memory, at) & 0xffff;
    if (start === 0) return;
    this.#lengths[start]! |= 1 << (length - 1);
    const set = this.#want(at, length, mode);
    const entry = this.#next;
    this.#next = (entry + 1) % most;
    this.#slots.copyWithin(set + 1, set, set + ways - 1);
    this.#slots[set] = entry;
    this.#instructions[entry] = instruction;
    this.#words.set(this.#wanted, entry * words);
  }
}
