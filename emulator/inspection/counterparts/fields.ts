/**
 * Fields of the VMCS and of the VMCB that hold the same state: SDM Vol. 3, 25.4 to 25.9 and appendix B, and APM Vol. 2, appendix B. Where
 * the forms differ, how one is made of the other; undefined where the value cannot be told.
 */
import { accessOf, attributesOf } from "../../svm/guest-state.ts";
import type { Vmcb } from "../../svm/vmcb.ts";
import type { VmcbField } from "../../svm/vmcb-fields.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import type { VmcsField } from "../../vmx/vmcs-fields.ts";
import { eventOfVmcb, eventOfVmcs } from "./events.ts";
import { exitCodeOf, exitReasonOf } from "./exits.ts";

export interface FieldPair {
  readonly vmcs: VmcsField;
  readonly vmcb: VmcbField;
  /** The value in the other's form. Default: as it is. */
  readonly toVmcb?: (vmcs: Vmcs) => bigint | undefined;
  readonly toVmcs?: (vmcb: Vmcb) => bigint | undefined;
  /** In what the two differ, as a sentence. */
  readonly note?: string;
}

const same = (vmcs: VmcsField, vmcb: VmcbField, note?: string): FieldPair => ({
  ...{ vmcs, vmcb },
  ...(note === undefined ? {} : { note }),
});
/** The same role in another form, of which no value can be told. */
const unlike = (vmcs: VmcsField, vmcb: VmcbField, note: string): FieldPair => ({
  ...{ vmcs, vmcb, note },
  toVmcb: () => undefined,
  toVmcs: () => undefined,
});

const segmentPairs = (["Es", "Cs", "Ss", "Ds", "Fs", "Gs", "Ldtr", "Tr"] as const).flatMap((name): FieldPair[] => {
  const lower = name.toLowerCase() as Lowercase<typeof name>;
  const hidden = ["Fs", "Gs", "Ldtr", "Tr"].includes(name);
  const note = hidden ? "#VMEXIT and VMRUN leave it in the processor; VMSAVE and VMLOAD move it." : undefined;
  return [
    same(`guest${name}Selector`, `${lower}Selector`, note),
    {
      ...{ vmcs: `guest${name}Access`, vmcb: `${lower}Attributes` },
      toVmcb: (vmcs) => BigInt(attributesOf(vmcs.number(`guest${name}Access`))),
      toVmcs: (vmcb) => BigInt(accessOf(vmcb.number(`${lower}Attributes`))),
      note: "The VMCB has descriptor bits 55:52 in bits 11:8, the VMCS in bits 15:12, with bit 16 for unusable.",
    },
    same(`guest${name}Limit`, `${lower}Limit`, note),
    same(`guest${name}Base`, `${lower}Base`, note),
  ];
});

const svme = 0x1000n;
const inSaveArea = "#VMEXIT and VMRUN leave it in the processor; VMSAVE and VMLOAD move it.";

