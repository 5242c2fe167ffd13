import type { Assembly, Problem } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { flowOf } from "../analysis/flow.ts";
import { isFarTransfer } from "../analysis/transitional-rows.ts";

const loadsSelector = (row: Row): boolean => {
  const [to] = row.operands;
  return isFarTransfer(row) || row.mnemonic === "lss" || to?.kind === "segment" || to?.register?.class === "segment";
};

/**
 * Far transfers, and loads of SS, with a selector that the processor refuses: the GDT that LGDT loaded is in the program, as constant
 * data.
 */
export function badSelector(assembly: Assembly): Problem[] {
  const loads = assembly.mentionsOf(loadsSelector);
  if (loads.length === 0) return [];
  const flow = flowOf(assembly);
  return loads.flatMap((mention): Problem[] => {
    const why = flow.selectorFault(mention);
    if (why === undefined) return [];
    const message = `${mention.mnemonic.toUpperCase()} faults here: ${why}. Use the selector of another descriptor, or correct the descriptor in the GDT. (Intel SDM Vol. 3, Segment Descriptors; Privilege Levels.)`;
    return [{ code: "bad-selector", severity: "warning", message, range: mention.range }];
  });
}
