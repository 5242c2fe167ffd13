/**
 * The fields of the VMCS by encoding (SDM Vol. 3, appendix B). Group and width are not stored: the encoding says them
 * (bit 0 high half, 9:1 index, 11:10 type, 14:13 width).
 */
const f = (encoding: number, name: string) => ({ encoding, name }) as const;

export const vmcsFields = {
  // 16-bit control fields.
  vpid: f(0x0000, "Virtual-processor identifier (VPID)"),
  postedInterruptVector: f(0x0002, "Posted-interrupt notification vector"),
  eptpIndex: f(0x0004, "EPTP index"),
  // 16-bit guest-state fields.
  guestEsSelector: f(0x0800, "Guest ES selector"),
  guestCsSelector: f(0x0802, "Guest CS selector"),
  guestSsSelector: f(0x0804, "Guest SS selector"),
  guestDsSelector: f(0x0806, "Guest DS selector"),
  guestFsSelector: f(0x0808, "Guest FS selector"),
  guestGsSelector: f(0x080a, "Guest GS selector"),
  guestLdtrSelector: f(0x080c, "Guest LDTR selector"),
  guestTrSelector: f(0x080e, "Guest TR selector"),
  guestInterruptStatus: f(0x0810, "Guest interrupt status"),
  pmlIndex: f(0x0812, "PML index"),
  // 16-bit host-state fields.
  hostEsSelector: f(0x0c00, "Host ES selector"),
  hostCsSelector: f(0x0c02, "Host CS selector"),
  hostSsSelector: f(0x0c04, "Host SS selector"),
  hostDsSelector: f(0x0c06, "Host DS selector"),
  hostFsSelector: f(0x0c08, "Host FS selector"),
  hostGsSelector: f(0x0c0a, "Host GS selector"),
  hostTrSelector: f(0x0c0c, "Host TR selector"),
  // 64-bit control fields.
  ioBitmapA: f(0x2000, "Address of I/O bitmap A"),
  ioBitmapB: f(0x2002, "Address of I/O bitmap B"),
  msrBitmaps: f(0x2004, "Address of MSR bitmaps"),
  exitMsrStoreAddress: f(0x2006, "VM-exit MSR-store address"),
  exitMsrLoadAddress: f(0x2008, "VM-exit MSR-load address"),
  entryMsrLoadAddress: f(0x200a, "VM-entry MSR-load address"),
  executiveVmcsPointer: f(0x200c, "Executive-VMCS pointer"),
  pmlAddress: f(0x200e, "PML address"),
  tscOffset: f(0x2010, "TSC offset"),
  virtualApicAddress: f(0x2012, "Virtual-APIC address"),
  apicAccessAddress: f(0x2014, "APIC-access address"),
  postedInterruptDescriptor: f(0x2016, "Posted-interrupt descriptor address"),
  vmFunctionControls: f(0x2018, "VM-function controls"),
  eptPointer: f(0x201a, "EPT pointer (EPTP)"),
  eoiExitBitmap0: f(0x201c, "EOI-exit bitmap 0"),
  eoiExitBitmap1: f(0x201e, "EOI-exit bitmap 1"),
  eoiExitBitmap2: f(0x2020, "EOI-exit bitmap 2"),
  eoiExitBitmap3: f(0x2022, "EOI-exit bitmap 3"),
  eptpListAddress: f(0x2024, "EPTP-list address"),
  vmreadBitmap: f(0x2026, "VMREAD-bitmap address"),
  vmwriteBitmap: f(0x2028, "VMWRITE-bitmap address"),
  virtualizationExceptionAddress: f(0x202a, "Virtualization-exception information address"),
  xssExitingBitmap: f(0x202c, "XSS-exiting bitmap"),
  subPagePermissionTable: f(0x2030, "Sub-page-permission-table pointer"),
  tscMultiplier: f(0x2032, "TSC multiplier"),
  tertiaryControls: f(0x2034, "Tertiary processor-based VM-execution controls"),
  // 64-bit read-only data field.
  guestPhysicalAddress: f(0x2400, "Guest-physical address"),
  // 64-bit guest-state fields.
  vmcsLinkPointer: f(0x2800, "VMCS link pointer"),
  guestDebugctl: f(0x2802, "Guest IA32_DEBUGCTL"),
  guestPat: f(0x2804, "Guest IA32_PAT"),
  guestEfer: f(0x2806, "Guest IA32_EFER"),
  guestPerfGlobalCtrl: f(0x2808, "Guest IA32_PERF_GLOBAL_CTRL"),
  guestPdpte0: f(0x280a, "Guest PDPTE0"),
  guestPdpte1: f(0x280c, "Guest PDPTE1"),
  guestPdpte2: f(0x280e, "Guest PDPTE2"),
  guestPdpte3: f(0x2810, "Guest PDPTE3"),
  // 64-bit host-state fields.
  hostPat: f(0x2c00, "Host IA32_PAT"),
  hostEfer: f(0x2c02, "Host IA32_EFER"),
  hostPerfGlobalCtrl: f(0x2c04, "Host IA32_PERF_GLOBAL_CTRL"),
  // 32-bit control fields.
  pinControls: f(0x4000, "Pin-based VM-execution controls"),
  primaryControls: f(0x4002, "Primary processor-based VM-execution controls"),
  exceptionBitmap: f(0x4004, "Exception bitmap"),
  pageFaultMask: f(0x4006, "Page-fault error-code mask"),
  pageFaultMatch: f(0x4008, "Page-fault error-code match"),
  cr3TargetCount: f(0x400a, "CR3-target count"),
  exitControls: f(0x400c, "VM-exit controls"),
  exitMsrStoreCount: f(0x400e, "VM-exit MSR-store count"),
  exitMsrLoadCount: f(0x4010, "VM-exit MSR-load count"),
  entryControls: f(0x4012, "VM-entry controls"),
  entryMsrLoadCount: f(0x4014, "VM-entry MSR-load count"),
  entryInterruptionInfo: f(0x4016, "VM-entry interruption-information field"),
  entryErrorCode: f(0x4018, "VM-entry exception error code"),
  entryInstructionLength: f(0x401a, "VM-entry instruction length"),
  tprThreshold: f(0x401c, "TPR threshold"),
  secondaryControls: f(0x401e, "Secondary processor-based VM-execution controls"),
  pauseLoopGap: f(0x4020, "PLE_Gap"),
  pauseLoopWindow: f(0x4022, "PLE_Window"),
  // 32-bit read-only data fields.
  instructionError: f(0x4400, "VM-instruction error"),
  exitReason: f(0x4402, "Exit reason"),
  exitInterruptionInfo: f(0x4404, "VM-exit interruption information"),
  exitErrorCode: f(0x4406, "VM-exit interruption error code"),
  idtVectoringInfo: f(0x4408, "IDT-vectoring information field"),
  idtVectoringErrorCode: f(0x440a, "IDT-vectoring error code"),
  exitInstructionLength: f(0x440c, "VM-exit instruction length"),
  exitInstructionInfo: f(0x440e, "VM-exit instruction information"),
  // 32-bit guest-state fields.
  guestEsLimit: f(0x4800, "Guest ES limit"),
  guestCsLimit: f(0x4802, "Guest CS limit"),
  guestSsLimit: f(0x4804, "Guest SS limit"),
  guestDsLimit: f(0x4806, "Guest DS limit"),
  guestFsLimit: f(0x4808, "Guest FS limit"),
  guestGsLimit: f(0x480a, "Guest GS limit"),
  guestLdtrLimit: f(0x480c, "Guest LDTR limit"),
  guestTrLimit: f(0x480e, "Guest TR limit"),
  guestGdtrLimit: f(0x4810, "Guest GDTR limit"),
  guestIdtrLimit: f(0x4812, "Guest IDTR limit"),
  guestEsAccess: f(0x4814, "Guest ES access rights"),
  guestCsAccess: f(0x4816, "Guest CS access rights"),
  guestSsAccess: f(0x4818, "Guest SS access rights"),
  guestDsAccess: f(0x481a, "Guest DS access rights"),
  guestFsAccess: f(0x481c, "Guest FS access rights"),
  guestGsAccess: f(0x481e, "Guest GS access rights"),
  guestLdtrAccess: f(0x4820, "Guest LDTR access rights"),
  guestTrAccess: f(0x4822, "Guest TR access rights"),
  guestInterruptibility: f(0x4824, "Guest interruptibility state"),
  guestActivity: f(0x4826, "Guest activity state"),
  guestSmbase: f(0x4828, "Guest SMBASE"),
  guestSysenterCs: f(0x482a, "Guest IA32_SYSENTER_CS"),
  preemptionTimer: f(0x482e, "VMX-preemption timer value"),
  // 32-bit host-state field.
  hostSysenterCs: f(0x4c00, "Host IA32_SYSENTER_CS"),
  // Natural-width control fields.
  cr0Mask: f(0x6000, "CR0 guest/host mask"),
  cr4Mask: f(0x6002, "CR4 guest/host mask"),
  cr0Shadow: f(0x6004, "CR0 read shadow"),
  cr4Shadow: f(0x6006, "CR4 read shadow"),
  cr3Target0: f(0x6008, "CR3-target value 0"),
  cr3Target1: f(0x600a, "CR3-target value 1"),
  cr3Target2: f(0x600c, "CR3-target value 2"),
  cr3Target3: f(0x600e, "CR3-target value 3"),
  // Natural-width read-only data fields.
  exitQualification: f(0x6400, "Exit qualification"),
  ioRcx: f(0x6402, "I/O RCX"),
  ioRsi: f(0x6404, "I/O RSI"),
  ioRdi: f(0x6406, "I/O RDI"),
  ioRip: f(0x6408, "I/O RIP"),
  guestLinearAddress: f(0x640a, "Guest-linear address"),
  // Natural-width guest-state fields.
  guestCr0: f(0x6800, "Guest CR0"),
  guestCr3: f(0x6802, "Guest CR3"),
  guestCr4: f(0x6804, "Guest CR4"),
  guestEsBase: f(0x6806, "Guest ES base"),
  guestCsBase: f(0x6808, "Guest CS base"),
  guestSsBase: f(0x680a, "Guest SS base"),
  guestDsBase: f(0x680c, "Guest DS base"),
  guestFsBase: f(0x680e, "Guest FS base"),
  guestGsBase: f(0x6810, "Guest GS base"),
  guestLdtrBase: f(0x6812, "Guest LDTR base"),
  guestTrBase: f(0x6814, "Guest TR base"),
  guestGdtrBase: f(0x6816, "Guest GDTR base"),
  guestIdtrBase: f(0x6818, "Guest IDTR base"),
  guestDr7: f(0x681a, "Guest DR7"),
  guestRsp: f(0x681c, "Guest RSP"),
  guestRip: f(0x681e, "Guest RIP"),
  guestRflags: f(0x6820, "Guest RFLAGS"),
  guestPendingDebug: f(0x6822, "Guest pending debug exceptions"),
  guestSysenterEsp: f(0x6824, "Guest IA32_SYSENTER_ESP"),
  guestSysenterEip: f(0x6826, "Guest IA32_SYSENTER_EIP"),
  // Natural-width host-state fields.
  hostCr0: f(0x6c00, "Host CR0"),
  hostCr3: f(0x6c02, "Host CR3"),
  hostCr4: f(0x6c04, "Host CR4"),
  hostFsBase: f(0x6c06, "Host FS base"),
  hostGsBase: f(0x6c08, "Host GS base"),
  hostTrBase: f(0x6c0a, "Host TR base"),
  hostGdtrBase: f(0x6c0c, "Host GDTR base"),
  hostIdtrBase: f(0x6c0e, "Host IDTR base"),
  hostSysenterEsp: f(0x6c10, "Host IA32_SYSENTER_ESP"),
  hostSysenterEip: f(0x6c12, "Host IA32_SYSENTER_EIP"),
  hostRsp: f(0x6c14, "Host RSP"),
  hostRip: f(0x6c16, "Host RIP"),
} as const;

