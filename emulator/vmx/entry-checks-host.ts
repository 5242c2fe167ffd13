import { fixedCr0, fixedCr4 } from "./capabilities.ts";
import { isOn } from "./controls.ts";
import type { EntryCheck } from "./entry-checks.ts";
import { isPhysical } from "./entry-checks-controls.ts";
import type { Vmcs } from "./vmcs.ts";
import { type VmcsField, vmcsFields } from "./vmcs-fields.ts";

/** Bits 63:47 all equal. */
export const isCanonical = (address: bigint): boolean =>
  BigInt.asUintN(64, BigInt.asIntN(48, address)) === BigInt.asUintN(64, address);

/** Each byte of IA32_PAT is a memory type: 0, 1, 4, 5, 6 or 7. */
export const isPat = (pat: bigint): boolean =>
  [0n, 8n, 16n, 24n, 32n, 40n, 48n, 56n].every((shift) => [0n, 1n, 4n, 5n, 6n, 7n].includes((pat >> shift) & 0xffn));

export const respects = (value: bigint, fixed: { readonly must: bigint; readonly may: bigint }): boolean =>
  (value & fixed.must) === fixed.must && (value & ~fixed.may) === 0n;

const isHost64 = (v: Vmcs): boolean => isOn(v, "hostAddressSpaceSize");

const selectorChecks = (
  [
    "hostEsSelector",
    "hostCsSelector",
    "hostSsSelector",
    "hostDsSelector",
    "hostFsSelector",
    "hostGsSelector",
    "hostTrSelector",
  ] as const
).map(
  (field): EntryCheck => ({
    id: `${field}.rpl-ti`,
    field,
    sentence: `${vmcsFields[field].name} has RPL 0 and refers to the GDT.`,
    holds: (v) => (v.number(field) & 7) === 0,
  }),
);

const canonical = (field: VmcsField): EntryCheck => ({
  id: `${field}.canonical`,
  field,
  sentence: `${vmcsFields[field].name} is canonical.`,
  holds: (v) => isCanonical(v.get(field)),
});

const lmeLma = 0x500n;

/** Checks of the host state (SDM Vol. 3, 27.2.2 to 27.2.4); the first that fails gives VM-instruction error 8. */
export const hostChecks: readonly EntryCheck[] = [
  {
    id: "host-cr0.fixed",
    field: "hostCr0",
    sentence: "Host CR0 has the bits that VMX operation fixes: PE, NE and PG are 1.",
    holds: (v) => respects(v.get("hostCr0"), fixedCr0),
  },
  {
    id: "host-cr4.fixed",
    field: "hostCr4",
    sentence: "Host CR4 has the bits that VMX operation fixes: VMXE is 1.",
    holds: (v, { cr4 }) => respects(v.get("hostCr4"), { must: fixedCr4.must, may: cr4 }),
  },
  {
    id: "host-cr3.width",
    field: "hostCr3",
    sentence: "Host CR3 is within the physical-address width.",
    holds: (v) => isPhysical(v.get("hostCr3")),
  },
  canonical("hostSysenterEsp"),
  canonical("hostSysenterEip"),
  {
    id: "host-pat.types",
    field: "hostPat",
    sentence: "Each byte of host IA32_PAT is a memory type.",
    holds: (v) => !isOn(v, "exitLoadPat") || isPat(v.get("hostPat")),
  },
  {
    id: "host-efer.reserved",
    field: "hostEfer",
    sentence: "Reserved bits of host IA32_EFER are 0.",
    holds: (v) => !isOn(v, "exitLoadEfer") || (v.get("hostEfer") & ~0xd01n) === 0n,
  },
  {
    id: "host-efer.mode",
    field: "hostEfer",
    sentence: "LMA and LME of host IA32_EFER equal the control Host address-space size.",
    holds: (v) => !isOn(v, "exitLoadEfer") || (v.get("hostEfer") & lmeLma) === (isHost64(v) ? lmeLma : 0n),
  },
  ...selectorChecks,
  {
    id: "host-cs.not-null",
    field: "hostCsSelector",
    sentence: "Host CS selector is not 0.",
    holds: (v) => v.number("hostCsSelector") !== 0,
  },
  {
    id: "host-tr.not-null",
    field: "hostTrSelector",
    sentence: "Host TR selector is not 0.",
    holds: (v) => v.number("hostTrSelector") !== 0,
  },
  {
    id: "host-ss.not-null",
    field: "hostSsSelector",
    sentence: "Host SS selector is not 0 unless the host is in 64-bit mode.",
    holds: (v) => isHost64(v) || v.number("hostSsSelector") !== 0,
  },
  canonical("hostFsBase"),
  canonical("hostGsBase"),
  canonical("hostGdtrBase"),
  canonical("hostIdtrBase"),
  canonical("hostTrBase"),
  {
    id: "host-address-space.size",
    field: "exitControls",
    sentence: "Host address-space size is that of the VMM that enters: 1 in IA-32e mode, otherwise 0.",
    holds: (v, { longMode }) => isHost64(v) === longMode,
  },
  {
    id: "host-address-space.guest",
    field: "entryControls",
    sentence: "A guest in IA-32e mode needs a 64-bit host.",
    holds: (v) => isHost64(v) || !isOn(v, "ia32eModeGuest"),
  },
  {
    id: "host-cr4.pcide",
    field: "hostCr4",
    sentence: "A host that is not 64-bit has CR4.PCIDE = 0.",
    holds: (v) => isHost64(v) || !v.bit("hostCr4", 17),
  },
  {
    id: "host-cr4.pae",
    field: "hostCr4",
    sentence: "A 64-bit host has CR4.PAE = 1.",
    holds: (v) => !isHost64(v) || v.bit("hostCr4", 5),
  },
  {
    id: "hostRip.high",
    field: "hostRip",
    sentence: "Bits 63:32 of RIP of a host that is not 64-bit are 0.",
    holds: (v) => isHost64(v) || v.get("hostRip") >> 32n === 0n,
  },
  canonical("hostRip"),
];
