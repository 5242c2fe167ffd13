/** Bits of the VMCS and of the VMCB that make the same exit, or do the same: SDM Vol. 3, 25.6, and APM Vol. 2, 15.9 to 15.14. */
import { type InterceptName, intercepts } from "../../svm/intercepts.ts";
import type { Vmcb } from "../../svm/vmcb.ts";
import type { VmcbField } from "../../svm/vmcb-fields.ts";
import type { ControlName } from "../../vmx/controls.ts";

/** A bit of the VMCB. */
export interface VmcbBit {
  readonly field: VmcbField;
  readonly bit: number;
  /** As the manual calls it. */
  readonly name: string;
}

const intercept = (name: InterceptName): VmcbBit => ({ field: intercepts[name].word, bit: intercepts[name].bit, name });
const numbered = (field: VmcbField, kind: string, ...bits: number[]): VmcbBit[] =>
  bits.map((bit) => ({ field, bit, name: `${kind}${bit}` }));
const debugRegisters = [0, 1, 2, 3, 6, 7];

export interface BitPair {
  readonly controls: readonly ControlName[];
  readonly bits: readonly VmcbBit[];
  /** Whatever the one says, the other says it with this bit set. */
  readonly always?: true;
  /** Of several controls, the one that says what the VMCB says. Default: all do. */
  readonly chosen?: (vmcb: Vmcb) => ControlName;
  readonly note?: string;
}

const pair = (control: ControlName, bits: readonly VmcbBit[], note?: string): BitPair => ({
  ...{ controls: [control], bits },
  ...(note === undefined ? {} : { note }),
});

export const bitPairs: readonly BitPair[] = [
  pair("externalInterruptExiting", [intercept("INTR")]),
  pair("nmiExiting", [intercept("NMI")]),
  pair("virtualNmis", [{ field: "virtualInterrupt", bit: 26, name: "V_NMI_ENABLE" }]),
  pair("interruptWindowExiting", [intercept("VINTR")], "AMD-V asks for it with a virtual interrupt, V_IRQ."),
  pair("hltExiting", [intercept("HLT")]),
  pair("invlpgExiting", [intercept("INVLPG"), intercept("INVPCID")], "INVPCID has an intercept of its own."),
  pair("mwaitExiting", [intercept("MWAIT")]),
  pair("monitorExiting", [intercept("MONITOR")]),
  pair("rdpmcExiting", [intercept("RDPMC")]),
  pair("rdtscExiting", [intercept("RDTSC"), intercept("RDTSCP")], "RDTSCP has an intercept of its own."),
  pair("cr3LoadExiting", numbered("crWrites", "CR", 3), "AMD-V has no CR3-target values."),
  pair("cr3StoreExiting", numbered("crReads", "CR", 3)),
  pair("cr8LoadExiting", numbered("crWrites", "CR", 8)),
  pair("cr8StoreExiting", numbered("crReads", "CR", 8)),
  pair(
    "movDrExiting",
    [...numbered("drReads", "DR", ...debugRegisters), ...numbered("drWrites", "DR", ...debugRegisters)],
    "One control for all debug registers, where AMD-V has a bit for each and both directions.",
  ),
  {
    controls: ["unconditionalIoExiting", "ioBitmaps"],
    bits: [intercept("IOIO")],
    chosen: () => "ioBitmaps",
    note: "IOIO means: by the I/O permission map.",
  },
  {
    controls: ["msrBitmaps"],
    bits: [intercept("MSR")],
    always: true,
    note: "Without MSR bitmaps VT-x leaves at every RDMSR and WRMSR, without the MSR intercept AMD-V at none: with maps, both can say the same.",
  },
  {
    controls: ["pauseExiting", "pauseLoopExiting"],
    bits: [intercept("PAUSE")],
    chosen: (vmcb) => (vmcb.number("pauseFilterCount") > 0 ? "pauseLoopExiting" : "pauseExiting"),
    note: "A PAUSE filter count makes the intercept one of loops.",
  },
  pair("wbinvdExiting", [intercept("WBINVD")]),
  pair(
    "descriptorTableExiting",
    (
      ["IDTR_READ", "GDTR_READ", "LDTR_READ", "TR_READ", "IDTR_WRITE", "GDTR_WRITE", "LDTR_WRITE", "TR_WRITE"] as const
    ).map(intercept),
    "One control for what are eight intercepts.",
  ),
  pair("ept", [{ field: "nestedControl", bit: 0, name: "NP_ENABLE" }]),
  pair(
    "tprShadow",
    [{ field: "virtualInterrupt", bit: 24, name: "V_INTR_MASKING" }],
    "V_TPR is in the VMCB, VTPR in the virtual-APIC page.",
  ),
];

/** Intercepts of what leaves the guest under VT-x whatever the controls say. */
export const alwaysExits: readonly InterceptName[] = [
  ...(["CPUID", "INVD", "XSETBV", "VMMCALL", "VMRUN", "VMLOAD", "VMSAVE", "TASK_SWITCH", "SHUTDOWN", "INIT"] as const),
];
/** Intercepts of what never leaves the guest under VT-x. */
export const neverExits: readonly InterceptName[] = ["PUSHF", "POPF", "IRET", "SWINT"];
