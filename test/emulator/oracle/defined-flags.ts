import { type FlagName, flagBits, flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";

/** All flags of RFLAGS that exist. */
export const allFlags = 0x3f_7fd5;

/** The count a shift or rotate takes from its last operand: modulo 32, or 64 for 64-bit operands. */
function shiftCount({ operands, operandSize }: Decoded, registers: readonly bigint[]): number {
  const last = operands.at(-1);
  const count = last?.kind === "immediate" ? Number(last.value) : Number(registers[1]! & 0xffn);
  return count & (operandSize === 64 ? 63 : 31);
}

/**
 * The flags that the manual defines after an instruction: all but those its row lists, which for shifts holds for most
 * counts only. By 0 no flag changes; by 1 OF is defined (SDM Vol. 2, RCL, SAL, SHLD).
 */
export function definedFlagsAfter(instruction: Decoded, registers: readonly bigint[]): number {
  const { row } = instruction;
  const undefinedFlags = row.undefinedFlags.reduce(
    (mask, name) => (name in flagBits ? mask | flagMask(name as FlagName) : mask),
    0,
  );
  if (row.family !== "shift") return allFlags & ~undefinedFlags;
  const count = shiftCount(instruction, registers);
  if (count === 0) return allFlags;
  return allFlags & ~(count === 1 ? undefinedFlags & ~flagMask("OF") : undefinedFlags);
}