export type VmcsField = keyof typeof vmcsFields;

export const vmcsGroups = ["control", "read-only", "guest", "host"] as const;
export type VmcsGroup = (typeof vmcsGroups)[number];

/** What the bits of an encoding say. `bits` of a natural-width field is 64. */
export interface EncodingParts {
  readonly high: boolean;
  readonly index: number;
  readonly group: VmcsGroup;
  readonly width: "16" | "64" | "32" | "natural";
  readonly bits: 16 | 32 | 64;
}

const widths = ["16", "64", "32", "natural"] as const;

export function encodingParts(encoding: number): EncodingParts {
  const width = widths[(encoding >> 13) & 3]!;
  const bits = width === "16" ? 16 : width === "32" ? 32 : 64;
  return {
    high: (encoding & 1) !== 0,
    index: (encoding >> 1) & 0x1ff,
    group: vmcsGroups[(encoding >> 10) & 3]!,
    width,
    bits,
  };
}

/** The fields worth showing at first sight: what the last exit said, where the guest is, and the control words. */
export const shownFields: readonly VmcsField[] = [
  "exitReason",
  "exitQualification",
  "guestLinearAddress",
  "guestPhysicalAddress",
  "exitInterruptionInfo",
  "exitErrorCode",
  "idtVectoringInfo",
  "exitInstructionLength",
  "exitInstructionInfo",
  "instructionError",
  "guestRip",
  "guestRsp",
  "guestRflags",
  "guestCr0",
  "guestCr3",
  "guestCr4",
  "guestEfer",
  "guestCsSelector",
  "guestCsAccess",
  "guestInterruptibility",
  "guestActivity",
  "pinControls",
  "primaryControls",
  "secondaryControls",
  "eptPointer",
];

/** Fields that a VMM usually changes between an exit and the next entry. */
export const usualFields: readonly VmcsField[] = [
  "guestRip",
  "guestRflags",
  "guestInterruptibility",
  "guestPendingDebug",
  "guestActivity",
  "tscOffset",
  "primaryControls",
  "entryInterruptionInfo",
  "entryErrorCode",
  "entryInstructionLength",
  "cr0Shadow",
  "cr4Shadow",
];

const byEncoding = new Map<number, VmcsField>(
  (Object.keys(vmcsFields) as VmcsField[]).map((key) => [vmcsFields[key].encoding, key]),
);

/** The field with that encoding (full access, bit 0 clear), if the processor supports it. */
export const fieldByEncoding = (encoding: number): VmcsField | undefined => byEncoding.get(encoding);

/** Four hexadecimal digits and an h, as the manual writes encodings: "4002h". */
export const encodingText = (field: VmcsField): string =>
  `${vmcsFields[field].encoding.toString(16).toUpperCase().padStart(4, "0")}h`;
