import type { Row } from "../../../isa/instruction.ts";
import type { Bits, Decoded } from "../../../isa/operands.ts";

/** Where Unicorn 2 does not do what the manual says, or the manual leaves a register undefined and processors differ. */
export interface Deviation {
  readonly name: string;
  /** The manual's rule (SDM Vol. 2 unless said otherwise), and what Unicorn does instead. */
  readonly why: string;
  /** What is not compared: anything, the high halves of 64-bit registers, or the instruction as part of a sequence. */
  readonly spares: "everything" | "high halves" | "sequences";
  readonly applies: (instruction: Decoded, code: readonly number[]) => boolean;
}

const prefixes = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

/** The REX prefix, 0 if there is none. */
function rexOf({ bits }: Decoded, code: readonly number[]): number {
  if (bits !== 64) return 0;
  const first = code.find((byte) => !prefixes.has(byte)) ?? 0;
  return (first & 0xf0) === 0x40 ? first : 0;
}

const hasOverride = (code: readonly number[]): boolean =>
  code
    .slice(
      0,
      Math.max(
        0,
        code.findIndex((byte) => !prefixes.has(byte)),
      ),
    )
    .includes(0x66);

export const deviations: readonly Deviation[] = [
  {
    name: "LAHF and SAHF with a REX prefix",
    why: "they use AH, whatever the prefix; Unicorn takes register 4 of a REX encoding, SPL",
    spares: "everything",
    applies: (instruction, code) => /^[ls]ahf$/.test(instruction.row.mnemonic) && rexOf(instruction, code) !== 0,
  },
  {
    name: "near branches with 66h in 64-bit mode",
    why: "the operand size is forced to 64 bits (f64 in Vol. 2, appendix A); Unicorn does as AMD does and takes 16",
    spares: "everything",
    applies: ({ row, bits }, code) => bits === 64 && row.family === "control-flow" && hasOverride(code),
  },
  {
    name: "RET imm16 of 8000h and more",
    why: "the number of bytes is unsigned; Unicorn sign-extends it",
    spares: "everything",
    applies: ({ row, operands: [released] }) =>
      row.mnemonic === "ret" && released?.kind === "immediate" && released.value >= 0x8000n,
  },
  {
    name: "MOV of an immediate (C6 /0, C7 /0) with REX.R",
    why: "REX.R is ignored where ModRM.reg is part of the opcode (2.2.1.2); Unicorn raises #UD",
    spares: "everything",
    applies: (instruction, code) => /^C[67] \/0/.test(instruction.row.opcode) && (rexOf(instruction, code) & 4) !== 0,
  },
  {
    name: "SHLD, SHRD and RORX by a constant of a RIP-relative operand",
    why: "displacements count from the following instruction (2.2.1.6); Unicorn forgets the byte of the constant",
    spares: "everything",
    applies: ({ row, operands }) =>
      /^(SH[LR]D|RORX) .*imm8/.test(row.syntax) && operands.some((o) => o.kind === "memory" && o.ripRelative),
  },
  {
    name: "CMPXCHG of 32 bits in 64-bit mode",
    why: "what is not written keeps its high half: EAX if the comparison succeeds, the destination if it fails; Unicorn writes both",
    spares: "high halves",
    applies: ({ row, bits, operandSize }) => bits === 64 && row.mnemonic === "cmpxchg" && operandSize === 32,
  },
  {
    name: "BSF and BSR of 32 bits in 64-bit mode",
    why: "of zero the destination is undefined; it keeps all its bits here and only the low 32 in Unicorn",
    spares: "high halves",
    applies: ({ row, bits, operandSize }) => bits === 64 && /^bs[fr]$/.test(row.mnemonic) && operandSize === 32,
  },
  {
    name: "CMPXCHG8B and CMPXCHG16B after other instructions",
    why: "they change ZF only; Unicorn computes the other flags by an operation before the last one that set them",
    spares: "sequences",
    applies: ({ row }) => /^cmpxchg(8|16)b$/.test(row.mnemonic),
  },
  {
    name: "VEX.vvvv of 8 and more outside 64-bit mode",
    why: "its highest bit is ignored there (2.3.5.6); Unicorn takes registers that only 64-bit mode has",
    spares: "everything",
    applies: ({ row, bits }, code) =>
      row.pattern.vex && bits !== 64 && (code[code.findIndex((byte) => !prefixes.has(byte)) + 2]! & 0x40) === 0,
  },
  {
    name: "ADOX with 66h",
    why: "of the mandatory prefixes F3h counts (2.1.2); Unicorn executes ADCX",
    spares: "everything",
    applies: ({ row }, code) => row.mnemonic === "adox" && hasOverride(code),
  },
  {
    name: "ENTER of 32 bits on a 16-bit stack",
    why: "EBP becomes ESP, all of it; Unicorn writes BP only",
    spares: "everything",
    applies: ({ row, bits, operandSize }) => bits === 16 && row.mnemonic === "enter" && operandSize === 32,
  },
];

/**
 * Instructions that Unicorn 2.0 does not know in a mode, or executes as others: no model of its processors has LZCNT, TZCNT,
 * POPCNT and MOVBE; it inverts CF of BLSI, clears the top bit in BZHI beyond the operand, takes source and mask of PDEP and
 * PEXT for each other, raises #UD on ADCX in 16-bit code, and swaps all 32 bits where BSWAP names 16 and the result is
 * undefined. `test/isa/semantics` has what a real processor does.
 */
export const isUnknownToUnicorn = ({ mnemonic, syntax }: Row, mode: Bits): boolean =>
  syntax === "BSWAP r16" ||
  /^(lzcnt|tzcnt|popcnt|movbe|blsi|bzhi|pdep|pext)$/.test(mnemonic) ||
  (mode === 16 && mnemonic === "adcx");

export const deviationOf = (instruction: Decoded, code: readonly number[]): Deviation | undefined =>
  deviations.find((deviation) => deviation.applies(instruction, code));
