import type { Assembly, Problem } from "../../assembler/index.ts";
import { isVirtualizationHole } from "../../isa/instruction.ts";
import { gradeOf } from "../../isa/sensitivity.ts";
import type { TechniqueId } from "../../isa/technique.ts";

/**
 * Instructions that break Popek and Goldberg's condition: sensitive, but nothing traps. Graded by technique: a warning
 * where they silently give something else, information where they may, nothing where they are harmless.
 */
export function sensitiveUnprivileged(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  return assembly.mentionsOf(isVirtualizationHole).flatMap((mention): Problem[] => {
    const { decoded, mnemonic, range } = mention;
    if (!decoded) return [];
    const { grade, sentence } = gradeOf(decoded, technique);
    if (grade === "none") return [];
    const message = `${mnemonic.toUpperCase()} is sensitive but not privileged. ${sentence}`;
    return [{ code: "sensitive-unprivileged", severity: grade, message, range }];
  });
}
