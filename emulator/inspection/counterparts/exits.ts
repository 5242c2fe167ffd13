import { exitCodes, firstCode } from "../../svm/exit-codes.ts";
import { intercepts } from "../../svm/intercepts.ts";
import type { Vmcb } from "../../svm/vmcb.ts";
import { entryFailureBit, exitReasons } from "../../vmx/exit-reasons.ts";
import { eventType } from "../../vmx/qualification.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";

const invalid = 0xffff_ffff_ffff_ffffn;
const nmi = 0x61;
const debugVector = 1;

/** SGDT, SIDT, LGDT and LIDT, and SLDT, STR, LLDT and LTR, as bits 29:28 of the instruction information number them. */
const tableCodes = { GDTR_IDTR_ACCESS: [0x67, 0x66, 0x6b, 0x6a], LDTR_TR_ACCESS: [0x68, 0x69, 0x6c, 0x6d] } as const;

function exceptionCode(vmcs: Vmcs): number {
  const info = vmcs.number("exitInterruptionInfo");
  const type = (info >> 8) & 7;
  // INT1 has an intercept of its own.
  if (type === eventType.privilegedSoftwareException && (info & 0xff) === debugVector) return intercepts.ICEBP.code;
  return type === eventType.nmi ? nmi : firstCode.exception + (info & 0x1f);
}

/** MOV from a register is a read; MOV to it, CLTS and LMSW are writes. */
function controlCode(vmcs: Vmcs): number {
  const qualification = vmcs.number("exitQualification");
  const type = (qualification >> 4) & 3;
  return type === 1
    ? firstCode.crRead + (qualification & 15)
    : firstCode.crWrite + (type === 0 ? qualification & 15 : 0);
}

function debugCode(vmcs: Vmcs): number {
  const qualification = vmcs.number("exitQualification");
  return (((qualification >> 4) & 1) === 1 ? firstCode.drRead : firstCode.drWrite) + (qualification & 7);
}

/** EXITCODE of the exit that a VMCS tells of; undefined where AMD-V has none, or more than one that it could be. */
export function exitCodeOf(vmcs: Vmcs): bigint | undefined {
  const whole = vmcs.number("exitReason");
  if ((whole & entryFailureBit) !== 0) return invalid;
  const reason = exitReasons.find(({ number }) => number === (whole & 0xffff));
  if (!reason) return undefined;
  const { name, svm } = reason;
  if (name === "EXCEPTION_NMI") return BigInt(exceptionCode(vmcs));
  if (name === "CR_ACCESS") return BigInt(controlCode(vmcs));
  if (name === "DR_ACCESS") return BigInt(debugCode(vmcs));
  if (name in tableCodes)
    return BigInt(tableCodes[name as keyof typeof tableCodes][(vmcs.number("exitInstructionInfo") >>> 28) & 3]!);
  // That of VMXON is what a guest does instead.
  const codes = svm.endsWith(")") ? [] : (svm.match(/\b[\dA-F]+(?=h\b)/g) ?? []);
  return codes.length === 1 ? BigInt(`0x${codes[0]}`) : undefined;
}

const reasonNumber = (name: string): bigint => BigInt(exitReasons.find((reason) => reason.name === name)!.number);

/** Reasons of which the table of reasons does not name the code alone. */
function rangedReason(code: number, info1: bigint): string | undefined {
  if (code < firstCode.drRead) return "CR_ACCESS";
  if (code < firstCode.exception) return "DR_ACCESS";
  if (code < 0x60 || code === nmi || code === intercepts.ICEBP.code) return "EXCEPTION_NMI";
  if (code === intercepts.CR0_SEL_WRITE.code) return "CR_ACCESS";
  if (code === intercepts.MWAIT_CONDITIONAL.code) return "MWAIT";
  if (code === 0x7c) return info1 === 0n ? "RDMSR" : "WRMSR";
  if (code === 0x400) return ((info1 >> 3n) & 1n) === 1n ? "EPT_MISCONFIGURATION" : "EPT_VIOLATION";
  for (const [name, codes] of Object.entries(tableCodes)) if ((codes as readonly number[]).includes(code)) return name;
  return undefined;
}

/** The exit reason that VT-x would have; undefined where it has none, or more than one that it could be. */
export function exitReasonOf(vmcb: Vmcb): bigint | undefined {
  const whole = vmcb.get("exitCode");
  if (whole === invalid) return BigInt(entryFailureBit >>> 0) | reasonNumber("VMENTRY_FAILURE_GUEST_STATE");
  const code = exitCodes.find(({ number }) => BigInt(number) === whole);
  if (!code) return undefined;
  const ranged = rangedReason(code.number, vmcb.get("exitInfo1"));
  if (ranged !== undefined) return reasonNumber(ranged);
  const hex = code.number.toString(16).toUpperCase();
  const named = exitReasons.filter(({ svm }) => svm === `${code.name} ${hex}h`);
  return named.length === 1 ? BigInt(named[0]!.number) : undefined;
}
