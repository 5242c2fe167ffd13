import { layout } from "../cpu/layout.ts";
import { tryLoadPdptes } from "../cpu/modes.ts";
import { CR4 } from "../cpu/state.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import type { ExitForm } from "../trace/event.ts";
import { isOn } from "./controls.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import { loadHost } from "./host-state.ts";
import { loadMsrs, storeMsrs } from "./msr-areas.ts";
import type { Exit } from "./non-root-guest.ts";
import type { VmxOperation } from "./operation.ts";
import { eventType, qualificationFields } from "./qualification.ts";
import { noteExit } from "./resume-lint.ts";
import type { Vmcs } from "./vmcs.ts";
import { abortVmx, type VmxAbort } from "./vmx-abort.ts";

const exitEvent = layout.vmxExit >> 3;
const exitCycle = layout.vmxExitCycle >> 3;
const guestTscOffset = layout.guestTscOffset >> 3;
const tscOffset = layout.tscOffset >> 3;
const nmiVector = 2;

const abort = ({ memory, context }: VmxOperation, vmcs: Vmcs, indicator: VmxAbort): void =>
  abortVmx(memory, vmcs, indicator, context.stop);

/** Notes an exit: its event, from which time counts until the next entry. */
function recordExit(vmx: VmxOperation, exit: Exit, number: number): void {
  const { cpu, context } = vmx;
  const { reason, vector, what, why } = exit;
  cpu.f64[exitCycle] = virtualTime(cpu);
  const fields = qualificationFields(reason, vector);
  const form: ExitForm = { kind: "exit", reason, number, fields, what, why, technique: "bare-metal" };
  cpu.f64[exitEvent] = context.recordExit(form, exit.qualification ?? 0, exit.first ?? 0, exit.second ?? 0);
  context.spend(context.costs.exit);
}

const resumeFlagBit = 16;

/** Whether the flags that an event pushes have RF set: those of faults do, and #DB and #DF are none. */
function pushesResumeFlag(information: number): boolean {
  const vector = information & 0xff;
  const isException = ((information >> 8) & 7) === eventType.hardwareException;
  return information >>> 31 === 1 && isException && vector !== 1 && vector !== 8;
}

/** Exits due to an access to memory, at an instruction that begins anew or while an event was delivered. */
const byAccess: ReadonlySet<string> = new Set(["APIC_ACCESS", "EPT_VIOLATION", "EPT_MISCONFIGURATION", "PML_LOGFULL"]);

/** RF as an exit saves it (SDM Vol. 3, 28.3.3); undefined where that is as it is. */
function savedResumeFlag(vmcs: Vmcs, { reason, instructionLength, interruptionInfo = 0 }: Exit): boolean | undefined {
  if (reason === "EXCEPTION_NMI") return pushesResumeFlag(interruptionInfo) || undefined;
  if (byAccess.has(reason)) {
    const vectoring = vmcs.number("idtVectoringInfo");
    return vectoring >>> 31 === 0 || pushesResumeFlag(vectoring) || undefined;
  }
  return instructionLength !== undefined && reason !== "TASK_SWITCH" ? false : undefined;
}

/** A VM exit of software's guest, whose state and exit information are in the VMCS (SDM Vol. 3, chapter 28). */
export function leaveGuest(vmx: VmxOperation, vmcs: Vmcs, exit: Exit): void {
  recordExit(vmx, exit, exitReasonNamed(exit.reason).number);
  const resumes = savedResumeFlag(vmcs, exit);
  if (resumes !== undefined) vmcs.setBit("guestRflags", resumeFlagBit, resumes);
  vmx.checked.remember();
  noteExit(vmx, vmcs, exit);
  if (storeMsrs(vmx.cpu, vmx.memory, vmcs) !== 0) abort(vmx, vmcs, 1);
  else toHost(vmx, vmcs, exit.reason === "EXCEPTION_NMI" && exit.vector === nmiVector);
}

/** An entry that fails while the guest's state is loaded: an exit without a guest (SDM Vol. 3, 27.8). */
export function failEntry(vmx: VmxOperation, vmcs: Vmcs, exit: Exit): void {
  const { number } = exitReasonNamed(exit.reason);
  const entryFailure = 0x8000_0000;
  vmcs.set("exitReason", number + entryFailure);
  vmcs.set("exitQualification", exit.qualification ?? 0);
  recordExit(vmx, exit, number);
  toHost(vmx, vmcs, false);
}

/** Root operation again, with the host's state. */
function toHost(vmx: VmxOperation, vmcs: Vmcs, nmi: boolean): void {
  const { cpu } = vmx;
  if (cpu.longMode && !isOn(vmcs, "hostAddressSpaceSize")) {
    abort(vmx, vmcs, 6);
    return;
  }
  cpu.r64[tscOffset] = BigInt.asUintN(64, cpu.r64[tscOffset]! - cpu.r64[guestTscOffset]!);
  cpu.r64[guestTscOffset] = 0n;
  vmx.stopGuest();
  cpu.r32[layout.vpid >> 2] = 0;
  cpu.tlb.enter(0);
  loadHost(cpu, vmcs, nmi);
  cpu.tlb.switchTo(cpu.pcid);
  cpu.refresh();
  const pae = cpu.paging && (cpu.cr4 & CR4.PAE) !== 0 && !cpu.longMode;
  if (pae && !tryLoadPdptes(cpu, cpu.cr3)) abort(vmx, vmcs, 2);
  else if (loadMsrs(cpu, vmx.memory, vmcs, "exitLoad") !== 0) abort(vmx, vmcs, 4);
  cpu.next = cpu.rip;
  cpu.attention = true;
}
