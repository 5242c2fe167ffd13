import type { TechniqueId } from "../../../isa/technique.ts";
import type { ExitForm } from "../../trace/event.ts";
import { type EntryFailure, entryFailureText, failedCheckExit } from "../../vmx/entry-checks.ts";
import { entryFailureBit, exitReasonNamed } from "../../vmx/exit-reasons.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { failedMsrExit } from "../../vmx/msr-areas.ts";
import { qualificationFields } from "../../vmx/qualification.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import type { VmmContext } from "../context.ts";

type FailedExit = ReturnType<typeof failedCheckExit> | ReturnType<typeof failedMsrExit>;

/** The processor refused to enter: the guest cannot go on. */
export function entryFailed(context: VmmContext, technique: TechniqueId, vmcs: Vmcs, failure: EntryFailure): void {
  if (failure.kind === "vmfail") vmcs.set("instructionError", failure.error);
  else recordFailure(context, technique, vmcs, failedCheckExit(vmcs, failure));
  context.stop("vm-entry-failure", entryFailureText(vmcs, failure));
}

/** An MSR of the entry's area could not be loaded: the one with this number, from 1. */
export function msrLoadFailed(
  context: VmmContext,
  technique: TechniqueId,
  vmcs: Vmcs,
  { memory, number }: { readonly memory: HostMemory; readonly number: number },
): void {
  const exit = failedMsrExit(memory, vmcs, number);
  recordFailure(context, technique, vmcs, exit);
  context.stop("vm-entry-failure", `VM entry failed (exit reason 34, MSR loading): ${exit.why.sentence} ${exit.what}.`);
}

function recordFailure(context: VmmContext, technique: TechniqueId, vmcs: Vmcs, exit: FailedExit): void {
  const { reason, qualification, what, why } = exit;
  const { number } = exitReasonNamed(reason);
  vmcs.set("exitReason", (number | entryFailureBit) >>> 0);
  vmcs.set("exitQualification", qualification);
  const fields = qualificationFields(reason, undefined);
  const form: ExitForm = { kind: "exit", reason, number, fields, what, why, technique };
  context.recordExit(form, qualification, 0, 0);
}
