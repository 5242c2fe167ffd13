/** Bits of the VMCB clean field, offset C0h: groups of state that the processor may keep from the last #VMEXIT (APM Vol. 2, 15.15.3). */
export const cleanBits = {
  intercepts: { bit: 0, name: "I: intercepts, TSC offset, pause filter" },
  permissionMaps: { bit: 1, name: "IOPM: I/O and MSR permission maps" },
  asid: { bit: 2, name: "ASID" },
  virtualInterrupt: { bit: 3, name: "TPR: offsets 60h to 67h" },
  nestedPaging: { bit: 4, name: "NP: nested CR3 and guest PAT" },
  controlRegisters: { bit: 5, name: "CRx: CR0, CR3, CR4, EFER" },
  debugRegisters: { bit: 6, name: "DRx: DR6, DR7" },
  descriptorTables: { bit: 7, name: "DT: GDTR and IDTR" },
  segments: { bit: 8, name: "SEG: ES, CS, SS, DS, CPL" },
  cr2: { bit: 9, name: "CR2" },
  branchRecords: { bit: 10, name: "LBR: DebugCtl and last branches" },
  avic: { bit: 11, name: "AVIC pointers" },
} as const;

export type CleanGroup = keyof typeof cleanBits;

export interface VmcbFieldRow {
  /** From the start of the VMCB. The state save area begins at 400h. */
  readonly offset: number;
  readonly bytes: 1 | 2 | 4 | 8;
  /** The manual's words. */
  readonly name: string;
  /** The clean bit that stands for it; without one VMRUN always reads it, or (VMSAVE state) never. */
  readonly group?: CleanGroup;
}

const f = (offset: number, bytes: VmcbFieldRow["bytes"], name: string, group?: CleanGroup): VmcbFieldRow => ({
  offset,
  bytes,
  name,
  ...(group ? { group } : {}),
});

/** Where the state save area begins. */
export const saveArea = 0x400;

/** A segment register: selector, attributes (descriptor bits 55:52 and 47:40), limit in bytes, base. */
const segment = <N extends string>(name: N, offset: number, group?: CleanGroup) => {
  const key = (name[0]!.toLowerCase() + name.slice(1)) as Uncapitalize<N>;
  const title = name.toUpperCase();
  const at = saveArea + offset;
  return {
    [`${key}Selector`]: f(at, 2, `${title} selector`, group),
    [`${key}Attributes`]: f(at + 2, 2, `${title} attributes`, group),
    [`${key}Limit`]: f(at + 4, 4, `${title} limit`, group),
    [`${key}Base`]: f(at + 8, 8, `${title} base`, group),
  } as Record<`${Uncapitalize<N>}${"Selector" | "Attributes" | "Limit" | "Base"}`, VmcbFieldRow>;
};

/** GDTR and IDTR have the form of segment registers, of which limit and base count. */
const table = <N extends string>(name: N, offset: number) => {
  const at = saveArea + offset;
  return {
    [`${name}Limit`]: f(at + 4, 4, `${name.toUpperCase()} limit`, "descriptorTables"),
    [`${name}Base`]: f(at + 8, 8, `${name.toUpperCase()} base`, "descriptorTables"),
  } as Record<`${N}${"Limit" | "Base"}`, VmcbFieldRow>;
};

