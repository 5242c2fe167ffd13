/** What one may have of what is shared. */
interface Claim {
  readonly weight: number;
  /** The most it can use, in pCPUs. */
  readonly most: number;
}

/** Parts of `capacity` by weight; what one cannot use goes to the others. */
export function fairShares(claims: readonly Claim[], capacity: number): number[] {
  const shares = claims.map(() => 0);
  let open = claims.map((_, n) => n);
  let left = capacity;
  while (open.length > 0) {
    const weight = open.reduce((sum, n) => sum + claims[n]!.weight, 0);
    const full = open.filter((n) => claims[n]!.most <= (left * claims[n]!.weight) / weight);
    if (full.length === 0) {
      for (const n of open) shares[n] = (left * claims[n]!.weight) / weight;
      break;
    }
    for (const n of full) {
      shares[n] = claims[n]!.most;
      left -= claims[n]!.most;
    }
    open = open.filter((n) => !full.includes(n));
  }
  return shares;
}