export const fieldPairs: readonly FieldPair[] = [
  {
    ...{ vmcs: "exitReason", vmcb: "exitCode" },
    toVmcb: exitCodeOf,
    toVmcs: exitReasonOf,
    note: "EXITCODE is finer: a code for each control register, debug register and exception, and both directions.",
  },
  unlike("exitQualification", "exitInfo1", "Both depend on the reason, and have their bits elsewhere."),
  unlike(
    "guestPhysicalAddress",
    "exitInfo2",
    "EXITINFO2 is the address for VMEXIT_NPF, and something else for others.",
  ),
  unlike("exitInterruptionInfo", "exitInfo1", "AMD-V has the vector in EXITCODE and the error code in EXITINFO1."),
  {
    ...{ vmcs: "idtVectoringInfo", vmcb: "exitIntInfo" },
    toVmcb: (vmcs) => eventOfVmcs(vmcs.number("idtVectoringInfo"), vmcs.number("idtVectoringErrorCode")),
    toVmcs: (vmcb) => eventOfVmcb(vmcb.get("exitIntInfo")),
    note: "EXITINTINFO has the error code in bits 63:32, and one type for all exceptions.",
  },
  {
    ...{ vmcs: "idtVectoringErrorCode", vmcb: "exitIntInfo" },
    toVmcb: (vmcs) => eventOfVmcs(vmcs.number("idtVectoringInfo"), vmcs.number("idtVectoringErrorCode")),
    toVmcs: (vmcb) => vmcb.get("exitIntInfo") >> 32n,
    note: "Bits 63:32 of EXITINTINFO.",
  },
  {
    ...{ vmcs: "entryInterruptionInfo", vmcb: "eventInjection" },
    toVmcb: (vmcs) => eventOfVmcs(vmcs.number("entryInterruptionInfo"), vmcs.number("entryErrorCode")),
    toVmcs: (vmcb) => eventOfVmcb(vmcb.get("eventInjection")),
    note: "EVENTINJ has the error code in bits 63:32, and one type for all exceptions.",
  },
  {
    ...{ vmcs: "entryErrorCode", vmcb: "eventInjection" },
    toVmcb: (vmcs) => eventOfVmcs(vmcs.number("entryInterruptionInfo"), vmcs.number("entryErrorCode")),
    toVmcs: (vmcb) => vmcb.get("eventInjection") >> 32n,
    note: "Bits 63:32 of EVENTINJ.",
  },
  {
    ...{ vmcs: "exitInstructionLength", vmcb: "nextRip" },
    toVmcb: (vmcs) => BigInt.asUintN(64, vmcs.get("guestRip") + vmcs.get("exitInstructionLength")),
    toVmcs: (vmcb) => {
      const length = BigInt.asIntN(64, vmcb.get("nextRip") - vmcb.get("rip"));
      return length > 0n && length <= 15n ? length : undefined;
    },
    note: "nRIP is RIP plus the length, where the manual saves it.",
  },
  same("guestRip", "rip"),
  same("guestRsp", "rsp"),
  same("guestRflags", "rflags"),
  same("guestCr0", "cr0"),
  same("guestCr3", "cr3"),
  same("guestCr4", "cr4"),
  same("guestDr7", "dr7"),
  {
    ...{ vmcs: "guestEfer", vmcb: "efer" },
    toVmcb: (vmcs) => vmcs.get("guestEfer") | svme,
    toVmcs: (vmcb) => vmcb.get("efer") & ~svme,
    note: "In the VMCB, SVME (bit 12) is 1 while a guest runs.",
  },
  same("guestPat", "guestPat"),
  same("guestDebugctl", "debugControl"),
  same("guestSysenterCs", "sysenterCs", inSaveArea),
  same("guestSysenterEsp", "sysenterEsp", inSaveArea),
  same("guestSysenterEip", "sysenterEip", inSaveArea),
  {
    ...{ vmcs: "guestInterruptibility", vmcb: "interruptShadow" },
    toVmcb: (vmcs) => ((vmcs.number("guestInterruptibility") & 3) !== 0 ? 1n : 0n),
    toVmcs: (vmcb) => vmcb.get("interruptShadow") & 1n,
    note: "The VMCB does not tell blocking by STI from blocking by MOV SS, and has no blocking by NMI here.",
  },
  same("guestGdtrBase", "gdtrBase"),
  same("guestGdtrLimit", "gdtrLimit"),
  same("guestIdtrBase", "idtrBase"),
  same("guestIdtrLimit", "idtrLimit"),
  ...segmentPairs,
  {
    ...{ vmcs: "guestSsAccess", vmcb: "cpl" },
    toVmcb: (vmcs) => (vmcs.get("guestSsAccess") >> 5n) & 3n,
    toVmcs: (vmcb) => BigInt(accessOf(vmcb.number("ssAttributes"))),
    note: "VT-x has the privilege level as the DPL of SS, bits 6:5.",
  },
  same("exceptionBitmap", "exceptions", "VT-x decides about page faults also by error code."),
  same("tscOffset", "tscOffset", "VT-x adds it only with TSC offsetting."),
  same("vpid", "asid", "Both tag translations; an ASID is not optional."),
  {
    ...{ vmcs: "eptPointer", vmcb: "nestedCr3" },
    toVmcb: (vmcs) => vmcs.get("eptPointer") & ~0xfffn,
    toVmcs: () => undefined,
    note: "The EPTP has memory type and levels in its low bits. EPT entries have a form of their own, nested page tables that of ordinary ones.",
  },
  same("ioBitmapA", "iopmBase", "One map of all ports, and 4 bits more, where VT-x has two."),
  unlike("ioBitmapB", "iopmBase", "The I/O permission map goes on with these ports."),
  unlike("msrBitmaps", "msrpmBase", "Two bits an MSR, side by side, where VT-x has four maps."),
  unlike("pauseLoopGap", "pauseFilterThreshold", "Both in cycles, of clocks that need not agree."),
  unlike("pauseLoopWindow", "pauseFilterCount", "VT-x counts cycles of a loop, AMD-V PAUSEs."),
  unlike("virtualApicAddress", "avicBackingPage", "APIC virtualization and AVIC share the idea, not the form."),
  unlike("apicAccessAddress", "avicApicBar", "APIC virtualization and AVIC share the idea, not the form."),
];

