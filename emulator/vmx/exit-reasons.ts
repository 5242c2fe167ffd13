/**
 * Where the guest's instruction pointer stands after the exit: `fault`: at the instruction (a VMM that has emulated it
 * adds the instruction length 440Ch); `trap`: past it; `async`: between instructions; `entry-failure`: the guest never ran.
 */
export type ExitKind = "fault" | "trap" | "async" | "entry-failure";

export interface ExitReason {
  readonly number: number;
  readonly name: string;
  readonly kind: ExitKind;
  /** AMD's name and code of the corresponding #VMEXIT. */
  readonly svm: string;
}

const r = (number: number, name: string, kind: ExitKind, svm: string): ExitReason => ({ number, name, kind, svm });

/** Basic exit reasons (SDM Vol. 3, appendix C) and AMD's counterparts (APM Vol. 2, appendix C). */
export const exitReasons: readonly ExitReason[] = [
  r(0, "EXCEPTION_NMI", "fault", "VMEXIT_EXCPn 40h to 5Fh; VMEXIT_NMI 61h"),
  r(1, "EXTERNAL_INTERRUPT", "async", "VMEXIT_INTR 60h"),
  r(2, "TRIPLE_FAULT", "fault", "VMEXIT_SHUTDOWN 7Fh"),
  r(3, "INIT", "async", "VMEXIT_INIT 63h"),
  r(4, "SIPI", "async", "none"),
  r(5, "IO_SMI", "async", "VMEXIT_SMI 62h"),
  r(6, "SMI", "async", "VMEXIT_SMI 62h"),
  r(7, "INTERRUPT_WINDOW", "async", "VMEXIT_VINTR 64h"),
  r(8, "NMI_WINDOW", "async", "none"),
  r(9, "TASK_SWITCH", "fault", "VMEXIT_TASK_SWITCH 7Dh"),
  r(10, "CPUID", "fault", "VMEXIT_CPUID 72h"),
  r(11, "GETSEC", "fault", "VMEXIT_SKINIT 86h"),
  r(12, "HLT", "fault", "VMEXIT_HLT 78h"),
  r(13, "INVD", "fault", "VMEXIT_INVD 76h"),
  r(14, "INVLPG", "fault", "VMEXIT_INVLPG 79h"),
  r(15, "RDPMC", "fault", "VMEXIT_RDPMC 6Fh"),
  r(16, "RDTSC", "fault", "VMEXIT_RDTSC 6Eh"),
  r(17, "RSM", "fault", "VMEXIT_RSM 73h"),
  r(18, "VMCALL", "fault", "VMEXIT_VMMCALL 81h"),
  r(19, "VMCLEAR", "fault", "none"),
  r(20, "VMLAUNCH", "fault", "VMEXIT_VMRUN 80h"),
  r(21, "VMPTRLD", "fault", "VMEXIT_VMLOAD 82h"),
  r(22, "VMPTRST", "fault", "VMEXIT_VMSAVE 83h"),
  r(23, "VMREAD", "fault", "none"),
  r(24, "VMRESUME", "fault", "VMEXIT_VMRUN 80h"),
  r(25, "VMWRITE", "fault", "none"),
  r(26, "VMXOFF", "fault", "none"),
  r(27, "VMXON", "fault", "VMEXIT_MSR 7Ch (EFER.SVME)"),
  r(28, "CR_ACCESS", "fault", "VMEXIT_CRn_READ 00h to 0Fh, VMEXIT_CRn_WRITE 10h to 1Fh"),
  r(29, "DR_ACCESS", "fault", "VMEXIT_DRn_READ 20h to 2Fh, VMEXIT_DRn_WRITE 30h to 3Fh"),
  r(30, "IO_INSTRUCTION", "fault", "VMEXIT_IOIO 7Bh"),
  r(31, "RDMSR", "fault", "VMEXIT_MSR 7Ch, EXITINFO1 = 0"),
  r(32, "WRMSR", "fault", "VMEXIT_MSR 7Ch, EXITINFO1 = 1"),
  r(33, "VMENTRY_FAILURE_GUEST_STATE", "entry-failure", "VMEXIT_INVALID -1"),
  r(34, "VMENTRY_FAILURE_MSR", "entry-failure", "none"),
  r(36, "MWAIT", "fault", "VMEXIT_MWAIT 8Bh"),
  r(37, "MONITOR_TRAP_FLAG", "trap", "none"),
  r(39, "MONITOR", "fault", "VMEXIT_MONITOR 8Ah"),
  r(40, "PAUSE", "fault", "VMEXIT_PAUSE 77h"),
  r(41, "VMENTRY_FAILURE_MCA", "entry-failure", "none"),
  r(43, "TPR_THRESHOLD", "trap", "VMEXIT_CR8_WRITE 18h"),
  r(44, "APIC_ACCESS", "fault", "AVIC_NOACCEL 402h or VMEXIT_NPF 400h"),
  r(45, "VIRTUALIZED_EOI", "trap", "AVIC_NOACCEL 402h"),
  r(46, "GDTR_IDTR_ACCESS", "fault", "VMEXIT_IDTR_READ 66h to VMEXIT_GDTR_WRITE 6Bh"),
  r(47, "LDTR_TR_ACCESS", "fault", "VMEXIT_LDTR_READ 68h to VMEXIT_TR_WRITE 6Dh"),
  r(48, "EPT_VIOLATION", "fault", "VMEXIT_NPF 400h"),
  r(49, "EPT_MISCONFIGURATION", "fault", "VMEXIT_NPF 400h with RSV = 1"),
  r(50, "INVEPT", "fault", "none"),
  r(51, "RDTSCP", "fault", "VMEXIT_RDTSCP 87h"),
  r(52, "VMX_PREEMPTION_TIMER_EXPIRED", "async", "none"),
  r(53, "INVVPID", "fault", "VMEXIT_INVLPGA 7Ah"),
  r(54, "WBINVD", "fault", "VMEXIT_WBINVD 89h"),
  r(55, "XSETBV", "fault", "VMEXIT_XSETBV 8Dh"),
  r(56, "APIC_WRITE", "trap", "AVIC_NOACCEL 402h"),
  r(57, "RDRAND", "fault", "none"),
  r(58, "INVPCID", "fault", "VMEXIT_INVPCID A2h"),
  r(59, "VMFUNC", "fault", "none"),
  r(60, "ENCLS", "fault", "none"),
  r(61, "RDSEED", "fault", "none"),
  r(62, "PML_LOGFULL", "fault", "none"),
  r(63, "XSAVES", "fault", "none"),
  r(64, "XRSTORS", "fault", "none"),
  r(65, "PCONFIG", "fault", "none"),
  r(66, "SPP", "fault", "none"),
  r(67, "UMWAIT", "fault", "none"),
  r(68, "TPAUSE", "fault", "none"),
  r(69, "LOADIWKEY", "fault", "none"),
  r(70, "ENCLV", "fault", "none"),
  r(72, "ENQCMD_PASID", "fault", "none"),
  r(73, "ENQCMDS_PASID", "fault", "none"),
  r(74, "BUS_LOCK", "trap", "VMEXIT_BUSLOCK A5h"),
  r(75, "INSTRUCTION_TIMEOUT", "async", "none"),
  r(76, "SEAMCALL", "fault", "none"),
  r(77, "TDCALL", "fault", "none"),
  r(78, "RDMSRLIST", "fault", "none"),
  r(79, "WRMSRLIST", "fault", "none"),
  r(80, "URDMSR", "fault", "none"),
  r(81, "UWRMSR", "fault", "none"),
  r(84, "RDMSR_IMMEDIATE", "fault", "none"),
  r(85, "WRMSRNS", "fault", "none"),
];

