import type { Cpu } from "../cpu/cpu.ts";
import { layout } from "../cpu/layout.ts";
import type { Fault } from "../cpu/monitor.ts";
import { unsigned64 } from "../cpu/state.ts";
import { controls, isOn } from "./controls.ts";
import { guestSegments } from "./entry-checks-guest.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import { encodeInterruption, eventType } from "./qualification.ts";
import type { Vmcs } from "./vmcs.ts";
import type { VmcsField } from "./vmcs-fields.ts";

/** Guest-state fields that are 64-bit words of the processor's state block, as they stand. */
export const plainFields: readonly (readonly [VmcsField, number])[] = [
  ["guestCr0", layout.cr0],
  ["guestCr3", layout.cr3],
  ["guestCr4", layout.cr4],
  ["guestRip", layout.rip],
  ["guestRsp", layout.registers + 4 * 8],
  ["guestGdtrBase", layout.gdtrBase],
  ["guestIdtrBase", layout.idtrBase],
  ["guestSysenterCs", layout.sysenterCs],
  ["guestSysenterEsp", layout.sysenterEsp],
  ["guestSysenterEip", layout.sysenterEip],
  ["guestPdpte0", layout.pdptes],
  ["guestPdpte1", layout.pdptes + 8],
  ["guestPdpte2", layout.pdptes + 16],
  ["guestPdpte3", layout.pdptes + 24],
];

/** The interruptibility of the state block without the processor's own marks. */
const interruptibilityMask = 0x1f;

/** Writes the guest's state into the VMCS (SDM Vol. 3, 28.3). General registers other than RSP are the VMM's to save. */
export function saveGuest(cpu: Cpu, vmcs: Vmcs): void {
  for (const [field, offset] of plainFields) vmcs.set(field, cpu.r64[offset >> 3]!);
  vmcs.set("guestRflags", cpu.flags >>> 0);
  vmcs.set("guestGdtrLimit", cpu.gdtr.limit);
  vmcs.set("guestIdtrLimit", cpu.idtr.limit);
  for (const [n, names] of guestSegments.entries()) {
    const { selector, access, limit, base } = cpu.segment(n);
    vmcs.set(names.selector, selector);
    vmcs.set(names.access, access);
    vmcs.set(names.limit, limit);
    vmcs.set(names.base, unsigned64(base));
  }
  vmcs.set("guestInterruptibility", cpu.interruptibility & interruptibilityMask);
  vmcs.set("guestActivity", cpu.activity);
  vmcs.set("guestPendingDebug", 0n);
  if (isOn(vmcs, "saveDebugControls")) vmcs.set("guestDr7", cpu.r64[(layout.debug >> 3) + 7]!);
  if (isOn(vmcs, "savePat")) vmcs.set("guestPat", cpu.r64[layout.pat >> 3]!);
  if (isOn(vmcs, "saveEfer")) vmcs.set("guestEfer", cpu.r64[layout.efer >> 3]!);
  // The guest may have changed its mode by itself: the control follows EFER.LMA (SDM Vol. 3, 28.2).
  if (isOn(vmcs, "unrestrictedGuest")) vmcs.setBit("entryControls", controls.ia32eModeGuest.bit, cpu.longMode);
}

/** What an exit leaves in the VMCS beside the guest's state. */
export interface ExitData {
  /** Name of the basic reason. */
  readonly reason: string;
  readonly qualification?: bigint;
  readonly guestLinear?: bigint;
  readonly guestPhysical?: number;
  readonly interruptionInfo?: number;
  readonly errorCode?: number | undefined;
  /** Bytes; only for exits due to instructions. */
  readonly instructionLength?: number;
  readonly instructionInfo?: number;
}

/** Writes the exit-information fields (SDM Vol. 3, 28.2). `vectoring` is the event whose delivery the exit interrupted. */
export function writeExit(vmcs: Vmcs, data: ExitData, vectoring: Cpu["vectoring"]): void {
  vmcs.set("exitReason", exitReasonNamed(data.reason).number);
  vmcs.set("exitQualification", data.qualification ?? 0n);
  vmcs.set("guestLinearAddress", data.guestLinear ?? 0n);
  vmcs.set("guestPhysicalAddress", data.guestPhysical ?? 0);
  vmcs.set("exitInterruptionInfo", data.interruptionInfo ?? 0);
  vmcs.set("exitErrorCode", data.errorCode ?? 0);
  vmcs.set("exitInstructionLength", data.instructionLength ?? vectoringLength(vectoring));
  vmcs.set("exitInstructionInfo", data.instructionInfo ?? 0);
  vmcs.set("idtVectoringInfo", vectoring ? vectoringInfo(vectoring) : 0);
  vmcs.set("idtVectoringErrorCode", vectoring?.kind === "fault" ? (vectoring.errorCode ?? 0) : 0);
  // An entry's injection is over once the guest has run.
  vmcs.set("entryInterruptionInfo", 0);
}

const vectoringLength = (vectoring: Cpu["vectoring"]): number => (vectoring?.kind === "fault" ? vectoring.length : 0);

const faultTypes = {
  hardware: eventType.hardwareException,
  software: eventType.softwareInterrupt,
  "software-exception": eventType.softwareException,
} as const;

/** Interruption information of a fault or software interrupt. */
export const interruptionInfo = ({ vector, source, errorCode }: Fault): number =>
  encodeInterruption({ vector, type: faultTypes[source], errorCode: errorCode !== undefined, valid: true });

function vectoringInfo(vectoring: NonNullable<Cpu["vectoring"]>): number {
  if (vectoring.kind === "fault") return interruptionInfo(vectoring);
  return encodeInterruption({ vector: vectoring.vector, type: eventType.externalInterrupt, valid: true });
}
