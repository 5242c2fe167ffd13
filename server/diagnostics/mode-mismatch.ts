import type { Assembly, Problem } from "../../assembler/index.ts";
import { flowOf, type Known } from "../analysis/flow.ts";

const modeNames: Readonly<Record<NonNullable<Known["mode"]>, string>> = {
  real: "real mode",
  "virtual-8086": "virtual-8086 mode",
  protected: "protected mode",
  long: "long mode",
};

/** How the processor will decode, where it is known to be otherwise than as assembled. */
function decodedAs(bits: number, { code, mode }: Known): string | undefined {
  if (bits === 64 && mode !== undefined && mode !== "long") return `${modeNames[mode]}, where there is no 64-bit code`;
  if (code === undefined || code === bits) return undefined;
  return `${mode ? `${modeNames[mode]} with ` : ""}a ${code}-bit code segment`;
}

function remedy(bits: number, { code, mode }: Known): string {
  if (bits === 64 && mode !== "long") return "Set CR4.PAE, EFER.LME and CR0.PG, and jump to a 64-bit code segment";
  if (mode === "real") return "Set CR0.PE and jump to a code segment of this size (jmp dword SELECTOR:LABEL)";
  return `Write bits ${code}, or jump to a ${bits}-bit code segment (jmp SELECTOR:LABEL)`;
}

/**
 * Code that the processor does not decode as it was assembled: `bits 32` reached in real mode. Marked where it begins.
 */
export function modeMismatch(assembly: Assembly): Problem[] {
  const problems: Problem[] = [];
  for (const run of flowOf(assembly).strangers()) {
    let before: string | undefined;
    for (const [{ bits, range }, known] of run) {
      const where = decodedAs(bits, known);
      if (where !== undefined && where !== before) {
        const message = `This is assembled as ${bits}-bit code, but reached in ${where}: the processor will decode other instructions. ${remedy(bits, known)}.`;
        problems.push({ code: "mode-mismatch", severity: "warning", message, range });
      }
      before = where;
    }
  }
  return problems;
}