const byName = new Map(exitReasons.map((reason) => [reason.name, reason]));

/** Bit 31 of the exit-reason field 4402h: the entry failed and the guest did not run. */
export const entryFailureBit = 0x80000000;

/** The one found last: an exit asks more than once. */
let latest: ExitReason = exitReasons[0]!;

/** Throws for a name that is not in the table. */
export function exitReasonNamed(name: string): ExitReason {
  if (latest.name === name) return latest;
  const found = byName.get(name);
  if (!found) throw new RangeError(`no exit reason ${name}`);
  latest = found;
  return found;
}

/** VM-instruction error numbers (SDM Vol. 3, 31.4), field 4400h. */
export const instructionErrors: Readonly<Record<number, string>> = {
  1: "VMCALL executed in VMX root operation",
  2: "VMCLEAR with invalid physical address",
  3: "VMCLEAR with VMXON pointer",
  4: "VMLAUNCH with non-clear VMCS",
  5: "VMRESUME with non-launched VMCS",
  6: "VMRESUME after VMXOFF",
  7: "VM entry with invalid control field",
  8: "VM entry with invalid host-state field",
  9: "VMPTRLD with invalid physical address",
  10: "VMPTRLD with VMXON pointer",
  11: "VMPTRLD with incorrect VMCS revision identifier",
  12: "VMREAD or VMWRITE from or to unsupported VMCS component",
  13: "VMWRITE to read-only VMCS component",
  15: "VMXON executed in VMX root operation",
  26: "VM entry with events blocked by MOV SS",
  28: "Invalid operand to INVEPT or INVVPID",
};
