import { exitReasonNamed } from "../../vmx/exit-reasons.ts";
import type { Exit } from "../../vmx/non-root-guest.ts";
import { qualificationFields } from "../../vmx/qualification.ts";
import type { ExitBody } from "../dispatcher.ts";

/** What is recorded of a VM exit. */
export const exitBody = ({ reason, vector, qualification = 0, what, why, first, second }: Exit): ExitBody => ({
  reason,
  number: exitReasonNamed(reason).number,
  qualification,
  fields: qualificationFields(reason, vector),
  what,
  why,
  first,
  second,
});
