import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import type { Privilege, Row } from "../../isa/instruction.ts";
import { flowOf, type Known } from "../analysis/flow.ts";

/** Why an instruction faults at a ring above 0; undefined if it does not, or that is not known. */
type Rule = (known: Known & { readonly cpl: 1 | 2 | 3 }) => string | undefined;

const zeroOnly =
  (fault: string): Rule =>
  ({ cpl }) =>
    `it needs CPL 0 and is reached at CPL ${cpl}: ${fault}`;

const rules: Readonly<Record<Exclude<Privilege, "none">, Rule>> = {
  cpl0: zeroOnly("#GP(0)"),
  "cpl0-ud": zeroOnly("#UD"),
  iopl: ({ cpl, iopl }) =>
    iopl !== undefined && cpl > iopl ? `it needs CPL ≤ IOPL, and CPL is ${cpl}, IOPL ${iopl}: #GP(0)` : undefined,
  // The I/O permission bitmap may allow it.
  io: () => undefined,
  umip: ({ cpl, umip }) => (umip ? `CR4.UMIP is set and CPL is ${cpl}: #GP(0)` : undefined),
  tsd: ({ cpl, timestampsDisabled }) => (timestampsDisabled ? `CR4.TSD is set and CPL is ${cpl}: #GP(0)` : undefined),
  pce: () => undefined,
};

const inRing = (known: Known): known is Known & { readonly cpl: 1 | 2 | 3 } =>
  known.cpl !== undefined && known.cpl > 0 && known.mode !== "real";

function faultOf(row: Row, known: Known): string | undefined {
  if (row.protectedOnly && (known.mode === "real" || known.mode === "virtual-8086"))
    return `it does not exist in ${known.mode === "real" ? "real" : "virtual-8086"} mode: #UD`;
  return row.privilege === "none" || !inRing(known) ? undefined : rules[row.privilege](known);
}

const mayFault = (row: Row): boolean => row.privilege !== "none" || row.protectedOnly;

/**
 * Instructions that raise an exception in the mode and ring in which they are reached. A paravirtual guest's kernel is above
 * ring 0 by design: of it only processes are looked at.
 */
export function privilegeFault(assembly: Assembly): Problem[] {
  if (assembly.settings.mode === "xen") return [];
  const mentions = assembly.mentionsOf(mayFault);
  if (mentions.length === 0) return [];
  const flow = flowOf(assembly);
  return mentions.flatMap((mention: InstructionMention): Problem[] => {
    const known = flow.at(mention);
    const fault = known && faultOf(mention.row!, known);
    if (fault === undefined) return [];
    const message = `${mention.mnemonic.toUpperCase()} faults here: ${fault}. Leave it to the kernel, or reach it in the right mode and ring.`;
    return [{ code: "privilege-fault", severity: "warning", message, range: mention.range }];
  });
}
