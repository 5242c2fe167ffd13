import { format } from "../../isa/format.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { forbidden, isSensitive, missing, raising } from "../cpu/outlook.ts";
import { type Later, type Outlook, resolved } from "../trace/event.ts";
import { type InstructionAttempt, instructionAttempt } from "./instruction-attempt.ts";
import type { Attempt, Decision } from "./intercept-rules.ts";

const manual = "APM Vol. 2, 15.9: Instruction Intercepts";
const undefinedOpcode = 6;

/** What becomes of an instruction in a guest of AMD-V: exceptions by privilege first, then the intercepts (APM Vol. 2, 15.7). */
export function guestOutlook(cpu: Cpu, decide: (attempt: Attempt) => Decision, decoded: Decoded): Outlook {
  const text = format(decoded);
  const refused = forbidden(cpu, decoded);
  const faulting = (vector: number, why: Outlook["why"]): Outlook => {
    const { exits, why: then } = decide({ kind: "exception", vector });
    return raising(text, vector, why, { exits, why: now(then) });
  };
  if (refused) return faulting(refused.fault.vector, refused.why);
  const sensitive = isSensitive(decoded.row);
  const found = instructionAttempt(cpu, decoded);
  const decision = found && decide(found.attempt);
  if (found && decision?.exits) return { outcome: "leaves", what: textOf(found), why: now(decision.why), sensitive };
  const lacking = missing(decoded);
  if (lacking) return faulting(undefinedOpcode, lacking);
  if (found && decision) return { outcome: "runs", what: textOf(found), why: now(decision.why), sensitive };
  const sentence = `${decoded.row.mnemonic.toUpperCase()} stays in the guest: AMD-V has no intercept for it.`;
  return { outcome: "runs", what: text, why: { sentence, rule: "no intercept exists", source: manual }, sensitive };
}

const now = <T extends object>(later: Later<T>): T => resolved(later, { qualification: 0n, first: 0, second: 0 });

const textOf = ({ what, first, info1 }: InstructionAttempt): string =>
  resolved(what, { qualification: BigInt(info1?.() ?? 0), first: first ?? 0, second: 0 });
