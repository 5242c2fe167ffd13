import { format } from "../../../isa/format.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isSensitive } from "../../cpu/outlook.ts";
import type { Outlook } from "../../trace/event.ts";
import { trapOutlook } from "../cpu/trap-outlook.ts";
import { ruleFor } from "./rules.ts";

const source = "Adams and Agesen, ASPLOS 2006, section 3";

/** What becomes of an instruction under binary translation: of kernel code by the translator's rule, of a process as it runs. */
export function translationOutlook(cpu: Cpu, decoded: Decoded, interpreted: boolean): Outlook {
  const sensitive = isSensitive(decoded.row);
  const name = decoded.row.mnemonic.toUpperCase();
  const outlook = (outcome: Outlook["outcome"], sentence: string, rule: string): Outlook => ({
    outcome,
    what: format(decoded),
    why: { sentence, rule, source },
    sensitive,
  });
  if (interpreted)
    return outlook("leaves", `The VMM interprets the guest here, and executes ${name} in its stead.`, "interpretation");
  if (cpu.cpl === 3) return trapOutlook(cpu, decoded);
  const rule = ruleFor(decoded);
  if (rule === "callout")
    return outlook(
      "leaves",
      `The translator puts a callout to the VMM in the place of ${name}.`,
      `translation unit of kernel code, rule: ${rule}`,
    );
  const sentence =
    rule === "identical"
      ? `The translator copies ${name} into the cache as it is.`
      : `The translator puts code of its own in place of ${name}, which does the same to the guest's own state.`;
  return outlook("runs", sentence, `translation unit of kernel code, rule: ${rule}`);
}
