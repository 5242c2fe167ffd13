import type { Assembly, Problem } from "../../assembler/index.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { sensitiveUnprivileged } from "./sensitive-unprivileged.ts";

/** One diagnostic a file; each finds its problems in an assembled program. */
const diagnostics: readonly ((assembly: Assembly, technique: TechniqueId | undefined) => readonly Problem[])[] = [
  sensitiveUnprivileged,
];

/**
 * Everything there is to say of a program: what the assembler found, then what breaks virtualization under the
 * technique (or, without one, under any). The language server and `ringside check` both call this.
 */
export const diagnose = (assembly: Assembly, technique: TechniqueId | undefined): Problem[] => [
  ...assembly.problems,
  ...diagnostics.flatMap((find) => find(assembly, technique)),
];
