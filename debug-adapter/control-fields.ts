/** Fields of the VMCS and the VMCB in expressions: `vmcs.guest_rip`, `vmcb.exit_code`. */

import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type BlockName, fieldNamed, type NamedField, namedFields } from "../emulator/vmm/control-fields.ts";
import { absence } from "./control-block.ts";
import { maskOf } from "./registers.ts";

/** What a name in an expression says of a control block. */
export interface FieldName {
  readonly block: BlockName;
  /** As it was written. */
  readonly name: string;
}

const pattern = /^(?<block>vmcs|vmcb)\.(?<name>\w+)$/i;

/** The field that a name asks for; undefined if it is none of a control block. */
export function fieldIn(name: string): FieldName | undefined {
  const groups = pattern.exec(name)?.groups;
  return groups && { block: groups["block"]!.toLowerCase() as BlockName, name: groups["name"]! };
}

/** What it is, for hovers: "VMCS 681Eh: Guest RIP". */
export const fieldText = ({ block, place, name }: NamedField): string => `${block.toUpperCase()} ${place}: ${name}`;

const blocks: readonly BlockName[] = ["vmcs", "vmcb"];

/** The control block that there is now. */
export const blockNow = (machine: MachineInterface): BlockName | undefined =>
  blocks.find((block) => machine.controlField(namedFields[block][0]!) !== undefined);

/** Why a field has no value. */
export function absentText(machine: MachineInterface, { block }: NamedField): string {
  const other = blockNow(machine);
  if (other === undefined) return absence(machine);
  return `there is no ${block.toUpperCase()}: this guest runs under a ${other.toUpperCase()}, whose fields are written "${other}.…"`;
}

/** Gives a field a value, which may be negative; true, or a sentence. */
export function writeField(machine: MachineInterface, { block, name }: FieldName, value: bigint): true | string {
  const field = fieldNamed(block, name);
  if (!field) return `the ${block.toUpperCase()} has no field "${name}"`;
  if (value > maskOf(field.width) || value < -(1n << BigInt(field.width - 1)))
    return `${value} does not fit in the ${field.width} bits of ${field.name}`;
  return machine.setControlField(field, value & maskOf(field.width));
}

/** The names of all fields that have a value now, as they are written. */
export function presentFields(machine: MachineInterface): readonly string[] {
  const block = blockNow(machine);
  return block ? namedFields[block].map(({ identifier }) => `${block}.${identifier}`) : [];
}
