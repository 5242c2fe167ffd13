/** The state of a VMCS under AMD's names. */
import { intercepts } from "../../svm/intercepts.ts";
import { saveArea, type VmcbField, type VmcbFieldRow, vmcbFields } from "../../svm/vmcb-fields.ts";
import type { Field } from "../../trace/event.ts";
import { type ControlName, controls, isOn } from "../../vmx/controls.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import { encodingText, type VmcsField, vmcsFields } from "../../vmx/vmcs-fields.ts";
import { isSupported } from "../../vmx/vmcs-support.ts";
import type { VmcsView } from "../../vmx/vmcs-view.ts";
import { alwaysExits, type BitPair, bitPairs, neverExits, type VmcbBit } from "./bits.ts";
import { fieldPairs, vmcbOnly, vmcsOnly } from "./fields.ts";
import {
  exceptionBits,
  flag,
  isPaired,
  none,
  type OtherBits,
  type OtherField,
  type OtherNames,
  reasonFor,
  sentences,
} from "./other-names.ts";

const words: readonly VmcsField[] = [
  "pinControls",
  "primaryControls",
  "secondaryControls",
  "exitControls",
  "entryControls",
];
const vmcsText = (field: VmcsField): string => `${vmcsFields[field].name} (${encodingText(field)})`;
const controlText = (name: ControlName): string => {
  const { field, bit, name: title } = controls[name];
  return `${title} (${encodingText(field)}, bit ${bit})`;
};

const pairValue = (vmcs: Vmcs, { controls: names, always }: BitPair): string =>
  flag(always === true || names.some((name) => isOn(vmcs, name)));

/** A bit with counterparts. Its exits are told where these are of no other bit too. */
function pairedBit(vmcs: Vmcs, shared: BitPair, { name, bit }: Pick<VmcbBit, "name" | "bit">): OtherBits {
  const places = shared.controls.map((key) => ({
    place: vmcsFields[controls[key].field].encoding,
    bit: controls[key].bit,
  }));
  return {
    ...{ name, bits: `${bit}`, value: pairValue(vmcs, shared) },
    doc: sentences(`VT-x: ${shared.controls.map(controlText).join(", ")}.`, shared.note),
    ...(shared.bits.length === 1 ? { madeOf: places } : {}),
  };
}

function interceptBits(vmcs: Vmcs, field: VmcbField): OtherBits[] {
  return Object.entries(intercepts)
    .filter(([, { word }]) => word === field)
    .map(([name, { bit }]) => {
      const shared = bitPairs.find(({ bits }) => bits.some((other) => other.field === field && other.bit === bit));
      const bits = `${bit}`;
      if (shared) return pairedBit(vmcs, shared, { name, bit });
      if ((alwaysExits as readonly string[]).includes(name))
        return { name, bits, value: "1", doc: "VT-x leaves the guest here whatever its controls say." };
      if ((neverExits as readonly string[]).includes(name))
        return { name, bits, value: "0", doc: "VT-x has no control for it: it does not leave the guest." };
      return { name, bits, value: none, doc: inOtherForm[name] ?? "VT-x has no counterpart." };
    });
}

/** Intercepts of what VT-x decides in another form. */
const inOtherForm: Readonly<Record<string, string>> = {
  CR0_SEL_WRITE: "VT-x: bit by bit, by the CR0 guest/host mask (6000h).",
  ICEBP: "VT-x: with #DB, by the exception bitmap (4004h, bit 1).",
  MWAIT_CONDITIONAL:
    "VT-x: MWAIT exiting (4002h, bit 10); bit 0 of the exit qualification says whether the monitor is armed.",
};

const registerDocs: Readonly<Record<string, string>> = {
  CR0: "VT-x: bit by bit, by the CR0 guest/host mask (6000h).",
  CR2: "VT-x has no control for it: it does not leave the guest.",
  CR4: "VT-x: bit by bit, by the CR4 guest/host mask (6002h).",
};

function registerBits(vmcs: Vmcs, field: VmcbField): OtherBits[] {
  const numbers = field.startsWith("cr") ? [0, 2, 3, 4, 8] : [0, 1, 2, 3, 6, 7];
  return numbers.map((bit) => {
    const name = `${field.startsWith("cr") ? "CR" : "DR"}${bit}`;
    const shared = bitPairs.find(({ bits }) => bits.some((other) => other.field === field && other.bit === bit));
    if (shared) return pairedBit(vmcs, shared, { name, bit });
    return { name, bits: `${bit}`, value: name === "CR2" ? "0" : none, doc: registerDocs[name]! };
  });
}

