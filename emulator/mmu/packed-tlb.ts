/** Words of an entry as `Tlb.pack` keeps it: its index, and itself without marks. */
export const packedWords = 5;

/** Entries put aside: so many words of these. */
export interface PackedTlb {
  readonly words: Int32Array;
  readonly length: number;
}

export const packedEntries = ({ length }: PackedTlb): number => length / packedWords;

/** The same entries in the order of their indices, in which nothing tells any more when each was made. */
export function inOrder({ words, length }: PackedTlb): Int32Array {
  const places = new Int32Array(packedEntries({ words, length })).map((_, n) => n * packedWords);
  places.sort((a, b) => words[a]! - words[b]!);
  const ordered = new Int32Array(length);
  for (const [n, place] of places.entries()) ordered.set(words.subarray(place, place + packedWords), n * packedWords);
  return ordered;
}