export type Only<F> = readonly (readonly [fields: readonly F[] | RegExp, why: string])[];

/** Fields with no counterpart, and what there is instead. The first row that fits counts. */
export const vmcsOnly: Only<VmcsField> = [
  [/^host/, "VMRUN saves the host's state in the page that MSR VM_HSAVE_PA names, and #VMEXIT takes it from there."],
  [
    /^cr[04](Mask|Shadow)$/,
    "AMD-V has no read shadows: writes and reads of CR0 and CR4 are intercepted as a whole, or CR0_SEL_WRITE.",
  ],
  [/^cr3Target/, "AMD-V has no CR3-target values: a write to CR3 is intercepted, or not."],
  [/Msr(Store|Load)/, "AMD-V has no MSR areas: the VMM reads and writes MSRs by itself."],
  [/^pageFault/, "AMD-V does not decide by error code: all page faults are intercepted, or none."],
  [/^guestPdpte/, "AMD-V reads the PDPTEs from memory."],
  [/^(eoiExit|posted|tprThreshold|guestInterruptStatus)/, "AMD-V has AVIC and V_TPR, with another form."],
  [/^(eptp|virtualizationException|vmFunction|pml)/, "AMD-V has nothing of the kind."],
  [
    /^(preemptionTimer|guestActivity|guestPendingDebug|guestSmbase|vmcsLinkPointer|executiveVmcs)/,
    "AMD-V has nothing of the kind.",
  ],
  [["instructionError"], "VMRUN fails with one EXITCODE, VMEXIT_INVALID."],
  [["exitInstructionInfo"], "AMD-V stores the bytes of the instruction (decode assists)."],
  [["exitErrorCode"], "AMD-V has the error code of an exception in EXITINFO1."],
  [["guestLinearAddress"], "AMD-V tells it in EXITINFO1, of INVLPG; of a nested page fault not at all."],
  [["entryInstructionLength"], "AMD-V returns to nRIP."],
  [["pinControls", "primaryControls", "secondaryControls", "exitControls", "entryControls"], "Bit by bit: intercepts."],
];
export const vmcbOnly: Only<VmcbField> = [
  [["clean"], "VT-x has no clean bits: VMWRITE tells the processor what has changed."],
  [["tlbControl"], "VT-x has instructions for it: INVEPT and INVVPID."],
  [
    ["virtualInterrupt", "virtualVector"],
    "VT-x has interrupt-window exiting, or the virtual-APIC page with virtual-interrupt delivery.",
  ],
  [["nestedControl"], "VT-x: Enable EPT (401Eh, bit 1)."],
  [["instructionBytes"], "VT-x decodes the instruction instead: VM-exit instruction information 440Eh."],
  [["rax"], "VT-x leaves RAX to the VMM, as the other general registers."],
  [["cr2", "dr6"], "VT-x leaves it in the processor."],
  [/^(star|lstar|cstar|sfmask|kernelGsBase)$/, "VT-x leaves it in the processor; an MSR area can move it."],
  [/^(branch|lastException|lbr)/, "VT-x has the LBR MSRs and controls of their own."],
  [/^avic/, "VT-x has posted interrupts instead."],
  [/^(crReads|crWrites|drReads|drWrites|vector)/, "Bit by bit: controls."],
];
