import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { type Technique, type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { flowOf } from "../analysis/flow.ts";

export const isHypercall = ({ mnemonic }: Row): boolean => mnemonic === "vmcall" || mnemonic === "vmmcall";

/** Starts virtual machines of its own: its VMCALLs may be those of its guest. */
const startsGuests = ({ mnemonic }: Row): boolean => /^(vmxon|vmlaunch|vmresume|vmrun)$/.test(mnemonic);

export const isHypervisor = (assembly: Assembly): boolean => assembly.mentionsOf(startsGuests).length > 0;

const answers: ReadonlySet<Technique["kernel"]> = new Set<Technique["kernel"]>(["vmx-non-root", "svm-guest"]);

/**
 * A hypercall that is reached without asking CPUID for a hypervisor. Where nobody takes it it raises #UD; under a technique
 * that takes it, it is worth knowing only.
 */
export function uncheckedHypercall(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  const calls = assembly.mentionsOf(isHypercall);
  if (calls.length === 0 || isHypervisor(assembly)) return [];
  const under = technique && techniqueById(technique);
  if (under?.kernel === "hypercalls") return [];
  const flow = flowOf(assembly);
  const isUnchecked = (mention: InstructionMention): boolean => flow.at(mention)?.asked === false;
  return calls.filter(isUnchecked).map(({ mnemonic, range }) => {
    const name = mnemonic.toUpperCase();
    const answered = under && answers.has(under.kernel);
    const where = answered
      ? "This technique answers it; another machine may not"
      : "Where no hypervisor takes it, it raises #UD";
    const message = `${name} is reached without asking CPUID whether there is a hypervisor, and which. ${where}. Ask first: leaf 1, ECX bit 31, then leaf 40000000h. (Intel SDM Vol. 3, VMCALL; Linux, hypercalls.rst.)`;
    return { code: "unchecked-hypercall", severity: answered ? "information" : "warning", message, range };
  });
}
