import type { Algebra } from "./algebra.ts";
import type { Family } from "./family.ts";
import type { Feature } from "./feature.ts";
import { type OpcodePattern, parseOpcode } from "./opcode.ts";
import { type OperandPattern, parseSyntax } from "./operand-pattern.ts";
import type { Operand } from "./operands.ts";

/*
 * Notation of the opcode column, beyond the manual's bytes, `/digit`, `/r`, `+r`, `ib iw id iq`, `cb cw cd cp`, `moffs`:
 * - The operand size (16, 32, 64) is that of the first operand of 16 bits or more that is a general register, memory
 *   (not `m16&32`, `m16:16` …: those by their offset) or accumulator, or of `relN`, `ptr16:N`, `moffsN`.
 * - `o16` `o32` `o64`: the operand size where the operands do not show it (`o32 A5` MOVSD); it decides, not the operands.
 * - `o*`: operand-size prefixes change nothing and are not needed (`o* 0F 00 /2` LLDT r/m16).
 * - A row whose operands show no size and that has none of these exists at every operand size (`C3` RET).
 * - `a16` `a32` `a64`: the address size (`a32 E3 cb` JECXZ).
 * - A byte after `/r`: the last byte of the instruction (`NP 0F C2 /r 00` CMPEQPS). `9B` before others: FWAIT.
 * - Registers of x87 instructions (`D8 C0+i`) are written as a ModRM byte whose form is a register: `D8 /0`.
 * - `VEX.LZ.66.0F38.W1 F7 /r`: a VEX prefix; its W is the operand size.
 */

/**
 * Who may run an instruction on bare metal. The CPU makes the check from this column, before the semantics:
 * - `none`: everyone · `cpl0`: CPL 0, else #GP(0) · `cpl0-ud`: CPL 0, else #UD · `iopl`: CPL ≤ IOPL, else #GP(0)
 * - `io`: CPL ≤ IOPL or allowed by the TSS I/O bitmap · `umip`: everyone unless CR4.UMIP, then CPL 0
 * - `tsd`: everyone unless CR4.TSD, then CPL 0 · `pce`: CPL 0 unless CR4.PCE
 */
export type Privilege = "none" | "cpl0" | "cpl0-ud" | "iopl" | "io" | "umip" | "tsd" | "pce";

/** Where a classification comes from. */
export type Citation = "robin-irvine" | "popek-goldberg" | "intel-sdm";

/** Popek and Goldberg's class (CACM 1974): does the instruction touch, or depend on, what a VMM must own? */
export type Sensitivity =
  | { readonly kind: "innocuous" }
  | {
      /** `control`: tries to change the resource configuration. `behaviour`: what it does depends on it. */
      readonly kind: "control" | "behaviour";
      /** Behaviour-sensitive by location (real addresses) or mode (CPL); may be both. */
      readonly by?: readonly ("location" | "mode")[];
      /** What it reveals or changes: completes the sentence "It …". */
      readonly what: string;
      readonly cite: Citation;
      /** Entry in Robin and Irvine's list of 17 (USENIX Security 2000; VERR and VERW are one entry). */
      readonly robinIrvine?: number;
      /** True if at CPL > 0 it silently gives or does something else; false where real code mostly uses it harmlessly. */
      readonly silentlyLies?: boolean;
    };

/** Basic exit reasons an instruction itself can cause (SDM Vol. 3, appendix C). */
export type InstructionExit =
  | "CPUID"
  | "GETSEC"
  | "HLT"
  | "INVD"
  | "INVLPG"
  | "RDPMC"
  | "RDTSC"
  | "RSM"
  | "VMCALL"
  | "VMCLEAR"
  | "VMLAUNCH"
  | "VMPTRLD"
  | "VMPTRST"
  | "VMREAD"
  | "VMRESUME"
  | "VMWRITE"
  | "VMXOFF"
  | "VMXON"
  | "CR_ACCESS"
  | "DR_ACCESS"
  | "IO_INSTRUCTION"
  | "RDMSR"
  | "WRMSR"
  | "MWAIT"
  | "MONITOR"
  | "PAUSE"
  | "GDTR_IDTR_ACCESS"
  | "LDTR_TR_ACCESS"
  | "INVEPT"
  | "RDTSCP"
  | "INVVPID"
  | "WBINVD"
  | "XSETBV"
  | "RDRAND"
  | "INVPCID"
  | "VMFUNC"
  | "ENCLS"
  | "RDSEED"
  | "XSAVES"
  | "XRSTORS"
  | "PCONFIG"
  | "UMWAIT"
  | "TPAUSE"
  | "ENCLV"
  | "RDMSRLIST"
  | "WRMSRLIST"
  | "WRMSRNS";

/**
 * What lets AMD-V intercept an instruction for which VT-x has no exit (APM Vol. 2, table 15-7). Where VT-x has one, its reason
 * says which intercept it is.
 */
export type InstructionIntercept =
  | "CR0_READ"
  | "PUSHF"
  | "POPF"
  | "IRET"
  | "SWINT"
  | "ICEBP"
  | "INVLPGA"
  | "VMRUN"
  | "VMMCALL"
  | "VMLOAD"
  | "VMSAVE"
  | "STGI"
  | "CLGI"
  | "SKINIT";

/** When the instruction exits from VMX non-root operation. */
export type Exits =
  | { readonly kind: "never" /** Why, where one would expect an exit. */; readonly because?: string }
  | { readonly kind: "always"; readonly reason: InstructionExit }
  | {
      readonly kind: "when";
      readonly reason: InstructionExit;
      /** The control or rule that decides, in the manual's words: "HLT exiting", "CR0 guest/host mask". */
      readonly control: string;
    };

