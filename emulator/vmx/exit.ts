import type { Cpu } from "../cpu/cpu.ts";
import type { Fault } from "../cpu/monitor.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import { encodeInterruption, eventType } from "./qualification.ts";
import type { Vmcs } from "./vmcs.ts";

/** What an exit leaves in the VMCS beside the guest's state. */
export interface ExitData {
  /** Name of the basic reason. */
  readonly reason: string;
  readonly qualification?: bigint;
  readonly guestLinear?: bigint | undefined;
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

/** INT1 is the privileged software exception, INT3 and INTO are the software exceptions (SDM Vol. 3, 25.9.2). */
const typeOf = ({ vector, source }: Fault): number =>
  source === "software-exception" && vector === debugVector
    ? eventType.privilegedSoftwareException
    : faultTypes[source];
const debugVector = 1;
const nmiVector = 2;

/** Interruption information of a fault or software interrupt. */
export const interruptionInfo = (fault: Fault): number =>
  encodeInterruption({
    vector: fault.vector,
    type: typeOf(fault),
    errorCode: fault.errorCode !== undefined,
    valid: true,
  });

/** Interruption information of an NMI that leaves the guest. */
export const nmiInfo = (): number => encodeInterruption({ vector: nmiVector, type: eventType.nmi, valid: true });

function vectoringInfo(vectoring: NonNullable<Cpu["vectoring"]>): number {
  if (vectoring.kind === "fault") return interruptionInfo(vectoring);
  const type = vectoring.vector === nmiVector ? eventType.nmi : eventType.externalInterrupt;
  return encodeInterruption({ vector: vectoring.vector, type, valid: true });
}
