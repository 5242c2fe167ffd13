import type { MachineEvent } from "./event.ts";

type Exit = Pick<MachineEvent & { kind: "exit" }, "number" | "technique" | "qualification" | "fields" | "reason">;

/** Exceptions that push an error code (SDM Vol. 3, table 6-1). */
const withErrorCode = /^#(DF|TS|NP|SS|GP|PF|AC)$/;

/**
 * What an exit said of itself: the exit qualification, AMD-V's EXITINFO1, or the error code where the hypervisor is entered by an
 * exception. Undefined: there is none under that technique, or for that reason.
 */
export function exitQualification({ number, technique, qualification, fields, reason }: Exit) {
  const value = `${qualification}h`;
  if (number < 0) return withErrorCode.test(reason) ? { title: "Error code", value } : undefined;
  const none = fields.length === 0 && /^0*$/.test(qualification);
  return {
    title: technique.startsWith("svm") ? "EXITINFO1" : "Exit qualification",
    value: none ? `${value}, none for this reason` : value,
  };
}
