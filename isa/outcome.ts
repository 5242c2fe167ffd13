/** What becomes of an instruction that a guest's kernel executes, under each technique: as the table has it. */
import type { InstructionExit, Row } from "./instruction.ts";
import type { Decoded, Operand } from "./operands.ts";
import { silentlyLies } from "./sensitivity.ts";
import type { Technique } from "./technique.ts";

export type Outcome =
  /** The processor executes it, and the guest gets what it would get on its own machine. */
  | "runs"
  /** It leaves the guest; the VMM carries it out. */
  | "traps"
  /** Other instructions are executed in its place. */
  | "rewritten"
  /** The processor executes it, and the guest gets something else. */
  | "silently wrong";

/** Exits that the built-in hypervisors ask for: those that the processor lets them choose. */
const chosenExits: ReadonlySet<InstructionExit> = new Set<InstructionExit>(["HLT", "IO_INSTRUCTION", "RDMSR", "WRMSR"]);

const loadsStackSegment = ({ mnemonic }: Row, [operand]: readonly Operand[]): boolean =>
  mnemonic === "lss" ||
  ((mnemonic === "mov" || mnemonic === "pop") &&
    operand?.kind === "register" &&
    operand.class === "segment" &&
    operand.number === 2);

/**
 * Unprivileged, but the processor does not let it through: gates of the VMM's IDT and selectors of ring 0 below ring 0, system
 * calls by registers that are the VMM's.
 */
const checkedByRing = (row: Row, operands: readonly Operand[]): boolean =>
  /^(int|int3|into|retf|iret[dq]?|syscall|sysenter)$/.test(row.mnemonic) || loadsStackSegment(row, operands);

const trapsDeprivileged = (row: Row, operands: readonly Operand[]): boolean =>
  !["none", "umip", "tsd"].includes(row.privilege) || checkedByRing(row, operands);

/** A far CALL leaves CS on the stack, with the ring in its low bits. */
const leavesRing = ({ mnemonic, sensitivity }: Row): boolean => mnemonic === "call" && sensitivity.kind !== "innocuous";

function deprivileged(row: Row, operands: readonly Operand[]): Outcome {
  if (trapsDeprivileged(row, operands)) return "traps";
  return silentlyLies(row, operands) || leavesRing(row) ? "silently wrong" : "runs";
}

/** What translated code can leave as it is: selectors that are the guest's own, and what does not depend on the ring. */
const ownSelectors: ReadonlySet<number> = new Set([0, 3, 4]);
const independentOfRing: ReadonlySet<string> = new Set(["rdtsc", "rdtscp", "rdpid", "xgetbv"]);

function readsOwnSelector({ mnemonic }: Row, operands: readonly Operand[]): boolean {
  const source = operands[mnemonic === "push" ? 0 : 1];
  return source?.kind === "register" && source.class === "segment" && ownSelectors.has(source.number);
}

function translated(row: Row, operands: readonly Operand[]): Outcome {
  // The counters are the machine's: what asks for them traps by itself.
  if (row.mnemonic === "rdpmc") return "traps";
  const innocuous = row.sensitivity.kind === "innocuous" || independentOfRing.has(row.mnemonic);
  return innocuous || readsOwnSelector(row, operands) ? "runs" : "rewritten";
}

const isControl = (operand: Operand | undefined, number: number): boolean =>
  operand?.kind === "register" && operand.class === "control" && operand.number === number;

/** What a VMM with shadow page tables must see: loads and reads of CR3, changes of how tables are read (CR4.PSE, …), flushes. */
const aboutPaging = ({ exits: exit }: Row, operands: readonly Operand[]): boolean =>
  exit.kind === "when" &&
  (exit.reason === "INVLPG" ||
    exit.reason === "INVPCID" ||
    operands.some((operand) => isControl(operand, 3)) ||
    isControl(operands[0], 4));

/**
 * AMD-V has no read shadows: a VMM with shadow page tables must see every access to CR3 and CR4, and to CR0 while that is not what
 * the guest believes (with paging and WP on it is).
 */
const showsPaging = ({ mnemonic, intercept }: Row, operands: readonly Operand[]): boolean =>
  intercept === "CR0_READ" ||
  mnemonic === "clts" ||
  mnemonic === "lmsw" ||
  operands.some((operand) => [0, 3, 4].some((number) => isControl(operand, number)));

const exits = ({ exits: exit }: Row): boolean =>
  exit.kind === "always" || (exit.kind === "when" && chosenExits.has(exit.reason));

/** What becomes of an instruction of a guest's kernel (32-bit, ring 0 as the guest believes) under a technique. */
export function outcomeOf(
  { row, operands }: Pick<Decoded, "row" | "operands">,
  { kernel, memory }: Technique,
): Outcome {
  if (kernel === "native") return "runs";
  if (kernel === "deprivileged" || kernel === "hypercalls") return deprivileged(row, operands);
  if (kernel === "translated") return translated(row, operands);
  if (exits(row)) return "traps";
  if (memory !== "shadow") return "runs";
  const seen = aboutPaging(row, operands) || (kernel === "svm-guest" && showsPaging(row, operands));
  return seen ? "traps" : "runs";
}
