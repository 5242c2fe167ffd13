/** The state of a VMCB under Intel's names. */

import type { Vmcb } from "../../svm/vmcb.ts";
import { placeText, type VmcbField, vmcbFields } from "../../svm/vmcb-fields.ts";
import type { VmcbView } from "../../svm/vmcb-view.ts";
import type { Field } from "../../trace/event.ts";
import { controls } from "../../vmx/controls.ts";
import { encodingParts, type VmcsField, vmcsFields, vmcsGroups } from "../../vmx/vmcs-fields.ts";
import { isSupported } from "../../vmx/vmcs-support.ts";
import { bitPairs } from "./bits.ts";
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

const vmcbText = (field: VmcbField): string => `${vmcbFields[field].name} (${placeText(field)})`;

function controlBits(vmcb: Vmcb, field: VmcsField): OtherBits[] {
  return Object.entries(controls)
    .filter(([, control]) => control.field === field)
    .map(([key, { bit, name, doc }]) => {
      const shared = bitPairs.find((pair) => (pair.controls as readonly string[]).includes(key));
      if (!shared) return { name, bits: `${bit}`, value: none, doc: `${doc} AMD-V has no counterpart.` };
      const chosen = (shared.chosen?.(vmcb) ?? key) === key;
      const on = shared.always === true || (chosen && shared.bits.some((other) => vmcb.bit(other.field, other.bit)));
      const [first] = shared.bits;
      const others = shared.bits.length > 1 ? ` and ${shared.bits.length - 1} more` : "";
      const where = `AMD-V: ${first!.name} (${placeText(first!.field)}, bit ${first!.bit})${others}.`;
      const madeOf = chosen
        ? shared.bits.map((other) => ({ place: vmcbFields[other.field].offset, bit: other.bit }))
        : [];
      return { name, bits: `${bit}`, value: flag(on), doc: sentences(doc, where, shared.note), madeOf };
    });
}

function asVmcsField(vmcb: Vmcb, shown: ReadonlySet<number>, field: VmcsField): OtherField {
  const { name, encoding } = vmcsFields[field];
  const pairs = fieldPairs.filter((pair) => pair.vmcs === field);
  const [first] = pairs;
  const bits =
    field === "exceptionBitmap"
      ? exceptionBits(vmcb.number("exceptions"), vmcbFields.exceptions.offset)
      : controlBits(vmcb, field);
  const sources = pairs.map((pair) => vmcbFields[pair.vmcb].offset);
  const whole = { name, place: encoding, width: encodingParts(encoding).bits, bits, sources };
  if (!first) {
    const why = reasonFor(vmcsOnly, field) ?? "AMD-V has no counterpart.";
    return { ...whole, value: undefined, shown: bits.some(({ value }) => value === "1"), note: why };
  }
  const value = first.toVmcs ? first.toVmcs(vmcb) : vmcb.get(first.vmcb);
  const note = sentences(`AMD-V: ${pairs.map((pair) => vmcbText(pair.vmcb)).join(", ")}.`, first.note);
  return { ...whole, value, shown: sources.some((place) => shown.has(place)), note };
}

/** Bits that no control stands for, as what is left of their word. */
const bitsAlone = (bits: readonly (Field & { readonly doc?: string })[], field: VmcbField): OtherBits[] =>
  bits
    .filter(
      ({ bits: number }) =>
        !bitPairs.some((pair) => pair.bits.some((bit) => bit.field === field && `${bit.bit}` === number)),
    )
    .map((bit) => ({ ...bit, doc: bit.doc ?? "" }));

function vmcbAlone({ groups }: VmcbView): OtherField[] {
  const keyOf = new Map((Object.keys(vmcbFields) as VmcbField[]).map((key) => [vmcbFields[key].offset, key]));
  return groups
    .flatMap(({ fields }) => fields)
    .map((view) => ({ view, key: keyOf.get(view.offset)! }))
    .filter(({ key }) => !isPaired((pair) => pair.vmcb === key))
    .map(({ view: { offset, name, value, width, shown, bits }, key }) => ({
      ...{ name, place: offset, value, width, shown, sources: [offset] },
      bits: bitsAlone(bits, key),
      note: reasonFor(vmcbOnly, key) ?? "VT-x has no counterpart.",
    }));
}

/** The groups of the VMCS, for people. */
export const groupTitles = {
  control: "Control fields",
  "read-only": "Exit information",
  guest: "Guest state",
  host: "Host state",
};

/** A VMCB under Intel's names. */
export function vmcbAsVmcs(vmcb: Vmcb, view: VmcbView): OtherNames {
  const shown = new Set(
    view.groups.flatMap(({ fields }) => fields.filter((field) => field.shown).map(({ offset }) => offset)),
  );
  const fields = (Object.keys(vmcsFields) as VmcsField[]).filter(isSupported);
  const groups = vmcsGroups.map((group) => ({
    group: groupTitles[group],
    fields: fields
      .filter((field) => encodingParts(vmcsFields[field].encoding).group === group)
      .map((field) => asVmcsField(vmcb, shown, field)),
  }));
  return {
    kind: "VMCS",
    groups: [...groups, { group: "AMD-V alone: no counterpart in the VMCS", alone: true, fields: vmcbAlone(view) }],
  };
}
