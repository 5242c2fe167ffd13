/** Numbers that tell states of a machine apart, the same on every host. To compare, not to protect. */
export interface Digest {
  /** Of all physical memory, the VMM's included. */
  readonly memory: string;
  /** Of devices, VMM and whatever else is neither memory nor registers. */
  readonly rest: string;
}

const hexadecimal = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

/** FNV-1a over 32-bit words, twice, from different beginnings and with different primes. */
function hashed(words: Int32Array | Uint16Array): string {
  let first = 0x811c9dc5;
  let second = 0x2f0b4a27;
  for (const word of words) {
    first = Math.imul(first ^ word, 0x01000193);
    second = Math.imul(second ^ word, 0x85ebca6b);
  }
  return hexadecimal(first) + hexadecimal(second);
}

/** @param rest plain JSON */
export function digestOf(memory: Uint8Array, rest: unknown): Digest {
  const text = JSON.stringify(rest);
  return {
    memory: hashed(new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength >> 2)),
    rest: hashed(Uint16Array.from(text, (character) => character.charCodeAt(0))),
  };
}
