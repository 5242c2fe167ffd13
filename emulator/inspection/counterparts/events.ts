import { eventType as svmType, validEvent } from "../../svm/exit-information.ts";
import { eventType as vmxType } from "../../vmx/qualification.ts";

const valid = 0x8000_0000;
const withCode = 0x800;

/** AMD-V has one type for all exceptions, and none for other events. */
const toSvm = new Map<number, number>([
  [vmxType.externalInterrupt, svmType.interrupt],
  [vmxType.nmi, svmType.nmi],
  [vmxType.hardwareException, svmType.exception],
  [vmxType.softwareInterrupt, svmType.softwareInterrupt],
  [vmxType.privilegedSoftwareException, svmType.exception],
  [vmxType.softwareException, svmType.exception],
]);

/** Interruption information of a VMCS with its error code, as EXITINTINFO and EVENTINJ have it. */
export function eventOfVmcs(info: number, errorCode: number): bigint | undefined {
  if (info >>> 31 === 0) return 0n;
  const type = toSvm.get((info >> 8) & 7);
  if (type === undefined) return undefined;
  const hasCode = (info & withCode) !== 0;
  const low = validEvent | BigInt((type << 8) | (info & 0xff));
  return hasCode ? (BigInt(errorCode >>> 0) << 32n) | low | BigInt(withCode) : low;
}

/** EXITINTINFO or EVENTINJ as interruption information of a VMCS; vectors 3 and 4 are those of INT3 and INTO. */
export function eventOfVmcb(info: bigint): bigint | undefined {
  if ((info & validEvent) === 0n) return 0n;
  const type = Number((info >> 8n) & 7n);
  const vector = Number(info & 0xffn);
  const isTrap = type === svmType.exception && (vector === 3 || vector === 4);
  const found = isTrap ? vmxType.softwareException : [...toSvm].find(([, svm]) => svm === type)?.[0];
  if (found === undefined) return undefined;
  const code = (info & BigInt(withCode)) === 0n ? 0 : withCode;
  return BigInt((valid | code | (found << 8) | vector) >>> 0);
}
