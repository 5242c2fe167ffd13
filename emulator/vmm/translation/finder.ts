import { code, jumpBytes, jumpCode, memory, register, vmm } from "./code.ts";
import { slot } from "./places.ts";
import type { Unit } from "./unit.ts";

/** Code that finds a guest address: compares it without touching flags, and goes to its unit or on to the next. */
export interface Finder {
  readonly unit: number;
  readonly at: number;
  readonly next: number;
}

const ecx = register("ecx");
/** Target of a jump written as if it were at 0. */
export const jumpTarget = (bytes: readonly number[]): number =>
  (bytes.slice(1).reduce((sum, byte, n) => sum + byte * 2 ** (8 * n), 0) + jumpBytes) >>> 0;

/** The instructions of a finder, and whether the guest's ECX is still in the VMM's data before each. */
export function finderCode(
  unit: Unit,
  next: number,
): readonly { readonly bytes: readonly number[]; readonly saved: boolean }[] {
  return [
    { bytes: code("mov", ecx, vmm(slot.target)), saved: true },
    { bytes: code("lea", ecx, memory({ base: "ecx", displacement: -unit.rip | 0 })), saved: true },
    { bytes: [0xe3, jumpBytes], saved: true },
    { bytes: jumpCode(0, next), saved: true },
    { bytes: code("mov", ecx, vmm(slot.ecx)), saved: true },
    { bytes: jumpCode(0, unit.start), saved: false },
  ];
}
