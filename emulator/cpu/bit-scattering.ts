/** PDEP: the low bits of `value`, in order, where `mask` has ones; zeros elsewhere. Unsigned 64 bits. */
export function depositBits(value: bigint, mask: bigint): bigint {
  let result = 0n;
  let rest = value;
  for (let open = mask; open !== 0n && rest !== 0n; open &= open - 1n, rest >>= 1n)
    if ((rest & 1n) !== 0n) result |= open & -open;
  return result;
}

/** PEXT: the bits of `value` where `mask` has ones, moved together at the low end. Unsigned 64 bits. */
export function extractBits(value: bigint, mask: bigint): bigint {
  let result = 0n;
  let place = 1n;
  for (let open = mask; open !== 0n; open &= open - 1n, place <<= 1n)
    if ((value & open & -open) !== 0n) result |= place;
  return result;
}
