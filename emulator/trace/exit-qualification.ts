import type { MachineEvent } from "./event.ts";

type Exit = Pick<MachineEvent & { kind: "exit" }, "number" | "technique" | "qualification" | "fields" | "reason">;

/** Exceptions that push an error code (SDM Vol. 3, table 6-1). */
const withErrorCode = /^#(DF|TS|NP|SS|GP|PF|AC)$/;

/** What an exit said of itself, and what that is called. */
export interface ExitQualification {
  readonly title: "Exit qualification" | "EXITINFO1" | "Error code";
  /** Hexadecimal, with an h. */
  readonly value: string;
  /** The processor says nothing there for this reason. */
  readonly none: boolean;
}

/**
 * The exit qualification, AMD-V's EXITINFO1, or the error code where the hypervisor is entered by an exception. Undefined: there is
 * none under that technique, or for that reason.
 */
export function exitQualification(exit: Exit): ExitQualification | undefined {
  const { number, technique, qualification, fields, reason } = exit;
  const value = `${qualification.toUpperCase()}h`;
  if (number < 0) return withErrorCode.test(reason) ? { title: "Error code", value, none: false } : undefined;
  const none = fields.length === 0 && /^0*$/.test(qualification);
  return { title: technique.startsWith("svm") ? "EXITINFO1" : "Exit qualification", value, none };
}

/** What is beside it: an error code that is told already is not told again. */
export const exitFields = ({ fields, number }: Pick<Exit, "fields" | "number">): Exit["fields"] =>
  number < 0 ? fields.filter(({ name }) => name !== "Error code") : fields;
