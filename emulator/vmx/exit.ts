import type { Cpu } from "../cpu/cpu.ts";
import type { Fault } from "../cpu/monitor.ts";
import { exitReasonNamed } from "./exit-reasons.ts";
import { encodeInterruption, eventType } from "./qualification.ts";
import { type Vmcs, wordOf } from "./vmcs.ts";

/** What an exit leaves in the VMCS beside the guest's state. */
export interface ExitData {
  /** Name of the basic reason. */
  readonly reason: string;
  readonly qualification?: bigint | number;
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
  const { words } = vmcs;
  words[at.reason] = exitReasonNamed(data.reason).number;
  writeWide(words, at.qualification, data.qualification);
  writeWide(words, at.guestLinear, data.guestLinear);
  const physical = data.guestPhysical ?? 0;
  words[at.guestPhysical] = physical;
  words[at.guestPhysical + 1] = Math.floor(physical / 2 ** 32);
  words[at.interruptionInfo] = data.interruptionInfo ?? 0;
  words[at.errorCode] = data.errorCode ?? 0;
  words[at.instructionLength] = data.instructionLength ?? vectoringLength(vectoring);
  words[at.instructionInfo] = data.instructionInfo ?? 0;
  words[at.vectoringInfo] = vectoring ? vectoringInfo(vectoring) : 0;
  words[at.vectoringErrorCode] = vectoring?.kind === "fault" ? (vectoring.errorCode ?? 0) : 0;
  // An entry's injection is over once the guest has run.
  words[at.injection] = 0;
}

/** Places in `Vmcs.words`. */
const at = {
  reason: wordOf("exitReason"),
  qualification: wordOf("exitQualification"),
  guestLinear: wordOf("guestLinearAddress"),
  guestPhysical: wordOf("guestPhysicalAddress"),
  interruptionInfo: wordOf("exitInterruptionInfo"),
  errorCode: wordOf("exitErrorCode"),
  instructionLength: wordOf("exitInstructionLength"),
  instructionInfo: wordOf("exitInstructionInfo"),
  vectoringInfo: wordOf("idtVectoringInfo"),
  vectoringErrorCode: wordOf("idtVectoringErrorCode"),
  injection: wordOf("entryInterruptionInfo"),
} as const;

/** Most values are small and are given as numbers; nothing is 0. */
function writeWide(words: Uint32Array, at: number, value: bigint | number = 0): void {
  const isNumber = typeof value === "number";
  words[at] = isNumber ? value : Number(value & 0xffff_ffffn);
  words[at + 1] = isNumber ? Math.floor(value / 2 ** 32) : Number((value >> 32n) & 0xffff_ffffn);
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

/**
 * Bit 12 of interruption information and of some qualifications: the IRET that the exit interrupts had ended the blocking of
 * NMIs before it faulted (SDM Vol. 3, 28.2.3).
 */
export const unblocking = ({ unblockedNmi, vectoring }: Cpu): number =>
  unblockedNmi && vectoring === undefined ? 0x1000 : 0;

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