export const innocuous: Sensitivity = { kind: "innocuous" };
export const never: Exits = { kind: "never" };
export const neverBecause = (because: string): Exits => ({ kind: "never", because });
export const always = (reason: InstructionExit): Exits => ({ kind: "always", reason });
export const exitsWhen = (reason: InstructionExit, control: string): Exits => ({ kind: "when", reason, control });

/** What an instruction does, told to the algebra; `o` are its operands in the order of its syntax. */
export type Semantics = (m: Algebra, ...o: readonly Operand[]) => void;

/** Bits 8, 9, 10 and 14 of the x87 status word. */
export type ConditionCode = "C0" | "C1" | "C2" | "C3";

export interface RowFacts {
  /** One sentence: what it does. */
  readonly doc: string;
  /** The extension it belongs to; a processor without it raises #UD. Default: none, every processor has it. */
  readonly feature?: Feature;
  readonly privilege?: Privilege;
  readonly sensitivity?: Sensitivity;
  readonly exits?: Exits;
  readonly intercept?: InstructionIntercept;
  /** Access per operand, in order: r, w or rw. Default: the first `rw`, the others `r`. */
  readonly access?: readonly ("r" | "w" | "rw")[];
  /** Flags, and condition codes of the x87 status word, that the manual leaves undefined after it. */
  readonly undefinedFlags?: readonly ("CF" | "PF" | "AF" | "ZF" | "SF" | "OF" | ConditionCode)[];
  /** Modes in which the encoding exists; default all. `real-ok: false` rows raise #UD in real and virtual-8086 mode. */
  readonly modes?: "all" | "not-64" | "only-64";
  readonly protectedOnly?: boolean;
  /** Another way to write what rows before it do: assembled, never decoded. */
  readonly writtenOnly?: boolean;
  /** An encoding that the processor knows and assemblers do not write. */
  readonly decodedOnly?: boolean;
  /**
   * Operand size is 64 in 64-bit mode without REX.W (PUSH, POP); `forced`: and 66h is ignored there (near branches).
   * The manual's d64 and f64 (SDM Vol. 2, appendix A).
   */
  readonly default64?: boolean | "forced";
  /** May carry LOCK (memory destination). */
  readonly lockable?: boolean;
  /** String instruction: REP counts rCX; `equal` also ends on ZF (REPE/REPNE). The engine repeats, the row does one step. */
  readonly repeat?: "count" | "equal";
  /** Accesses memory that no operand shows (XLAT, MONITOR): address size and segment can be written as prefixes. */
  readonly implicitMemory?: boolean;
  readonly semantics: Semantics;
}

/** One instruction form: everything that is true of it. Assembler, disassembler, engines, editor and docs derive from it. */
export interface Row extends Required<Omit<RowFacts, "repeat" | "feature" | "intercept">> {
  readonly feature: Feature | undefined;
  readonly intercept: InstructionIntercept | undefined;
  readonly repeat: "none" | "count" | "equal";
  /** The manual's opcode column, e.g. `0F 01 /4`. */
  readonly opcode: string;
  /** The manual's instruction column, e.g. `SMSW r/m16`. */
  readonly syntax: string;
  /** Lower-case. */
  readonly mnemonic: string;
  readonly pattern: OpcodePattern;
  readonly operands: readonly OperandPattern[];
  /** Its family: the file it is written in, for hot/cold decisions and docs. */
  readonly family: Family;
}

/** A row of the table; throws at load time where opcode and syntax contradict each other. */
export function row(family: Family, opcode: string, syntax: string, facts: RowFacts): Row {
  const pattern = parseOpcode(opcode);
  const { mnemonic, operands } = parseSyntax(syntax, pattern);
  const needsModrm = operands.some((o) => o.place === "rm" || o.place === "reg");
  if (needsModrm !== pattern.hasModrm && !(pattern.digit !== undefined && operands.length === 0))
    throw new Error(`${syntax}: opcode "${opcode}" and operands disagree about ModRM`);
  return {
    feature: undefined,
    intercept: undefined,
    privilege: "none",
    sensitivity: innocuous,
    exits: never,
    access: operands.map((_, n) => (n === 0 ? "rw" : "r")),
    undefinedFlags: [],
    modes: "all",
    protectedOnly: false,
    writtenOnly: false,
    decodedOnly: false,
    default64: false,
    lockable: false,
    implicitMemory: facts.repeat !== undefined,
    ...facts,
    repeat: facts.repeat ?? "none",
    opcode,
    syntax,
    mnemonic,
    pattern,
    operands,
    family,
  };
}

/**
 * Popek and Goldberg's condition fails on these: sensitive, but not privileged. Derived, never stored. What only an
 * option makes privileged (CR4.UMIP, CR4.TSD) counts as unprivileged, for both are off after reset.
 */
export const isVirtualizationHole = (r: Row): boolean =>
  r.sensitivity.kind !== "innocuous" && (r.privilege === "none" || r.privilege === "umip" || r.privilege === "tsd");

/**
 * What VT-x decides of before the privilege is checked: MOV DR leaves before that, and before CR4.DE (SDM Vol. 3, 26.1.3); RDTSCP and INVPCID
 * raise #UD where they are not enabled (26.3).
 */
const decidedFirst: ReadonlySet<InstructionExit> = new Set<InstructionExit>(["DR_ACCESS", "RDTSCP", "INVPCID"]);
export const isDecidedFirst = ({ exits }: Row): boolean => exits.kind === "when" && decidedFirst.has(exits.reason);

/** Whether a monitor of any kind may want to have a say before it executes. */
export const mayLeaveGuest = ({ exits, intercept }: Row): boolean => exits.kind !== "never" || intercept !== undefined;
