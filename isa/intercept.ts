import type { InstructionExit, InstructionIntercept, Row } from "./instruction.ts";

/** Intercepts of AMD-V for instructions that VT-x has one exit reason for too (APM Vol. 2, table 15-7), by that reason. */
const byReason = {
  CPUID: "CPUID",
  HLT: "HLT",
  INVD: "INVD",
  INVLPG: "INVLPG",
  INVPCID: "INVPCID",
  RDPMC: "RDPMC",
  RDTSC: "RDTSC",
  RDTSCP: "RDTSCP",
  RSM: "RSM",
  WBINVD: "WBINVD",
  MONITOR: "MONITOR",
  PAUSE: "PAUSE",
  XSETBV: "XSETBV",
  IO_INSTRUCTION: "IOIO",
  RDMSR: "MSR",
  WRMSR: "MSR",
  MWAIT: "MWAIT",
} as const satisfies Partial<Record<InstructionExit, string>>;

/** Where VT-x has one reason for several instructions, AMD-V tells them apart. */
const byMnemonic = {
  sidt: "IDTR_READ",
  sgdt: "GDTR_READ",
  sldt: "LDTR_READ",
  str: "TR_READ",
  lidt: "IDTR_WRITE",
  lgdt: "GDTR_WRITE",
  lldt: "LDTR_WRITE",
  ltr: "TR_WRITE",
} as const;

/** An intercept by the name of its exit code; those of control and debug registers have the register's number instead of n. */
export type InterceptTitle =
  | InstructionIntercept
  | (typeof byReason)[keyof typeof byReason]
  | (typeof byMnemonic)[keyof typeof byMnemonic]
  | "CR0_WRITE"
  | "CRn_READ"
  | "CRn_WRITE"
  | "DRn_READ"
  | "DRn_WRITE";

/** What lets AMD-V intercept an instruction; undefined if nothing does. */
export function interceptOf({ intercept, exits, mnemonic, operands }: Row): InterceptTitle | undefined {
  if (intercept !== undefined || exits.kind === "never") return intercept;
  const { reason } = exits;
  if (reason === "CR_ACCESS" || reason === "DR_ACCESS") {
    if (mnemonic !== "mov") return "CR0_WRITE";
    const writes = operands[0]?.kind === "control" || operands[0]?.kind === "debug";
    return `${reason === "CR_ACCESS" ? "CR" : "DR"}n_${writes ? "WRITE" : "READ"}`;
  }
  return byReason[reason as keyof typeof byReason] ?? byMnemonic[mnemonic as keyof typeof byMnemonic];
}
