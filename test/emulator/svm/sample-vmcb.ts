import { interceptWord } from "../../../emulator/svm/intercepts.ts";
import { Vmcb, vmcbBytes } from "../../../emulator/svm/vmcb.ts";
import type { VmcbField } from "../../../emulator/svm/vmcb-fields.ts";

export type Fields = Partial<Record<VmcbField, bigint | number>>;

/** Fields of a 32-bit protected-mode guest with nested paging that passes every consistency check. */
const fields: Fields = {
  vector4: interceptWord("VMRUN"),
  iopmBase: 0x3000,
  msrpmBase: 0x6000,
  asid: 1,
  nestedControl: 1,
  nestedCr3: 0x8000,
  guestPat: 0x0007_0406_0007_0406n,
  efer: 0x1000n,
  cr0: 0x8000_0011n,
  dr6: 0xffff_0ff0n,
  dr7: 0x400n,
  rflags: 2n,
  csAttributes: 0xc9b,
};

export function sampleVmcb(changes: Fields = {}): Vmcb {
  const vmcb = new Vmcb(new DataView(new ArrayBuffer(vmcbBytes)), 0x1000);
  for (const [field, value] of Object.entries({ ...fields, ...changes })) vmcb.set(field as VmcbField, value);
  return vmcb;
}
