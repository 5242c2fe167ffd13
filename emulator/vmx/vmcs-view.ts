import { exceptionName, exceptionVectors } from "../cpu/exception-names.ts";
import type { Field } from "../trace/event.ts";
import { controls } from "./controls.ts";
import { checkEntry, type Entering } from "./entry-checks.ts";
import { exitReasons } from "./exit-reasons.ts";
import { decodeInstructionInfo, decodeInterruption, decodeQualification } from "./qualification.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingParts, shownFields, type VmcsField, type VmcsGroup, vmcsFields, vmcsGroups } from "./vmcs-fields.ts";
import { isSupported } from "./vmcs-support.ts";

/** A bit or bits of a field, and for controls what they do. */
interface Bits extends Field {
  readonly doc?: string;
}

/** A field of a VMCS as a debugger shows it. */
export interface VmcsFieldView {
  /** The manual's name. */
  readonly name: string;
  readonly encoding: number;
  readonly value: bigint;
  /** Bits; 64 for natural width. */
  readonly width: 16 | 32 | 64;
  /** Worth showing at first sight. */
  readonly shown: boolean;
  /** Its bits by the manual's names, where it has any. */
  readonly bits: readonly Bits[];
}

/** The current VMCS: the guest's own hypervisor's, or the built-in one's. */
export interface VmcsView {
  /** Host-physical address of the region. */
  readonly address: bigint;
  readonly launched: boolean;
  /** Fields the processor has, in the order of their encodings. */
  readonly groups: readonly { readonly group: VmcsGroup; readonly fields: readonly VmcsFieldView[] }[];
  /** The first check that VM entry would fail now, where an entry comes next or has just failed. */
  readonly failure?: { readonly encoding: number; readonly check: string; readonly sentence: string };
}

const shown: ReadonlySet<VmcsField> = new Set(shownFields);
const entryFailure = 31;
const noRoot = 0xffff;

const reasonOf = (vmcs: Vmcs): string | undefined =>
  exitReasons.find(({ number }) => number === (vmcs.number("exitReason") & noRoot))?.name;

function exitReasonBits(vmcs: Vmcs): Field[] {
  const failed = vmcs.bit("exitReason", entryFailure) ? "yes" : "no";
  return [
    { name: "Basic exit reason", value: reasonOf(vmcs) ?? "reserved", bits: "15:0" },
    { name: "VM-entry failure", value: failed, bits: `${entryFailure}` },
  ];
}

function qualificationBits(vmcs: Vmcs): Field[] {
  const reason = reasonOf(vmcs);
  const vector = vmcs.number("exitInterruptionInfo") & 0xff;
  if (reason === undefined) return [];
  const of = reason === "EXCEPTION_NMI" ? vector : undefined;
  return decodeQualification(reason, vmcs.get("exitQualification"), of);
}

/** NMIs have a control of their own. */
const nmi = 2;

const exceptionBits = (vmcs: Vmcs): Bits[] =>
  exceptionVectors
    .filter((vector) => vector !== nmi)
    .map((vector) => ({
      ...{ name: exceptionName(vector), value: vmcs.bit("exceptionBitmap", vector) ? "1" : "0", bits: `${vector}` },
      doc: vector === pageFault ? pageFaultDoc : `${exceptionName(vector)} exits.`,
    }));

const pageFault = 14;
const pageFaultDoc =
  "#PF exits if its error code matches (fields 4006h and 4008h); with this bit clear, if it does not match.";

const interruption = (field: VmcsField) => (vmcs: Vmcs) => {
  const info = vmcs.number(field);
  return info >>> 31 === 1 ? decodeInterruption(info) : [];
};

/** Fields whose bits are more than control bits. */
const decoders: Partial<Record<VmcsField, (vmcs: Vmcs) => Bits[]>> = {
  exceptionBitmap: exceptionBits,
  exitReason: exitReasonBits,
  exitQualification: qualificationBits,
  exitInterruptionInfo: interruption("exitInterruptionInfo"),
  idtVectoringInfo: interruption("idtVectoringInfo"),
  entryInterruptionInfo: interruption("entryInterruptionInfo"),
  exitInstructionInfo: (vmcs) => decodeInstructionInfo(reasonOf(vmcs) ?? "", vmcs.number("exitInstructionInfo")),
};

const controlBits = (vmcs: Vmcs, field: VmcsField): Bits[] =>
  Object.values(controls)
    .filter((control) => control.field === field)
    .map(({ bit, name, doc }) => ({ name, value: vmcs.bit(field, bit) ? "1" : "0", bits: `${bit}`, doc }));

const fieldView = (vmcs: Vmcs, field: VmcsField): VmcsFieldView => ({
  name: vmcsFields[field].name,
  encoding: vmcsFields[field].encoding,
  value: vmcs.get(field),
  width: encodingParts(vmcsFields[field].encoding).bits,
  shown: shown.has(field),
  bits: decoders[field]?.(vmcs) ?? controlBits(vmcs, field),
});

const fieldsByGroup = new Map(
  vmcsGroups.map((group) => [
    group,
    (Object.keys(vmcsFields) as VmcsField[]).filter(
      (field) => isSupported(field) && encodingParts(vmcsFields[field].encoding).group === group,
    ),
  ]),
);

function failureOf(vmcs: Vmcs, entering: Entering): Pick<VmcsView, "failure"> {
  const failed = checkEntry(vmcs, undefined, entering)?.check;
  if (!failed) return {};
  const { id, field, sentence, culprit } = failed;
  const { encoding } = vmcsFields[field];
  return { failure: { encoding, check: id, sentence: culprit ? `${sentence} ${culprit(vmcs)}` : sentence } };
}

/** A VMCS by the groups of its fields; with the processor that may enter, checked as for its entry. */
export const vmcsView = (vmcs: Vmcs, entering: Entering | undefined): VmcsView => ({
  address: BigInt(vmcs.address),
  launched: vmcs.launched,
  groups: vmcsGroups.map((group) => ({
    group,
    fields: fieldsByGroup.get(group)!.map((field) => fieldView(vmcs, field)),
  })),
  ...(entering ? failureOf(vmcs, entering) : {}),
});