/** Bits that have a counterpart, of words that hold other things too. */
const pairedBits = (vmcs: Vmcs, field: VmcbField): OtherBits[] =>
  bitPairs.flatMap((shared) =>
    shared.bits.filter((bit) => bit.field === field).map((bit) => pairedBit(vmcs, shared, bit)),
  );

function vmcbBits(vmcs: Vmcs, field: VmcbField): OtherBits[] {
  if (/^vector/.test(field)) return interceptBits(vmcs, field);
  if (/^[cd]r(Reads|Writes)$/.test(field)) return registerBits(vmcs, field);
  if (field === "exceptions") return exceptionBits(vmcs.number("exceptionBitmap"), vmcsFields.exceptionBitmap.encoding);
  return pairedBits(vmcs, field);
}

function asVmcbField(vmcs: Vmcs, shown: ReadonlySet<number>, field: VmcbField): OtherField {
  const { name, offset, bytes }: VmcbFieldRow = vmcbFields[field];
  const pairs = fieldPairs.filter((pair) => pair.vmcb === field && isSupported(pair.vmcs));
  const [first] = pairs;
  const bits = vmcbBits(vmcs, field);
  const sources = pairs.map((pair) => vmcsFields[pair.vmcs].encoding);
  const whole = { name, place: offset, width: 8 * bytes, bits, sources };
  if (!first) {
    const why = reasonFor(vmcbOnly, field) ?? "VT-x has no counterpart.";
    return { ...whole, value: undefined, shown: bits.some(({ value }) => value === "1"), note: why };
  }
  const value = first.toVmcb ? first.toVmcb(vmcs) : vmcs.get(first.vmcs);
  const note = sentences(`VT-x: ${pairs.map((pair) => vmcsText(pair.vmcs)).join(", ")}.`, first.note);
  return { ...whole, value, shown: sources.some((place) => shown.has(place)), note };
}

const allVmcb = Object.keys(vmcbFields) as VmcbField[];

/** Controls that no bit of the VMCB stands for, as what is left of their word. */
const controlsAlone = (bits: readonly (Field & { readonly doc?: string })[], field: VmcsField): OtherBits[] =>
  bits
    .filter(({ bits: number }) => {
      const name = controlAt(field, Number(number));
      return name === undefined || !bitPairs.some((shared) => shared.controls.includes(name));
    })
    .map((bit) => ({ ...bit, doc: sentences(bit.doc, "No counterpart.") }));

const controlAt = (field: VmcsField, bit: number): ControlName | undefined =>
  (Object.keys(controls) as ControlName[]).find((name) => controls[name].field === field && controls[name].bit === bit);

function vmcsAlone({ groups }: VmcsView): OtherField[] {
  const keyOf = new Map((Object.keys(vmcsFields) as VmcsField[]).map((key) => [vmcsFields[key].encoding, key]));
  return groups
    .flatMap(({ fields }) => fields)
    .map((view) => ({ view, key: keyOf.get(view.encoding)! }))
    .filter(({ key }) => !isPaired((pair) => pair.vmcs === key))
    .map(({ view: { encoding, name, value, width, shown, bits }, key }) => ({
      ...{ name, place: encoding, value, width, shown, sources: [encoding] },
      bits: words.includes(key) ? controlsAlone(bits, key) : bits.map((bit) => ({ ...bit, doc: bit.doc ?? "" })),
      note: reasonFor(vmcsOnly, key) ?? "AMD-V has no counterpart.",
    }));
}

/** A VMCS under AMD's names. */
export function vmcsAsVmcb(vmcs: Vmcs, view: VmcsView): OtherNames {
  const shown = new Set(
    view.groups.flatMap(({ fields }) => fields.filter((field) => field.shown).map(({ encoding }) => encoding)),
  );
  const inArea = (control: boolean) =>
    allVmcb
      .filter((field) => vmcbFields[field].offset < saveArea === control)
      .map((field) => asVmcbField(vmcs, shown, field));
  return {
    kind: "VMCB",
    groups: [
      { group: "Control area", fields: inArea(true) },
      { group: "State save area", fields: inArea(false) },
      { group: "VT-x alone: no counterpart in the VMCB", alone: true, fields: vmcsAlone(view) },
    ],
  };
}
