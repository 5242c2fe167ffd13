import type { Field } from "../trace/event.ts";
import { exitCodes } from "./exit-codes.ts";
import { decodeEvent, decodeExit } from "./exit-information.ts";
import { type Intercept, intercepts } from "./intercepts.ts";
import type { Vmcb } from "./vmcb.ts";
import { cleanBits, saveArea, type VmcbField, type VmcbFieldRow, vmcbFields } from "./vmcb-fields.ts";

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
  readonly bits: readonly Field[];
}

/** The VMCB under which the guest runs. */
export interface VmcbView {
  /** Host-physical address. */
  readonly address: bigint;
  readonly groups: readonly {
    readonly group: "Control area" | "State save area";
    readonly fields: readonly VmcbFieldView[];
  }[];
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

const interceptBits = (vmcb: Vmcb, field: VmcbField): Field[] =>
  Object.entries<Intercept>(intercepts)
    .filter(([, { word }]) => word === field)
    .map(([name, { bit }]) => oneBit(vmcb, field, bit, name));

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

/** Fields whose bits are more than intercepts. */
const decoders: Partial<Record<VmcbField, (vmcb: Vmcb) => Field[]>> = {
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

/** A VMCB by its two areas. */
export const vmcbView = (vmcb: Vmcb): VmcbView => ({
  address: BigInt(vmcb.address),
  groups: groups.map(({ group, of }) => ({ group, fields: of.map((field) => fieldView(vmcb, field)) })),
});
