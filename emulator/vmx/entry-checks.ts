import type { Why } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import { fixedCr4 } from "./capabilities.ts";
import { controlChecks } from "./entry-checks-controls.ts";
import { guestChecks } from "./entry-checks-guest.ts";
import { hostChecks } from "./entry-checks-host.ts";
import { instructionErrors } from "./exit-reasons.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

/** The processor that enters, as far as checks ask. */
export interface Entering {
  /** It is in IA-32e mode. */
  readonly longMode: boolean;
  /** The bits of CR4 that it has. */
  readonly cr4: bigint;
  /** Reads host-physical memory. Default: checks of what is in memory hold. */
  readonly read32?: (address: number) => number;
}
/** The processor as the built-in VMM enters from it. */
export const builtIn: Entering = { longMode: true, cr4: fixedCr4.may };

/** One check that the processor makes of the VMCS on VM entry. */
export interface EntryCheck {
  readonly id: string;
  /** The field that is at fault if it fails. */
  readonly field: VmcsField;
  /** What must hold, as a sentence. */
  readonly sentence: string;
  readonly holds: (vmcs: Vmcs, by: Entering) => boolean;
  /** Exit qualification of a failed guest check; default 0. */
  readonly qualification?: number;
  /** What of the field is at fault, as a sentence, where its value does not show that well. */
  readonly culprit?: (vmcs: Vmcs) => string;
}

/** Controls and host state fail with VMfailValid and an instruction error; guest state with an exit, bit 31 set. */
export type EntryFailure =
  | { readonly kind: "vmfail"; readonly error: 7 | 8; readonly check: EntryCheck }
  | { readonly kind: "exit"; readonly reason: 33; readonly qualification: number; readonly check: EntryCheck };

/** The three groups in the order the processor makes them (SDM Vol. 3, 27.2 and 27.3). */
export const entryChecks = { controls: controlChecks, host: hostChecks, guest: guestChecks } as const;

const failing = (checks: readonly EntryCheck[], vmcs: Vmcs, by: Entering): EntryCheck | undefined =>
  checks.find((check) => !check.holds(vmcs, by));

/** The first check that does not hold, and how the entry fails by it; undefined if the guest can be entered. */
export function checkEntry(
  vmcs: Vmcs,
  checks: Readonly<Record<keyof typeof entryChecks, readonly EntryCheck[]>> = entryChecks,
  by: Entering = builtIn,
): EntryFailure | undefined {
  const control = failing(checks.controls, vmcs, by);
  if (control) return { kind: "vmfail", error: 7, check: control };
  const host = failing(checks.host, vmcs, by);
  if (host) return { kind: "vmfail", error: 8, check: host };
  const guest = failing(checks.guest, vmcs, by);
  if (guest) return { kind: "exit", reason: 33, qualification: guest.qualification ?? 0, check: guest };
  return undefined;
}

/** "VM entry failed (invalid guest state): CS selector … (Guest CS access rights 4816h = 9Bh)" */
export function entryFailureText(vmcs: Vmcs, failure: EntryFailure): string {
  const kind =
    failure.kind === "exit"
      ? "exit reason 33, invalid guest state"
      : `VM-instruction error ${failure.error}, ${instructionErrors[failure.error]}`;
  const { field, sentence, id, culprit } = failure.check;
  const value = vmcs.get(field).toString(16).toUpperCase();
  return `VM entry failed (${kind}): ${sentence} Check ${id}: ${vmcsFields[field].name} ${encodingText(field)} = ${value}h.${culprit ? ` ${culprit(vmcs)}` : ""}`;
}

/** A failed check of the guest's state as the exit that it is: of no guest that ran. */
export function failedCheckExit(vmcs: Vmcs, { check, qualification }: EntryFailure & { readonly kind: "exit" }) {
  const why: Why = {
    sentence: check.sentence,
    rule: `${vmcsFields[check.field].name} ${encodingText(check.field)} = ${hex(vmcs.get(check.field))}`,
    source: "SDM Vol. 3, 27.3.1: Checks on the Guest State Area",
  };
  const reason = "VMENTRY_FAILURE_GUEST_STATE";
  return { reason, qualification: BigInt(qualification), what: `check ${check.id} failed`, why } as const;
}
