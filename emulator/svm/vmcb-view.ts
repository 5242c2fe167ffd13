import { exceptionName, exceptionVectors } from "../cpu/exception-names.ts";
import type { Field } from "../trace/event.ts";
import { checkConsistency } from "./consistency-checks.ts";
import { exitCodes } from "./exit-codes.ts";
import { decodeEvent, decodeExit } from "./exit-information.ts";
import { type Intercept, intercepts } from "./intercepts.ts";
import type { Vmcb } from "./vmcb.ts";
import { cleanBits, saveArea, type VmcbField, type VmcbFieldRow, vmcbFields } from "./vmcb-fields.ts";

/** A bit or bits of a field, and for intercepts what they do. */
interface Bits extends Field {
  readonly doc?: string;
}

/** A field of a VMCB as a debugger shows it. */
export interface VmcbFieldView {
  /** The manual's name. */
  readonly name: string;
  /** From the start of the VMCB. */
  readonly offset: number;
  readonly value: bigint;
  /** Bits. */
  readonly width: number;
  /** Worth showing at first sight. */
  readonly shown: boolean;
  /** Its bits by the manual's names, where it has any. */
  readonly bits: readonly Bits[];
}

/** The VMCB under which the guest runs. */
export interface VmcbView {
  /** Host-physical address. */
  readonly address: bigint;
  readonly groups: readonly {
    readonly group: "Control area" | "State save area";
    readonly fields: readonly VmcbFieldView[];
  }[];
  /** The first check that VMRUN has just failed. */
  readonly failure?: { readonly offset: number; readonly check: string; readonly sentence: string };
}

const shown: ReadonlySet<VmcbField> = new Set<VmcbField>([
  ...(["exitCode", "exitInfo1", "exitInfo2", "exitIntInfo", "eventInjection", "nextRip", "clean"] as const),
  ...(["crReads", "crWrites", "exceptions", "vector3", "vector4", "vector5", "virtualInterrupt"] as const),
  ...(["asid", "nestedControl", "nestedCr3", "rip", "rsp", "rax", "rflags", "cr0", "cr3", "cr4", "efer"] as const),
  ...(["cpl", "csSelector", "csAttributes"] as const),
]);

const oneBit = (vmcb: Vmcb, field: VmcbField, bit: number, name: string): Field => ({
  name,
  value: vmcb.bit(field, bit) ? "1" : "0",
  bits: `${bit}`,
});

const interceptBits = (vmcb: Vmcb, field: VmcbField): Bits[] =>
  Object.entries<Intercept>(intercepts)
    .filter(([, { word }]) => word === field)
    .map(([name, { bit, what, note }]) => ({
      ...oneBit(vmcb, field, bit, name),
      doc: note === undefined ? `${what} exits.` : `${what} exits. ${note}`,
    }));

/** What EXITINFO1 or EXITINFO2 says, by its prefix in the fields of the exit. */
const exitBits =
  (prefix: "EXITINFO1" | "EXITINFO2") =>
  (vmcb: Vmcb): Field[] => {
    const code = Number(BigInt.asIntN(64, vmcb.get("exitCode")));
    const [info1, info2] = [vmcb.get("exitInfo1"), vmcb.get("exitInfo2")];
    return decodeExit({ code, info1, info2, interrupted: 0n }).filter(({ name }) => name.startsWith(prefix));
  };

function codeBits(vmcb: Vmcb): Field[] {
  const code = Number(BigInt.asIntN(64, vmcb.get("exitCode")));
  const name = exitCodes.find(({ number }) => number === code)?.name;
  return [{ name: "Exit code", value: name ?? "reserved", bits: "63:0" }];
}

/** A bit for each register that there is. */
const registerBits =
  (field: VmcbField, kind: "CR" | "DR", access: "read" | "write") =>
  (vmcb: Vmcb): Bits[] =>
    (kind === "CR" ? [0, 2, 3, 4, 8] : [0, 1, 2, 3, 6, 7]).map((number) => ({
      ...oneBit(vmcb, field, number, `${kind}${number}`),
      doc: `A ${access} of ${kind}${number} exits.`,
    }));

/** NMIs have an intercept of their own, and AMD-V has no #VE. */
const noException: readonly number[] = [2, 20];

const exceptionBits = (vmcb: Vmcb): Bits[] =>
  exceptionVectors
    .filter((vector) => !noException.includes(vector))
    .map((vector) => ({
      ...oneBit(vmcb, "exceptions", vector, exceptionName(vector)),
      doc: `${exceptionName(vector)} exits.`,
    }));

/** Fields whose bits are more than intercepts. */
const decoders: Partial<Record<VmcbField, (vmcb: Vmcb) => Bits[]>> = {
  nestedControl: (vmcb) => [
    {
      ...oneBit(vmcb, "nestedControl", 0, "NP_ENABLE"),
      doc: "Guest-physical addresses are translated by nested page tables.",
    },
  ],
  crReads: registerBits("crReads", "CR", "read"),
  crWrites: registerBits("crWrites", "CR", "write"),
  drReads: registerBits("drReads", "DR", "read"),
  drWrites: registerBits("drWrites", "DR", "write"),
  exceptions: exceptionBits,
  exitCode: codeBits,
  exitInfo1: exitBits("EXITINFO1"),
  exitInfo2: exitBits("EXITINFO2"),
  exitIntInfo: (vmcb) => decodeEvent(vmcb.get("exitIntInfo")),
  eventInjection: (vmcb) => decodeEvent(vmcb.get("eventInjection")),
  clean: (vmcb) => Object.values(cleanBits).map(({ bit, name }) => oneBit(vmcb, "clean", bit, name)),
};

const fieldView = (vmcb: Vmcb, field: VmcbField): VmcbFieldView => {
  const { name, offset, bytes }: VmcbFieldRow = vmcbFields[field];
  const bits = decoders[field]?.(vmcb) ?? interceptBits(vmcb, field);
  return { name, offset, value: vmcb.get(field), width: 8 * bytes, shown: shown.has(field), bits };
};

const fields = Object.keys(vmcbFields) as VmcbField[];
const groups = [
  { group: "Control area", of: fields.filter((field) => vmcbFields[field].offset < saveArea) },
  { group: "State save area", of: fields.filter((field) => vmcbFields[field].offset >= saveArea) },
] as const;

function failureOf(vmcb: Vmcb): Pick<VmcbView, "failure"> {
  const failed = checkConsistency(vmcb);
  if (!failed) return {};
  return { failure: { offset: vmcbFields[failed.field].offset, check: failed.id, sentence: failed.sentence } };
}

/** A VMCB by its two areas; `checked` as VMRUN checks it. */
export const vmcbView = (vmcb: Vmcb, checked: boolean): VmcbView => ({
  address: BigInt(vmcb.address),
  groups: groups.map(({ group, of }) => ({ group, fields: of.map((field) => fieldView(vmcb, field)) })),
  ...(checked ? failureOf(vmcb) : {}),
});
