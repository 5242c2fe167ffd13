export interface ExitCode {
  /** EXITCODE; VMEXIT_INVALID is -1, all bits 1. */
  readonly number: number;
  readonly name: string;
}

const c = (number: number, name: string): ExitCode => ({ number, name: `VMEXIT_${name}` });

const numbered = (count: number, first: number, name: (n: number) => string): ExitCode[] =>
  Array.from({ length: count }, (_, n) => c(first + n, name(n)));

/** Intercept exit codes (APM Vol. 2, appendix C). */
export const exitCodes: readonly ExitCode[] = [
  ...numbered(16, 0x00, (n) => `CR${n}_READ`),
  ...numbered(16, 0x10, (n) => `CR${n}_WRITE`),
  ...numbered(16, 0x20, (n) => `DR${n}_READ`),
  ...numbered(16, 0x30, (n) => `DR${n}_WRITE`),
  ...numbered(32, 0x40, (n) => `EXCP${n}`),
  c(0x60, "INTR"),
  c(0x61, "NMI"),
  c(0x62, "SMI"),
  c(0x63, "INIT"),
  c(0x64, "VINTR"),
  c(0x65, "CR0_SEL_WRITE"),
  c(0x66, "IDTR_READ"),
  c(0x67, "GDTR_READ"),
  c(0x68, "LDTR_READ"),
  c(0x69, "TR_READ"),
  c(0x6a, "IDTR_WRITE"),
  c(0x6b, "GDTR_WRITE"),
  c(0x6c, "LDTR_WRITE"),
  c(0x6d, "TR_WRITE"),
  c(0x6e, "RDTSC"),
  c(0x6f, "RDPMC"),
  c(0x70, "PUSHF"),
  c(0x71, "POPF"),
  c(0x72, "CPUID"),
  c(0x73, "RSM"),
  c(0x74, "IRET"),
  c(0x75, "SWINT"),
  c(0x76, "INVD"),
  c(0x77, "PAUSE"),
  c(0x78, "HLT"),
  c(0x79, "INVLPG"),
  c(0x7a, "INVLPGA"),
  c(0x7b, "IOIO"),
  c(0x7c, "MSR"),
  c(0x7d, "TASK_SWITCH"),
  c(0x7e, "FERR_FREEZE"),
  c(0x7f, "SHUTDOWN"),
  c(0x80, "VMRUN"),
  c(0x81, "VMMCALL"),
  c(0x82, "VMLOAD"),
  c(0x83, "VMSAVE"),
  c(0x84, "STGI"),
  c(0x85, "CLGI"),
  c(0x86, "SKINIT"),
  c(0x87, "RDTSCP"),
  c(0x88, "ICEBP"),
  c(0x89, "WBINVD"),
  c(0x8a, "MONITOR"),
  c(0x8b, "MWAIT"),
  c(0x8c, "MWAIT_CONDITIONAL"),
  c(0x8d, "XSETBV"),
  c(0x8e, "RDPRU"),
  c(0x8f, "EFER_WRITE_TRAP"),
  ...numbered(16, 0x90, (n) => `CR${n}_WRITE_TRAP`),
  c(0xa0, "INVLPGB"),
  c(0xa1, "INVLPGB_ILLEGAL"),
  c(0xa2, "INVPCID"),
  c(0xa3, "MCOMMIT"),
  c(0xa4, "TLBSYNC"),
  c(0xa5, "BUSLOCK"),
  c(0xa6, "IDLE_HLT"),
  c(0x400, "NPF"),
  c(0x401, "AVIC_INCOMPLETE_IPI"),
  c(0x402, "AVIC_NOACCEL"),
  c(0x403, "VMGEXIT"),
  c(-1, "INVALID"),
];

const byNumber = new Map(exitCodes.map((code) => [code.number, code]));

/** Throws for a number that is not in the table. */
export function exitCode(number: number): ExitCode {
  const found = byNumber.get(number);
  if (!found) throw new RangeError(`no exit code ${number.toString(16)}h`);
  return found;
}

/** First codes of the ranges that are numbered by register or vector. */
export const firstCode = { crRead: 0x00, crWrite: 0x10, drRead: 0x20, drWrite: 0x30, exception: 0x40 } as const;
