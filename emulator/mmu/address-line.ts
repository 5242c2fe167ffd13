/** Address line 20: let through, or held low, as on the first PCs, where memory wraps at 1 MiB. Others open and close it. */
export interface AddressLine {
  readonly enabled: boolean;
}

const line20 = 0x10_0000;

/** The address that reaches memory. */
export function gated(physical: number, { enabled }: AddressLine): number {
  if (enabled) return physical;
  return Math.floor(physical / line20) % 2 === 1 ? physical - line20 : physical;
}
