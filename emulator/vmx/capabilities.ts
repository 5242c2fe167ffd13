import { controlWord } from "./controls.ts";
import { vmcsBytes, vmcsRevision } from "./vmcs.ts";

/** What a control word may be: bits of `must` are 1, bits outside `may` are 0. The two halves of a capability MSR. */
export interface Allowed {
  readonly must: number;
  readonly may: number;
}

/** Bits without a name that are 1 ("default1"), less those that the TRUE capability MSRs let be 0 (SDM Vol. 3, A.2). */
const default1 = { pin: 0x16, primary: 0x04006172, exit: 0x00036dfb, entry: 0x000011fb } as const;

const allowed = (must: number, may: number): Allowed => ({ must, may: (must | may) >>> 0 });

/** The controls our processor has. A control that is not here cannot be set: the entry check names it. */
export const allowedControls = {
  pinControls: allowed(default1.pin, controlWord("externalInterruptExiting")),
  primaryControls: allowed(
    default1.primary,
    controlWord(
      "interruptWindowExiting",
      "tscOffsetting",
      "hltExiting",
      "invlpgExiting",
      "rdpmcExiting",
      "rdtscExiting",
      "cr3LoadExiting",
      "cr3StoreExiting",
      "cr8LoadExiting",
      "cr8StoreExiting",
      "movDrExiting",
      "unconditionalIoExiting",
      "ioBitmaps",
      "msrBitmaps",
      "pauseExiting",
      "secondaryControls",
    ),
  ),
  secondaryControls: allowed(
    0,
    controlWord("ept", "descriptorTableExiting", "rdtscp", "vpid", "wbinvdExiting", "unrestrictedGuest"),
  ),
  exitControls: allowed(
    default1.exit,
    controlWord("saveDebugControls", "hostAddressSpaceSize", "savePat", "exitLoadPat", "saveEfer", "exitLoadEfer"),
  ),
  entryControls: allowed(
    default1.entry,
    controlWord("loadDebugControls", "ia32eModeGuest", "entryLoadPat", "entryLoadEfer"),
  ),
} as const satisfies Record<string, Allowed>;

/** Nearest allowed word to the one wanted: `(want | must) & may`. */
export const adjust = (field: keyof typeof allowedControls, want: number): number =>
  ((want | allowedControls[field].must) & allowedControls[field].may) >>> 0;

/** CR0 and CR4 bits that are fixed in VMX operation: `must` 1, and 0 outside `may`. PE and PG are free with unrestricted guest. */
export const fixedCr0 = { must: 0x80000021n, may: 0xffffffffn } as const;
export const fixedCr4 = { must: 0x2000n, may: 0x372fffn } as const;

const both = ({ must, may }: Allowed): bigint => (BigInt(may) << 32n) | BigInt(must);

/** EPT_VPID_CAP: execute-only, walk length 4, UC, WB, 2 MiB, 1 GiB, INVEPT, accessed and dirty flags, INVEPT and INVVPID types. */
const eptVpid = [0, 6, 8, 14, 16, 17, 20, 21, 25, 26, 32, 40, 41, 42, 43].reduce(
  (w, bit) => w | (1n << BigInt(bit)),
  0n,
);

/** The capability MSRs (SDM Vol. 3, appendix A) of the processor the VMM runs on; a guest of ours does not see them. */
export const capabilityMsrs: readonly { readonly msr: number; readonly name: string; readonly value: bigint }[] = [
  {
    msr: 0x480,
    name: "IA32_VMX_BASIC",
    value: BigInt(vmcsRevision) | (BigInt(vmcsBytes) << 32n) | (6n << 50n) | (1n << 54n) | (1n << 55n),
  },
  { msr: 0x486, name: "IA32_VMX_CR0_FIXED0", value: fixedCr0.must },
  { msr: 0x487, name: "IA32_VMX_CR0_FIXED1", value: fixedCr0.may },
  { msr: 0x488, name: "IA32_VMX_CR4_FIXED0", value: fixedCr4.must },
  { msr: 0x489, name: "IA32_VMX_CR4_FIXED1", value: fixedCr4.may },
  { msr: 0x48b, name: "IA32_VMX_PROCBASED_CTLS2", value: both(allowedControls.secondaryControls) },
  { msr: 0x48c, name: "IA32_VMX_EPT_VPID_CAP", value: eptVpid },
  { msr: 0x48d, name: "IA32_VMX_TRUE_PINBASED_CTLS", value: both(allowedControls.pinControls) },
  { msr: 0x48e, name: "IA32_VMX_TRUE_PROCBASED_CTLS", value: both(allowedControls.primaryControls) },
  { msr: 0x48f, name: "IA32_VMX_TRUE_EXIT_CTLS", value: both(allowedControls.exitControls) },
  { msr: 0x490, name: "IA32_VMX_TRUE_ENTRY_CTLS", value: both(allowedControls.entryControls) },
];
