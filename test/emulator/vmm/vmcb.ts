import type { MachineInterface } from "../../../emulator/index.ts";
import { type VmcbField, vmcbFields } from "../../../emulator/svm/vmcb-fields.ts";

/** The VMCB is the first page that the VMM takes. */
export const vmcb = 0x1000;

export function read(machine: MachineInterface, field: VmcbField): bigint {
  const { offset, bytes } = vmcbFields[field];
  const found = machine.readMemory("host-physical", BigInt(vmcb + offset), bytes);
  return found.reduce<bigint>((value, byte, n) => value | (BigInt(byte ?? 0) << BigInt(8 * n)), 0n);
}

export function write(machine: MachineInterface, field: VmcbField, value: bigint): void {
  const { offset, bytes } = vmcbFields[field];
  const image = Uint8Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
  machine.writeMemory("host-physical", BigInt(vmcb + offset), image);
}
