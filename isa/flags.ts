/** Bits of (R|E)FLAGS by name (Intel SDM Vol. 1, 3.4.3). */
export const flagBits = {
  CF: 0,
  PF: 2,
  AF: 4,
  ZF: 6,
  SF: 7,
  TF: 8,
  IF: 9,
  DF: 10,
  OF: 11,
  IOPL: 12,
  NT: 14,
  RF: 16,
  VM: 17,
  AC: 18,
  VIF: 19,
  VIP: 20,
  ID: 21,
} as const;

export type FlagName = keyof typeof flagBits;
/** The six flags that arithmetic sets. */
export type StatusFlag = "CF" | "PF" | "AF" | "ZF" | "SF" | "OF";

/** One-bit mask of a flag (IOPL: both bits). */
export const flagMask = (name: FlagName): number => (name === "IOPL" ? 3 : 1) << flagBits[name];
