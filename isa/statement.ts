import type { Bits } from "./operands.ts";
import type { OperandWidth, RegisterName, SegmentName, Width } from "./registers.ts";

/**
 * An instruction as written, before a form is chosen for it: what an assembler hands to `select` and `encode`. All
 * numbers are what the expressions gave; nothing is wrapped or checked yet. Text has been turned into registers,
 * numbers and the keywords below, nothing else: fitting and encoding are the codec's work.
 */
export interface Statement {
  /** Any letter case; aliases (JE, RETN, SAL, …) are understood. */
  readonly mnemonic: string;
  readonly operands: readonly WrittenOperand[];
  readonly prefixes?: WrittenPrefixes;
}

/** Prefixes written before the mnemonic. */
export interface WrittenPrefixes {
  /** `wait`: FWAIT before the instruction and all its prefixes. */
  readonly wait?: boolean;
  readonly lock?: boolean;
  /** `rep`, `repe`, `repz` are one; `repne`, `repnz` the other. */
  readonly repeat?: "rep" | "repne";
  /** `es movsb`. A segment inside brackets belongs to the memory operand. */
  readonly segment?: SegmentName;
  /** `o16`, `o32`, `o64`. */
  readonly operandSize?: Bits;
  /** `a16`, `a32`, `a64`. */
  readonly addressSize?: Bits;
}

export type WrittenOperand = WrittenRegister | WrittenMemory | WrittenNumber | WrittenFarPointer;

interface WrittenRegister {
  readonly kind: "register";
  /** From `registerNamed`. */
  readonly register: RegisterName;
  /** A size keyword before it, which must agree with the register. */
  readonly size?: OperandWidth;
  /** `to` before it: the destination of an x87 instruction whose source is ST0. */
  readonly to?: boolean;
}

/** `[…]`. Registers in the order written; which becomes base and which index is decided as nasm does. */
export interface WrittenMemory {
  readonly kind: "memory";
  /** `byte`, `word`, `dword`, `qword`, `tword`, `oword` before the bracket. */
  readonly size?: OperandWidth;
  /** `far` before the bracket: an indirect far jump or call. `near` is the default. */
  readonly far?: boolean;
  /** `word`, `dword`, `qword` inside the bracket: `[dword 5]`, `[qword 5]`; also the width of the displacement. */
  readonly addressSize?: Bits;
  /** `byte` inside the bracket (`[byte eax+5]`); the displacement is encoded with this many bits. */
  readonly displacementSize?: Width;
  /** `nosplit` inside the bracket: keep `[eax*2]` as it is. */
  readonly nosplit?: boolean;
  /** Override inside the bracket: `[es:di]`. */
  readonly segment?: SegmentName;
  /** First register without a factor. */
  readonly base?: RegisterName;
  /** Second register, or one with a factor. */
  readonly index?: RegisterName;
  /** Factor of `index`; 1 if none was written. 3, 5 and 9 are allowed without a base. Default 1. */
  readonly scale?: number;
  /** `rel`, or `default rel` in force: with no registers and in 64-bit code, `displacement` is the target's address. */
  readonly relative?: boolean;
  /** The constant part, 0 if none. Undefined: not known yet (a symbol defined further on). */
  readonly displacement: bigint | undefined;
  /** The displacement depends on where the program is placed (a label, not a difference of labels): never shortened. */
  readonly relocatable?: boolean;
}

/** A number: an immediate, or the target of a branch (its address, not the distance). */
export interface WrittenNumber {
  readonly kind: "number";
  /** Undefined: not known yet. It is then taken for one that needs few bytes. */
  readonly value: bigint | undefined;
  /** Depends on where the program is placed (a label): never shortened to a sign-extended byte. */
  readonly relocatable?: boolean;
  /** `byte`, `word`, `dword`, `qword` before it. */
  readonly size?: Width;
  /** `strict`: encode at `size`, do not shorten. */
  readonly strict?: boolean;
  /** `default rel` is in force, for LEA, which takes a number for an address. */
  readonly relative?: boolean;
  /** `short`, `near` before a branch target. */
  readonly distance?: "short" | "near";
}

/** `selector:offset`. */
export interface WrittenFarPointer {
  readonly kind: "far";
  readonly selector: bigint | undefined;
  readonly offset: bigint | undefined;
  /** `word` or `dword` before it: width of the offset. */
  readonly size?: 16 | 32;
}

export interface EncodeOptions {
  /** Mode of the code: `bits 16`, `32` or `64`. */
  readonly bits: Bits;
  /** Address of the instruction's first byte, for branches and RIP-relative operands. Default 0. */
  readonly address?: bigint;
}
