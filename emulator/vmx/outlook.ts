import { format } from "../../isa/format.ts";
import { isDecidedFirst } from "../../isa/instruction.ts";
import type { Decoded, Operand } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { forbidden, isSensitive, missing, peekTable, raising } from "../cpu/outlook.ts";
import { segmentOf } from "../cpu/state.ts";
import { type Outlook, resolved, type Why } from "../trace/event.ts";
import { isOn } from "./controls.ts";
import type { Decision } from "./exit-decision.ts";
import type { Attempt } from "./exit-rules.ts";
import { instructionAttempt } from "./instruction-attempt.ts";
import { effectiveOffset } from "./instruction-facts.ts";
import type { NonRootGuest } from "./non-root-guest.ts";

const manual = "SDM Vol. 3, 26.1: Instructions That Cause VM Exits";

/** The operand of LMSW as memory has it now, without an access that could fault or leave the guest. */
function peekWord(cpu: Cpu, operand: Operand): number {
  if (operand.kind === "memory")
    return peekTable(cpu, cpu.wrap(cpu.bases[segmentOf(operand.segment)]! + effectiveOffset(cpu, operand)));
  return operand.kind === "register" ? Number(cpu.r64[operand.number]! & 0xffffn) : 0;
}

export interface NonRootQuestions {
  readonly guest: NonRootGuest;
  /** Why the instruction raises #UD before it could exit; undefined if it does not. */
  readonly undefinedBecause: (decoded: Decoded) => Why | undefined;
}

/** MOV DR leaves whoever executes it. */
const leavesFirst = ({ vmcs }: NonRootGuest, { row: { exits } }: Decoded): boolean =>
  exits.kind === "when" && exits.reason === "DR_ACCESS" && isOn(vmcs, "movDrExiting");

/** What becomes of an instruction in VMX non-root operation: exceptions by privilege first, then the controls (SDM Vol. 3, 26.1.1). */
export function nonRootOutlook({ guest, undefinedBecause }: NonRootQuestions, decoded: Decoded): Outlook {
  const { cpu } = guest;
  const decide = (attempt: Attempt): Decision => guest.decide(attempt);
  const { exits } = decoded.row;
  const sensitive = isSensitive(decoded.row);
  const text = format(decoded);
  const undefinedWhy = undefinedBecause(decoded) ?? (exits.kind === "never" ? missing(decoded) : undefined);
  const comesFirst = isDecidedFirst(decoded.row) && (undefinedWhy !== undefined || leavesFirst(guest, decoded));
  const refused = comesFirst ? undefined : forbidden(cpu, decoded);
  if (refused) return faulting(decide, text, refused.fault.vector, refused.fault.errorCode, refused.why);
  if (undefinedWhy) return faulting(decide, text, 6, undefined, undefinedWhy);
  if (exits.kind === "never") return { outcome: "runs", what: text, why: neverWhy(decoded), sensitive };
  const { attempt, what, first, second } = instructionAttempt(guest, decoded, exits.reason, (operand) =>
    peekWord(cpu, operand),
  );
  const { exits: leaves, why } = decide(attempt);
  return {
    outcome: leaves ? "leaves" : "runs",
    what: resolved(what, { qualification: 0n, first: first ?? 0, second: second ?? 0 }),
    why,
    sensitive,
  };
}

/** The guest's exception comes before any exit; whether that leaves the guest is for the exception bitmap to say. */
function faulting(
  decide: NonRootGuest["decide"],
  what: string,
  vector: number,
  errorCode: number | undefined,
  why: Why,
): Outlook {
  return raising(what, vector, why, decide({ reason: "EXCEPTION_NMI", vector, errorCode }));
}

function neverWhy({ row }: Decoded): Why {
  const name = row.mnemonic.toUpperCase();
  const because = row.exits.kind === "never" ? row.exits.because : undefined;
  return {
    sentence: `${name} stays in the guest: ${because ?? "no control of VT-x makes it leave"}.`,
    rule: "no control exists",
    source: manual,
  };
}
