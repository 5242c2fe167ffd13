import { intercepts } from "../svm/intercepts.ts";
import { vmcbFields } from "../svm/vmcb-fields.ts";
import type { MachineEvent } from "../trace/event.ts";
import { type ControlName, controls } from "../vmx/controls.ts";
import { vmcsFields } from "../vmx/vmcs-fields.ts";

type Exit = MachineEvent & { readonly kind: "exit" };

/** A bit of a control block. */
export interface ControlBit {
  /** Encoding of the VMCS field, or offset in the VMCB. */
  readonly place: number;
  readonly bit: number;
}

const control = (name: ControlName): ControlBit => ({
  place: vmcsFields[controls[name].field].encoding,
  bit: controls[name].bit,
});
const intercept = (name: keyof typeof intercepts): ControlBit => ({
  place: vmcbFields[intercepts[name].word].offset,
  bit: intercepts[name].bit,
});

/** Reasons of which tables in memory decide: the control that has the processor look there. */
const byTables: Readonly<Record<string, ControlBit>> = {
  EPT_VIOLATION: control("ept"),
  EPT_MISCONFIGURATION: control("ept"),
  VMEXIT_NPF: { place: vmcbFields.nestedControl.offset, bit: 0 },
};
const byMaps: Readonly<Record<string, ControlBit>> = {
  IO_INSTRUCTION: control("ioBitmaps"),
  RDMSR: control("msrBitmaps"),
  WRMSR: control("msrBitmaps"),
  VIRTUALIZED_EOI: control("virtualInterruptDelivery"),
  VMEXIT_IOIO: intercept("IOIO"),
  VMEXIT_MSR: intercept("MSR"),
  VMEXIT_PAUSE: intercept("PAUSE"),
};

/** "…4002h, bit 7: HLT exiting = 1", "…(VMCB 00Ch), bit 24: HLT = 1", "VMCB 008h, bit 14 = 1": as `Why.rule` has them. */
const ruleBit = /(?:VMCB )?(?<place>[\dA-F]{3,4})h\)?, bit (?<bit>\d+)(?:: [^;=]*)? = (?<value>[01])/g;

/** Rules that name a bit of a map in memory, or why there is none. */
const ofMap = /^(?:I\/O|MSR|EOI-exit|access) /;
/** At an MSR outside of its bitmaps VT-x leaves with them and without, AMD-V only with the intercept. */
const isOutside = (reason: string, rule: string): boolean =>
  rule.startsWith("MSR outside") && !reason.startsWith("VMEXIT_");

/** The bit of the control block by which an exit left the guest; undefined where none did: nothing can prevent those. */
export function decidingBit({ reason, why }: Exit): ControlBit | undefined {
  const tables = byTables[reason];
  if (tables) return tables;
  const bits = [...why.rule.matchAll(ruleBit)].map(({ groups }) => groups!);
  if (bits.length === 0 || ofMap.test(why.rule)) return isOutside(reason, why.rule) ? undefined : byMaps[reason];
  const on = bits.find(({ value }) => value === "1");
  return on && { place: Number.parseInt(on["place"]!, 16), bit: Number(on["bit"]) };
}

const deciding: readonly ControlName[] = [
  ...(["externalInterruptExiting", "nmiExiting", "preemptionTimer", "interruptWindowExiting", "hltExiting"] as const),
  ...(["invlpgExiting", "mwaitExiting", "rdpmcExiting", "rdtscExiting", "cr3LoadExiting", "cr3StoreExiting"] as const),
  ...(["cr8LoadExiting", "cr8StoreExiting", "tprShadow", "nmiWindowExiting", "movDrExiting", "ioBitmaps"] as const),
  ...(["unconditionalIoExiting", "monitorTrapFlag", "msrBitmaps", "monitorExiting", "pauseExiting"] as const),
  ...(["virtualizeApicAccesses", "ept", "descriptorTableExiting", "wbinvdExiting", "pauseLoopExiting"] as const),
  ...([
    "apicRegisterVirtualization",
    "virtualInterruptDelivery",
    "rdrandExiting",
    "rdseedExiting",
    "vmFunctions",
    "pml",
  ] as const),
];
const decidingControls = new Set(deciding.map(control).map(({ place, bit }) => `${place}:${bit}`));
const interceptWords: ReadonlySet<number> = new Set(
  (["crReads", "crWrites", "drReads", "drWrites", "exceptions", "vector3", "vector4", "vector5"] as const).map(
    (field) => vmcbFields[field].offset,
  ),
);

/** Whether an exit can be due to a bit of the VMCS or of the VMCB. */
export function canDecide(block: "VMCS" | "VMCB", { place, bit }: ControlBit): boolean {
  if (block === "VMCB") return interceptWords.has(place) || (place === vmcbFields.nestedControl.offset && bit === 0);
  return place === vmcsFields.exceptionBitmap.encoding || decidingControls.has(`${place}:${bit}`);
}
