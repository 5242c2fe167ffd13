/** The fields of control blocks by names that can stand in an expression: `vmcs.guest_rip`, `vmcb.exit_code`. */
import { type CleanGroup, saveArea, type VmcbField, type VmcbFieldRow, vmcbFields } from "../svm/vmcb-fields.ts";
import { encodingParts, encodingText, type VmcsField, vmcsFields } from "../vmx/vmcs-fields.ts";
import { isSupported } from "../vmx/vmcs-support.ts";

interface Named {
  /** As it is written behind the point: "guest_rip". */
  readonly identifier: string;
  /** The manual's name. */
  readonly name: string;
  /** Encoding or offset, as the manual writes it: "681Eh". */
  readonly place: string;
  /** Bits. */
  readonly width: number;
  /** Why nobody can give it a value, as a sentence. */
  readonly fixed?: string;
}

/** A field of the VMCS or of the VMCB. */
export type NamedField = Named &
  ({ readonly block: "vmcs"; readonly field: VmcsField } | { readonly block: "vmcb"; readonly field: VmcbField });
export type BlockName = NamedField["block"];

const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function vmcsField(field: VmcsField): NamedField {
  const { name, encoding } = vmcsFields[field];
  const { bits, group } = encodingParts(encoding);
  const fixed = `${name} is a read-only field: a VMWRITE to it fails with error 13 (IA32_VMX_MISC, bit 29, is 0).`;
  return {
    ...{ block: "vmcs", field, identifier: snake(field), name, place: encodingText(field), width: bits },
    ...(group === "read-only" ? { fixed } : {}),
  };
}

/** Of the state save area, what VMRUN loads though no clean bit stands for it. */
const alwaysLoaded: ReadonlySet<VmcbField> = new Set<VmcbField>(["rflags", "rip", "rsp", "rax"]);

/** Of AMD-V the processor does not have these, and looks at none of their fields. */
const absent: Partial<Record<CleanGroup, string>> = { branchRecords: "last-branch virtualization", avic: "AVIC" };

function fixedBecause(field: VmcbField): string | undefined {
  const { name, offset, group }: VmcbFieldRow = vmcbFields[field];
  const lacks = group && absent[group];
  if (lacks) return `The processor has no ${lacks}: a change of ${name} would change nothing.`;
  if (offset < saveArea || group !== undefined || alwaysLoaded.has(field)) return undefined;
  return `VMRUN does not load ${name}, only VMLOAD does (APM Vol. 2, 15.5.2): a change of it in the VMCB would never reach the guest.`;
}

function vmcbField(field: VmcbField): NamedField {
  const { name, offset, bytes }: VmcbFieldRow = vmcbFields[field];
  const place = `${offset.toString(16).toUpperCase().padStart(3, "0")}h`;
  const fixed = fixedBecause(field);
  return {
    ...{ block: "vmcb", field, identifier: snake(field), name, place, width: 8 * bytes },
    ...(fixed === undefined ? {} : { fixed }),
  };
}

/** Those that the processor has, in the order of their tables. */
export const namedFields: Readonly<Record<BlockName, readonly NamedField[]>> = {
  vmcs: (Object.keys(vmcsFields) as VmcsField[]).filter(isSupported).map(vmcsField),
  vmcb: (Object.keys(vmcbFields) as VmcbField[]).map(vmcbField),
};

/** Letters and digits alone: how names are compared. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z\d]+/g, "");

const lookup = (fields: readonly NamedField[]): ReadonlyMap<string, NamedField> =>
  new Map(
    [
      ...fields.map((field) => [field.place, field] as const),
      ...fields.map((field) => [field.name, field] as const),
      // The last one counts.
      ...fields.map((field) => [field.identifier, field] as const),
    ].map(([name, field]) => [plain(name), field]),
  );
const byName: ReadonlyMap<string, ReadonlyMap<string, NamedField>> = new Map([
  ["vmcs", lookup(namedFields.vmcs)],
  ["vmcb", lookup(namedFields.vmcb)],
]);

/** The field that a text means: by identifier, manual's name or place, without regard to case and punctuation. */
export const fieldNamed = (block: string, text: string): NamedField | undefined => byName.get(block)?.get(plain(text));

/** Why registers cannot be changed while a control block holds what the processor cannot load. */
export const unloadedText = (block: "VMCS" | "VMCB"): string =>
  `The ${block} has been given fields with which the guest cannot be entered: correct these first, or let the entry fail.`;
