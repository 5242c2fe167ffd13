import { vmmLinear, vmmLinearLong } from "./shadow-descriptors.ts";

/** What there is none of, if a linear address of the guest's is the VMM's. In long mode addresses are signed. */
export function occupiedByVmm(linear: number, longMode: boolean): string | undefined {
  const isVmms = longMode ? linear >= vmmLinearLong && linear < 0 : linear >= vmmLinear;
  if (!isVmms) return undefined;
  const from = longMode ? vmmLinearLong : vmmLinear;
  return `guest use of linear address ${hex(linear)}: the VMM occupies ${hex(from)} and up`;
}

const hex = (value: number): string => `${BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase()}h`;
