/** Repeatable numbers from a seed (mulberry32): for orders that nothing else decides. */
export function pseudoRandom(seed: number) {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  /** With seed 0 the order stays. */
  const shuffled = <T>(items: readonly T[]): T[] => {
    const result = [...items];
    for (let n = result.length - 1; seed !== 0 && n > 0; n--) {
      const other = below(n + 1);
      [result[n], result[other]] = [result[other]!, result[n]!];
    }
    return result;
  };
  return { below, shuffled };
}