/** The virtual machine control block (APM Vol. 2, appendix B): control area, then state save area. */
export const vmcbFields = {
  crReads: f(0x000, 2, "Intercept reads of CR0 to CR15", "intercepts"),
  crWrites: f(0x002, 2, "Intercept writes of CR0 to CR15", "intercepts"),
  drReads: f(0x004, 2, "Intercept reads of DR0 to DR15", "intercepts"),
  drWrites: f(0x006, 2, "Intercept writes of DR0 to DR15", "intercepts"),
  exceptions: f(0x008, 4, "Intercept exception vectors 0 to 31", "intercepts"),
  vector3: f(0x00c, 4, "Intercept vector 3", "intercepts"),
  vector4: f(0x010, 4, "Intercept vector 4", "intercepts"),
  vector5: f(0x014, 4, "Intercept vector 5", "intercepts"),
  pauseFilterThreshold: f(0x03c, 2, "PAUSE filter threshold", "intercepts"),
  pauseFilterCount: f(0x03e, 2, "PAUSE filter count", "intercepts"),
  iopmBase: f(0x040, 8, "IOPM_BASE_PA", "permissionMaps"),
  msrpmBase: f(0x048, 8, "MSRPM_BASE_PA", "permissionMaps"),
  tscOffset: f(0x050, 8, "TSC_OFFSET", "intercepts"),
  asid: f(0x058, 4, "Guest ASID", "asid"),
  tlbControl: f(0x05c, 1, "TLB_CONTROL"),
  virtualInterrupt: f(0x060, 4, "V_TPR, V_IRQ, V_NMI, V_INTR_PRIO, V_INTR_MASKING", "virtualInterrupt"),
  virtualVector: f(0x064, 1, "V_INTR_VECTOR", "virtualInterrupt"),
  interruptShadow: f(0x068, 8, "INTERRUPT_SHADOW"),
  exitCode: f(0x070, 8, "EXITCODE"),
  exitInfo1: f(0x078, 8, "EXITINFO1"),
  exitInfo2: f(0x080, 8, "EXITINFO2"),
  exitIntInfo: f(0x088, 8, "EXITINTINFO"),
  nestedControl: f(0x090, 8, "NP_ENABLE"),
  avicApicBar: f(0x098, 8, "AVIC APIC_BAR", "avic"),
  eventInjection: f(0x0a8, 8, "EVENTINJ"),
  nestedCr3: f(0x0b0, 8, "N_CR3", "nestedPaging"),
  lbrControl: f(0x0b8, 8, "LBR_VIRTUALIZATION_ENABLE", "branchRecords"),
  clean: f(0x0c0, 4, "VMCB clean bits"),
  nextRip: f(0x0c8, 8, "nRIP"),
  instructionBytes: f(0x0d0, 1, "Number of guest instruction bytes"),
  avicBackingPage: f(0x0e0, 8, "AVIC APIC_BACKING_PAGE pointer", "avic"),
  avicLogicalTable: f(0x0f0, 8, "AVIC LOGICAL_TABLE pointer", "avic"),
  avicPhysicalTable: f(0x0f8, 8, "AVIC PHYSICAL_TABLE pointer", "avic"),

  ...segment("Es", 0x00, "segments"),
  ...segment("Cs", 0x10, "segments"),
  ...segment("Ss", 0x20, "segments"),
  ...segment("Ds", 0x30, "segments"),
  ...segment("Fs", 0x40),
  ...segment("Gs", 0x50),
  ...table("gdtr", 0x60),
  ...segment("Ldtr", 0x70),
  ...table("idtr", 0x80),
  ...segment("Tr", 0x90),
  cpl: f(0x4cb, 1, "CPL", "segments"),
  efer: f(0x4d0, 8, "EFER", "controlRegisters"),
  cr4: f(0x548, 8, "CR4", "controlRegisters"),
  cr3: f(0x550, 8, "CR3", "controlRegisters"),
  cr0: f(0x558, 8, "CR0", "controlRegisters"),
  dr7: f(0x560, 8, "DR7", "debugRegisters"),
  dr6: f(0x568, 8, "DR6", "debugRegisters"),
  rflags: f(0x570, 8, "RFLAGS"),
  rip: f(0x578, 8, "RIP"),
  rsp: f(0x5d8, 8, "RSP"),
  rax: f(0x5f8, 8, "RAX"),
  star: f(0x600, 8, "STAR"),
  lstar: f(0x608, 8, "LSTAR"),
  cstar: f(0x610, 8, "CSTAR"),
  sfmask: f(0x618, 8, "SFMASK"),
  kernelGsBase: f(0x620, 8, "KernelGsBase"),
  sysenterCs: f(0x628, 8, "SYSENTER_CS"),
  sysenterEsp: f(0x630, 8, "SYSENTER_ESP"),
  sysenterEip: f(0x638, 8, "SYSENTER_EIP"),
  cr2: f(0x640, 8, "CR2", "cr2"),
  guestPat: f(0x668, 8, "G_PAT", "nestedPaging"),
  debugControl: f(0x670, 8, "DBGCTL", "branchRecords"),
  branchFrom: f(0x678, 8, "BR_FROM", "branchRecords"),
  branchTo: f(0x680, 8, "BR_TO", "branchRecords"),
  lastExceptionFrom: f(0x688, 8, "LASTEXCPFROM", "branchRecords"),
  lastExceptionTo: f(0x690, 8, "LASTEXCPTO", "branchRecords"),
} as const satisfies Record<string, VmcbFieldRow>;

export type VmcbField = keyof typeof vmcbFields;

/** "VMCB 00Ch" */
export const placeText = (field: VmcbField): string =>
  `VMCB ${vmcbFields[field].offset.toString(16).toUpperCase().padStart(3, "0")}h`;
