import type { Assembly, Problem } from "../../assembler/index.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { badSelector } from "./bad-selector.ts";
import { badTableEntry } from "./bad-table-entry.ts";
import { haltWithoutInterrupts } from "./halt-without-interrupts.ts";
import { interruptsNotRestored } from "./interrupts-not-restored.ts";
import { missingEndOfInterrupt } from "./missing-end-of-interrupt.ts";
import { modeMismatch } from "./mode-mismatch.ts";
import { paravirtualOperation } from "./paravirtual-operation.ts";
import { privilegeFault } from "./privilege-fault.ts";
import { selfModifying } from "./self-modifying.ts";
import { sensitiveUnprivileged } from "./sensitive-unprivileged.ts";
import { shadowedTable } from "./shadowed-table.ts";
import { isIgnored, type LineOf } from "./suppression.ts";
import { uncheckedHypercall } from "./unchecked-hypercall.ts";
import { wrongHypercall } from "./wrong-hypercall.ts";

type Diagnose = (assembly: Assembly, technique: TechniqueId | undefined) => readonly Problem[];

/** One diagnostic a file, by its code; each finds its problems in an assembled program. */
const diagnostics = {
  "sensitive-unprivileged": sensitiveUnprivileged,
  "mode-mismatch": modeMismatch,
  "privilege-fault": privilegeFault,
  "bad-selector": badSelector,
  "interrupts-not-restored": interruptsNotRestored,
  "halt-without-interrupts": haltWithoutInterrupts,
  "shadowed-table": shadowedTable,
  "paravirtual-operation": paravirtualOperation,
  "unchecked-hypercall": uncheckedHypercall,
  "wrong-hypercall": wrongHypercall,
  "bad-table-entry": badTableEntry,
  "missing-end-of-interrupt": missingEndOfInterrupt,
  "self-modifying": selfModifying,
} as const satisfies Readonly<Record<string, Diagnose>>;

/** Where in docs/ a code is explained: a section for each diagnostic, a table for what the assembler says. */
export const pageOf = (code: string): string => (code in diagnostics ? `diagnostics.md#${code}` : "problems.md");

/**
 * Everything there is to say of a program: what the assembler found, then what breaks virtualization under the
 * technique (or, without one, under any), but for what comments in the source leave out. The language server and
 * `ringside check` both call this.
 */
export const diagnose = (assembly: Assembly, technique: TechniqueId | undefined, lineOf: LineOf): Problem[] => [
  ...assembly.problems,
  ...Object.values<Diagnose>(diagnostics)
    .flatMap((find) => find(assembly, technique))
    .filter((problem) => !isIgnored(problem, lineOf)),
];
