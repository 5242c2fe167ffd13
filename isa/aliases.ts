import type { Bits } from "./operands.ts";

/** A mnemonic of NASM that is no row of its own. */
export interface Alias {
  /** Mnemonics of the rows it stands for; of several, the shortest encoding, which is the mode's own size. */
  readonly of: readonly string[];
  /** Operand size that it names. */
  readonly operandSize?: Bits;
  /** Only without operands: nasm forgets the size of RETW 4. */
  readonly alone?: boolean;
}

const returns = (name: string, row: string, alone = false): [string, Alias][] =>
  ([16, 32, 64] as const).map((operandSize) => [
    `${name}${operandSize === 16 ? "w" : operandSize === 32 ? "d" : "q"}`,
    { of: [row], operandSize, alone },
  ]);

/**
 * Where NASM's names differ from the manual's. In the manual PUSHF, POPF, PUSHA, POPA and IRET are the 16-bit forms; in
 * NASM they have the size of the mode, and the 16-bit forms end in W.
 */
export const aliases: ReadonlyMap<string, Alias> = new Map<string, Alias>([
  ["pushf", { of: ["pushf", "pushfd", "pushfq"] }],
  ["pushfw", { of: ["pushf"] }],
  ["popf", { of: ["popf", "popfd", "popfq"] }],
  ["popfw", { of: ["popf"] }],
  ["pusha", { of: ["pusha", "pushad"] }],
  ["pushaw", { of: ["pusha"] }],
  ["popa", { of: ["popa", "popad"] }],
  ["popaw", { of: ["popa"] }],
  ["iret", { of: ["iret", "iretd"] }],
  ["iretw", { of: ["iret"] }],
  ["retn", { of: ["ret"] }],
  ...returns("ret", "ret", true),
  ...returns("retn", "ret"),
  ...returns("retf", "retf"),
  ["sal", { of: ["shl"] }],
  ["xlat", { of: ["xlatb"] }],
  ["icebp", { of: ["int1"] }],
  ["int03", { of: ["int3"] }],
  ["int01", { of: ["int1"] }],
  ["smi", { of: ["int1"] }],
  ["ud2a", { of: ["ud2"] }],
  ["ud2b", { of: ["ud1"] }],
  ["loopz", { of: ["loope"] }],
  ["loopnz", { of: ["loopne"] }],
]);
