import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import { resolved } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import type { Exit } from "./non-root-guest.ts";
import type { VmxOperation } from "./operation.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";

/**
 * The mistake of every first hypervisor: it handles an exit and resumes its guest at the instruction that exited, which exits
 * again, for ever. It shows at the second exit: only there it is certain that the hypervisor has not let the instruction run this time.
 */

/** What is known of the instruction that made the guest of a VMCS leave last. */
const stage = {
  none: 0,
  /** It left. */
  left: 1,
  /** The guest was resumed at it, and nothing was injected. */
  resumed: 2,
  /** It left again, and that has been told. */
  told: 3,
} as const;

const stagePlace = layout.repeatedExitStage >> 2;
const reasonPlace = layout.repeatedExitReason >> 2;
const addressPlace = layout.repeatedExitAddress >> 3;
const vmcsPlace = layout.repeatedExitVmcs >> 3;
const retiredPlace = layout.repeatedExitRetired >> 3;

const retired = ({ f64 }: Cpu): number => f64[layout.steps >> 3]! - f64[layout.unretired >> 3]!;

/** Linear address of the guest's instruction pointer. */
const guestAddress = (vmcs: Vmcs): bigint => BigInt.asUintN(64, vmcs.get("guestCsBase") + vmcs.get("guestRip"));

/** Bits of the qualification of IN and OUT: a string instruction with REP exits once for each element, at the same place. */
const repeatedString = 0x30;

/** Is it an exit after which whoever has done the instruction's work must step over it? */
function wantsStep({ reason, instructionLength, qualification }: Exit): boolean {
  if (instructionLength === undefined || exitReasonNamed(reason).kind !== "fault") return false;
  if (reason === "IO_INSTRUCTION") return (Number(qualification ?? 0) & repeatedString) !== repeatedString;
  // Exceptions, task switches and APIC accesses have a length, too, but may be retried.
  return reason !== "EXCEPTION_NMI" && reason !== "TASK_SWITCH" && reason !== "APIC_ACCESS";
}

function isSamePlace({ cpu }: VmxOperation, vmcs: Vmcs): boolean {
  return cpu.f64[vmcsPlace] === vmcs.address && cpu.r64[addressPlace] === guestAddress(vmcs);
}

/** The guest is being entered. */
export function noteEntry(vmx: VmxOperation, vmcs: Vmcs): void {
  const { r32, f64 } = vmx.cpu;
  if (r32[stagePlace] === stage.none) return;
  const injects = vmcs.number("entryInterruptionInfo") >>> 31 === 1;
  if (injects || !isSamePlace(vmx, vmcs)) r32[stagePlace] = stage.none;
  else if (r32[stagePlace] === stage.left) r32[stagePlace] = stage.resumed;
  f64[retiredPlace] = retired(vmx.cpu);
}

/** The guest has left; its state is in the VMCS and the exit is recorded. */
export function noteExit(vmx: VmxOperation, vmcs: Vmcs, exit: Exit): void {
  const { r32, r64, f64 } = vmx.cpu;
  // VMRESUME itself retires.
  const atOnce = retired(vmx.cpu) - f64[retiredPlace]! <= 1;
  const same = atOnce && r32[stagePlace] !== stage.none && isSamePlace(vmx, vmcs);
  if (!wantsStep(exit)) {
    // An interrupt in between does not make it another story.
    if (!same || r32[stagePlace] !== stage.told) r32[stagePlace] = stage.none;
    return;
  }
  const { number } = exitReasonNamed(exit.reason);
  if (same && r32[reasonPlace] === number) {
    if (r32[stagePlace] === stage.resumed) tell(vmx, vmcs, exit);
    return;
  }
  r32[stagePlace] = stage.left;
  r32[reasonPlace] = number;
  f64[vmcsPlace] = vmcs.address;
  r64[addressPlace] = guestAddress(vmcs);
}

function tell({ cpu, context }: VmxOperation, vmcs: Vmcs, exit: Exit): void {
  cpu.r32[stagePlace] = stage.told;
  const { qualification = 0, first = 0, second = 0, instructionLength } = exit;
  const what = resolved(exit.what, { qualification: BigInt(qualification), first, second });
  const address = hex(guestAddress(vmcs));
  context.record({
    kind: "lint",
    code: "not-stepped-over",
    text: `${exit.reason} again, at ${address}: ${what}. The hypervisor has resumed its guest at the instruction that had exited, and has not stepped over it. Before VMRESUME add the VM-exit instruction length (${encodingText("exitInstructionLength")}, here ${instructionLength}) to the guest's RIP (${encodingText("guestRip")}).`,
  });
}
