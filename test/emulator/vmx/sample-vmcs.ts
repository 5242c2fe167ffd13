import { adjust } from "../../../emulator/vmx/capabilities.ts";
import { controlWord } from "../../../emulator/vmx/controls.ts";
import { makeEptp } from "../../../emulator/vmx/ept.ts";
import { Vmcs, vmcsBytes } from "../../../emulator/vmx/vmcs.ts";
import type { VmcsField } from "../../../emulator/vmx/vmcs-fields.ts";

const flat = { Cs: 0xc09b, Ss: 0xc093, Ds: 0xc093, Es: 0xc093, Fs: 0xc093, Gs: 0xc093 } as const;

/** Fields of a 32-bit protected-mode guest with paging and EPT that passes every entry check. */
const fields: Partial<Record<VmcsField, bigint | number>> = {
  pinControls: adjust("pinControls", controlWord("externalInterruptExiting")),
  primaryControls: adjust("primaryControls", controlWord("hltExiting", "secondaryControls", "msrBitmaps", "ioBitmaps")),
  secondaryControls: adjust("secondaryControls", controlWord("ept", "vpid", "unrestrictedGuest")),
  exitControls: adjust("exitControls", controlWord("hostAddressSpaceSize", "saveEfer", "exitLoadEfer")),
  entryControls: adjust("entryControls", controlWord("entryLoadEfer")),
  ioBitmapA: 0x3000,
  ioBitmapB: 0x4000,
  msrBitmaps: 0x5000,
  vpid: 1,
  eptPointer: makeEptp(0x6000, true),
  vmcsLinkPointer: 0xffff_ffff_ffff_ffffn,
  hostCr0: 0x8005_0033n,
  hostCr4: 0x2020n,
  hostEfer: 0x500n,
  hostCsSelector: 8,
  hostSsSelector: 16,
  hostTrSelector: 24,
  guestCr0: 0x8000_0031n,
  guestCr4: 0x2000n,
  guestRflags: 2n,
  guestCsSelector: 8,
  guestSsSelector: 16,
  guestTrAccess: 0x8b,
  guestTrLimit: 0x67,
  guestLdtrAccess: 0x10000,
  cr0Mask: 0x20n,
  cr0Shadow: 0x11n,
};

export function sampleVmcs(changes: Partial<Record<VmcsField, bigint | number>> = {}): Vmcs {
  const vmcs = new Vmcs(new DataView(new ArrayBuffer(vmcsBytes)), 0x1000);
  vmcs.clear();
  for (const [name, access] of Object.entries(flat)) {
    vmcs.set(`guest${name as keyof typeof flat}Access`, access);
    vmcs.set(`guest${name as keyof typeof flat}Limit`, 0xffffffff);
  }
  for (const [field, value] of Object.entries({ ...fields, ...changes })) vmcs.set(field as VmcsField, value);
  return vmcs;
}
