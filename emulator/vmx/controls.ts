import { type Vmcs, wordOf } from "./vmcs.ts";
import { encodingText, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

/** A control bit. `exits`: what this makes exit, or does, in a few words. */
export interface Control {
  readonly field: VmcsField;
  readonly bit: number;
  /** The manual's name. */
  readonly name: string;
  readonly doc: string;
  /** Where it is in `Vmcs.words`, and the bit there. */
  readonly word: number;
  readonly mask: number;
}

type ControlWord = "pinControls" | "primaryControls" | "secondaryControls" | "exitControls" | "entryControls";
type Rows = Record<string, readonly [ControlWord, number, string, string]>;

/** Control bits by name (SDM Vol. 3, 25.6 to 25.8). */
const rows = {
  externalInterruptExiting: [
    "pinControls",
    0,
    "External-interrupt exiting",
    "Interrupts of the machine exit instead of going through the guest's IDT.",
  ],
  nmiExiting: ["pinControls", 3, "NMI exiting", "NMIs exit."],
  virtualNmis: ["pinControls", 5, "Virtual NMIs", "NMI blocking is virtualized."],
  preemptionTimer: [
    "pinControls",
    6,
    "Activate VMX-preemption timer",
    "Exits when the timer of the VMCS has counted down.",
  ],
  postedInterrupts: [
    "pinControls",
    7,
    "Process posted interrupts",
    "Interrupts posted in memory reach the guest without an exit.",
  ],

  interruptWindowExiting: [
    "primaryControls",
    2,
    "Interrupt-window exiting",
    "Exits as soon as the guest could take an interrupt.",
  ],
  tscOffsetting: ["primaryControls", 3, "Use TSC offsetting", "RDTSC adds the TSC offset of the VMCS."],
  hltExiting: ["primaryControls", 7, "HLT exiting", "HLT exits."],
  invlpgExiting: ["primaryControls", 9, "INVLPG exiting", "INVLPG and INVPCID exit."],
  mwaitExiting: ["primaryControls", 10, "MWAIT exiting", "MWAIT exits."],
  rdpmcExiting: ["primaryControls", 11, "RDPMC exiting", "RDPMC exits."],
  rdtscExiting: ["primaryControls", 12, "RDTSC exiting", "RDTSC and RDTSCP exit."],
  cr3LoadExiting: [
    "primaryControls",
    15,
    "CR3-load exiting",
    "MOV to CR3 exits unless the value is a CR3-target value.",
  ],
  cr3StoreExiting: ["primaryControls", 16, "CR3-store exiting", "MOV from CR3 exits."],
  tertiaryControls: ["primaryControls", 17, "Activate tertiary controls", "The tertiary controls apply."],
  cr8LoadExiting: ["primaryControls", 19, "CR8-load exiting", "MOV to CR8 exits."],
  cr8StoreExiting: ["primaryControls", 20, "CR8-store exiting", "MOV from CR8 exits."],
  tprShadow: ["primaryControls", 21, "Use TPR shadow", "The task priority is virtualized in the virtual-APIC page."],
  nmiWindowExiting: ["primaryControls", 22, "NMI-window exiting", "Exits as soon as the guest could take an NMI."],
  movDrExiting: ["primaryControls", 23, "MOV-DR exiting", "MOV to and from debug registers exits."],
  unconditionalIoExiting: [
    "primaryControls",
    24,
    "Unconditional I/O exiting",
    "Every I/O instruction exits (ignored with I/O bitmaps).",
  ],
  ioBitmaps: [
    "primaryControls",
    25,
    "Use I/O bitmaps",
    "An I/O instruction exits if the bit of a port it touches is 1.",
  ],
  monitorTrapFlag: ["primaryControls", 27, "Monitor trap flag", "Exits after each guest instruction."],
  msrBitmaps: [
    "primaryControls",
    28,
    "Use MSR bitmaps",
    "RDMSR and WRMSR exit if the MSR's bit is 1 or the MSR has none.",
  ],
  monitorExiting: ["primaryControls", 29, "MONITOR exiting", "MONITOR exits."],
  pauseExiting: ["primaryControls", 30, "PAUSE exiting", "PAUSE exits."],
  secondaryControls: ["primaryControls", 31, "Activate secondary controls", "The secondary controls apply."],

  virtualizeApicAccesses: [
    "secondaryControls",
    0,
    "Virtualize APIC accesses",
    "Accesses to the APIC-access page are special.",
  ],
  ept: ["secondaryControls", 1, "Enable EPT", "Guest-physical addresses are translated by the extended page tables."],
  descriptorTableExiting: [
    "secondaryControls",
    2,
    "Descriptor-table exiting",
    "LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT and STR exit.",
  ],
  rdtscp: ["secondaryControls", 3, "Enable RDTSCP", "RDTSCP does not raise #UD."],
  virtualizeX2apic: ["secondaryControls", 4, "Virtualize x2APIC mode", "APIC MSRs are special."],
  vpid: ["secondaryControls", 5, "Enable VPID", "TLB entries are tagged, so that entries and exits need not flush."],
  wbinvdExiting: ["secondaryControls", 6, "WBINVD exiting", "WBINVD exits."],
  unrestrictedGuest: [
    "secondaryControls",
    7,
    "Unrestricted guest",
    "The guest may run in real mode and without paging.",
  ],
  apicRegisterVirtualization: [
    "secondaryControls",
    8,
    "APIC-register virtualization",
    "APIC registers are read from the virtual-APIC page.",
  ],
  virtualInterruptDelivery: [
    "secondaryControls",
    9,
    "Virtual-interrupt delivery",
    "The processor evaluates and delivers virtual interrupts.",
  ],
  pauseLoopExiting: ["secondaryControls", 10, "PAUSE-loop exiting", "A long loop of PAUSE at CPL 0 exits."],
  rdrandExiting: ["secondaryControls", 11, "RDRAND exiting", "RDRAND exits."],
  invpcid: ["secondaryControls", 12, "Enable INVPCID", "INVPCID does not raise #UD."],
  vmFunctions: ["secondaryControls", 13, "Enable VM functions", "VMFUNC is allowed."],
  vmcsShadowing: ["secondaryControls", 14, "VMCS shadowing", "VMREAD and VMWRITE may act on a shadow VMCS."],
  enclsExiting: ["secondaryControls", 15, "Enable ENCLS exiting", "ENCLS exits by bitmap."],
  rdseedExiting: ["secondaryControls", 16, "RDSEED exiting", "RDSEED exits."],
  pml: ["secondaryControls", 17, "Enable PML", "Newly dirtied guest-physical pages are logged."],
  eptViolationVe: [
    "secondaryControls",
    18,
    "EPT-violation #VE",
    "Some EPT violations become exception 20 in the guest.",
  ],
  xsaves: ["secondaryControls", 20, "Enable XSAVES/XRSTORS", "XSAVES and XRSTORS do not raise #UD."],
  modeBasedExecute: ["secondaryControls", 22, "Mode-based execute control for EPT", "EPT has two execute bits."],
  subPagePermissions: [
    "secondaryControls",
    23,
    "Sub-page write permissions for EPT",
    "Write permission per 128 bytes.",
  ],
  tscScaling: ["secondaryControls", 25, "Use TSC scaling", "RDTSC multiplies by the TSC multiplier."],
  userWait: ["secondaryControls", 26, "Enable user wait and pause", "UMWAIT and TPAUSE do not raise #UD."],
  pconfig: ["secondaryControls", 27, "Enable PCONFIG", "PCONFIG does not raise #UD."],
  enclvExiting: ["secondaryControls", 28, "Enable ENCLV exiting", "ENCLV exits by bitmap."],
  busLockDetection: ["secondaryControls", 30, "VMM bus-lock detection", "A bus lock exits."],
  notifyWindow: [
    "secondaryControls",
    31,
    "Instruction timeout",
    "Exits when no instruction boundary comes for too long.",
  ],

  saveDebugControls: ["exitControls", 2, "Save debug controls", "An exit saves DR7 and IA32_DEBUGCTL."],
  hostAddressSpaceSize: ["exitControls", 9, "Host address-space size", "The host is in 64-bit mode after an exit."],
  exitLoadPerfGlobalCtrl: ["exitControls", 12, "Load IA32_PERF_GLOBAL_CTRL", "An exit loads the host's value."],
  acknowledgeInterrupt: [
    "exitControls",
    15,
    "Acknowledge interrupt on exit",
    "An external-interrupt exit takes the vector from the controller.",
  ],
  savePat: ["exitControls", 18, "Save IA32_PAT", "An exit saves the guest's PAT."],
  exitLoadPat: ["exitControls", 19, "Load IA32_PAT", "An exit loads the host's PAT."],
  saveEfer: ["exitControls", 20, "Save IA32_EFER", "An exit saves the guest's EFER."],
  exitLoadEfer: ["exitControls", 21, "Load IA32_EFER", "An exit loads the host's EFER."],
  savePreemptionTimer: [
    "exitControls",
    22,
    "Save VMX-preemption timer value",
    "An exit saves what is left of the timer.",
  ],

  loadDebugControls: ["entryControls", 2, "Load debug controls", "An entry loads DR7 and IA32_DEBUGCTL."],
  ia32eModeGuest: ["entryControls", 9, "IA-32e mode guest", "The guest is in long mode after the entry."],
  entryToSmm: ["entryControls", 10, "Entry to SMM", "The guest is in system-management mode."],
  deactivateDualMonitor: ["entryControls", 11, "Deactivate dual-monitor treatment", "SMM is treated as by default."],
  entryLoadPerfGlobalCtrl: ["entryControls", 13, "Load IA32_PERF_GLOBAL_CTRL", "An entry loads the guest's value."],
  entryLoadPat: ["entryControls", 14, "Load IA32_PAT", "An entry loads the guest's PAT."],
  entryLoadEfer: ["entryControls", 15, "Load IA32_EFER", "An entry loads the guest's EFER."],
} as const satisfies Rows;

export type ControlName = keyof typeof rows;

export const controls = Object.fromEntries(
  Object.entries(rows).map(([key, [field, bit, name, doc]]) => [
    key,
    { field, bit, name, doc, word: wordOf(field), mask: 1 << bit },
  ]),
) as Record<ControlName, Control>;

/** Is the control in force? A secondary control counts only while the primary bit that activates them is 1. */
export const isOn = (vmcs: Vmcs, name: ControlName): boolean => inForce(vmcs, controls[name]);

const secondaryWord = wordOf("secondaryControls");
const activation = controls.secondaryControls;

/** As `isOn`, for those who ask at every exit and keep the control. */
export function inForce({ words }: Vmcs, { word, mask }: Control): boolean {
  if ((words[word]! & mask) === 0) return false;
  return word !== secondaryWord || (words[activation.word]! & activation.mask) !== 0;
}

/** What the bits of a control word are called: "Virtualize x2APIC mode (bit 4)". */
export function controlNames(field: VmcsField, bits: number): string[] {
  const numbers = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((bits >>> bit) & 1) === 1);
  const named = Object.values(controls).filter((control) => control.field === field);
  return numbers.map((bit) => `${named.find((control) => control.bit === bit)?.name ?? "a reserved bit"} (bit ${bit})`);
}

/** All control bits of these names as one word; they must be of the same field. */
export const controlWord = (...names: readonly ControlName[]): number =>
  names.reduce((word, name) => (word | (1 << controls[name].bit)) >>> 0, 0);

/** "primary processor-based VM-execution controls 4002h, bit 7: HLT exiting = 1" */
export const controlRule = (vmcs: Vmcs, name: ControlName): string => controlText(name, isOn(vmcs, name));

/** The rule of a control that is known to be in force or not. */
export function controlText(name: ControlName, on: boolean): string {
  const { field, bit, name: title } = controls[name];
  const word = vmcsFields[field].name;
  return `${word[0]!.toLowerCase()}${word.slice(1)} ${encodingText(field)}, bit ${bit}: ${title} = ${on ? 1 : 0}`;
}
