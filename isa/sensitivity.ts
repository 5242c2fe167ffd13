import { isVirtualizationHole, type Row } from "./instruction.ts";
import type { Decoded, Operand } from "./operands.ts";
import { type Technique, type TechniqueId, techniqueById, techniques } from "./technique.ts";

/** How much an instruction endangers a guest: it silently lies, it may matter, it is harmless. */
export type Grade = "warning" | "information" | "none";

export interface Grading {
  readonly grade: Grade;
  /** What the instruction reveals or changes, under which techniques that breaks the guest, and why not under others. */
  readonly sentence: string;
}

type Kernel = Technique["kernel"];

/** Where the guest kernel runs deprivileged and unchanged code is run as it is, unprivileged instructions do not trap. */
const breaksUnder: ReadonlySet<Kernel> = new Set<Kernel>(["deprivileged", "hypercalls"]);

/** Why a hole does no harm, or how it does, by how the guest kernel runs. Completes "Under X …". */
const because: Record<Kernel, string> = {
  native: "the kernel owns the machine, so what it sees is true",
  deprivileged: "the kernel runs at CPL > 0, where this does not trap",
  translated: "the translator replaces it in kernel code; user code is run as it is",
  hypercalls: "the kernel runs at CPL > 0, where this does not trap unless a hypercall replaces it",
  "vmx-non-root": "the guest runs at CPL 0 in non-root operation, with these registers and tables of its own",
  "svm-guest": "the guest runs at CPL 0 under VMRUN, with these registers and tables of its own",
};

const CS = 1;
const SS = 2;
const tellsRing = (operand: Operand | undefined): boolean =>
  operand?.kind === "register" && operand.class === "segment" && (operand.number === CS || operand.number === SS);

/**
 * Whether an unprivileged instruction of a deprivileged kernel gives or does something else, without a trap. MOV r, CS and
 * MOV r, SS tell the privilege level; the same forms with other segment registers do not.
 */
export const silentlyLies = ({ sensitivity }: Row, operands: readonly Operand[]): boolean =>
  sensitivity.kind !== "innocuous" && (sensitivity.silentlyLies === true || tellsRing(operands[1]));

/** What makes an unprivileged instruction trap after all. */
function option({ privilege, mnemonic }: Row): string {
  if (privilege === "umip") return ` With CR4.UMIP set it raises #GP at CPL > 0 and can be emulated.`;
  if (privilege === "tsd") return ` With CR4.TSD set it raises #GP at CPL > 0 and can be emulated.`;
  return mnemonic === "cpuid" ? " With CPUID faulting it raises #GP at CPL > 0 and can be emulated." : "";
}

/** Why an instruction that is no hole needs no grade. */
function noHole({ sensitivity, privilege }: Row): string {
  if (sensitivity.kind === "innocuous")
    return "It is innocuous: it neither changes nor depends on what a virtual machine monitor must own.";
  const traps = {
    iopl: "It traps where CPL > IOPL",
    io: "It traps where CPL > IOPL, unless the task's I/O bitmap allows the port",
    pce: "It traps at CPL > 0 unless CR4.PCE is set",
    "cpl0-ud": "It traps at CPL > 0 (#UD)",
    cpl0: "It traps at CPL > 0 (#GP)",
  } as const satisfies Partial<Record<typeof privilege, string>>;
  const rule = privilege in traps ? traps[privilege as keyof typeof traps] : "It traps";
  return `It ${sensitivity.what}. ${rule}, so a monitor can emulate it.`;
}

/** A technique's title within a sentence: "trap and emulate", but "VT-x with EPT". */
const within = ({ title }: Technique): string =>
  /^[A-Z][a-z]/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;

const breaking = techniques
  .filter(({ kernel }) => breaksUnder.has(kernel))
  .map(within)
  .join(" and ");

const harmless = "VT-x and AMD-V, where the guest has these registers and tables to itself";

/**
 * Grades an instruction under a technique: `warning` where it silently gives or does something else, `information` where
 * it may, `none` where it is harmless. Without a technique it is graded for the ones that it breaks under.
 * Instructions beyond Robin and Irvine's list are graded like those on it. Throws a RangeError for an unknown technique.
 */
export function gradeOf(
  { row, operands }: Pick<Decoded, "row" | "operands">,
  technique: TechniqueId | undefined,
): Grading {
  const under = technique === undefined ? undefined : techniqueById(technique);
  if (technique !== undefined && !under) throw new RangeError(`no technique "${technique}"`);
  if (row.sensitivity.kind === "innocuous" || !isVirtualizationHole(row))
    return { grade: "none", sentence: noHole(row) };
  const what = `It ${row.sensitivity.what}.`;
  if (under && !breaksUnder.has(under.kernel)) {
    const where = `${under.kernel === "native" ? "On" : "Under"} ${within(under)}`;
    return {
      grade: "none",
      sentence: `${what} ${where} ${because[under.kernel]}: harmless. It breaks guests under ${breaking}.`,
    };
  }
  const where = under ? within(under) : breaking;
  const lies = silentlyLies(row, operands);
  const harm = lies
    ? "so the guest silently gets another result than on its own machine"
    : "so a guest that depends on it goes wrong; most uses are harmless";
  const elsewhere = under ? "" : ` Harmless under ${harmless}.`;
  return {
    grade: lies ? "warning" : "information",
    sentence: `${what} Under ${where} ${because[under?.kernel ?? "deprivileged"]}, ${harm}.${elsewhere}${option(row)}`,
  };
}
