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

/** Interruption information of a fault or software interrupt. */
export const interruptionInfo = ({ vector, source, errorCode }: Fault): number =>
  encodeInterruption({ vector, type: faultTypes[source], errorCode: errorCode !== undefined, valid: true });

function vectoringInfo(vectoring: NonNullable<Cpu["vectoring"]>): number {
  if (vectoring.kind === "fault") return interruptionInfo(vectoring);
  return encodeInterruption({ vector: vectoring.vector, type: eventType.externalInterrupt, valid: true });
}
