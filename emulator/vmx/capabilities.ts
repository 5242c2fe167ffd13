import { controlWord } from "./controls.ts";
import { eptpSwitching } from "./vm-functions.ts";

/** What a control word may be: bits of `must` are 1, bits outside `may` are 0. The two halves of a capability MSR (SDM Vol. 3, appendix A). */
export interface Allowed {
  readonly must: number;
  readonly may: number;
}

/** Bits without a name that are 1 ("default1"), less those that the TRUE capability MSRs let be 0 (SDM Vol. 3, A.2). */
const default1 = { pin: 0x16, primary: 0x04006172, exit: 0x00036dfb, entry: 0x000011fb } as const;

const allowed = (must: number, may: number): Allowed => ({ must, may: (must | may) >>> 0 });

/** The controls our processor has. A control that is not here cannot be set: the entry check names it. */
export const allowedControls = {
  pinControls: allowed(
    default1.pin,
    controlWord("externalInterruptExiting", "nmiExiting", "virtualNmis", "preemptionTimer", "postedInterrupts"),
  ),
  primaryControls: allowed(
    default1.primary,
    controlWord(
      "interruptWindowExiting",
      "tscOffsetting",
      "hltExiting",
      "invlpgExiting",
      "mwaitExiting",
      "rdpmcExiting",
      "rdtscExiting",
      "cr3LoadExiting",
      "cr3StoreExiting",
      "cr8LoadExiting",
      "cr8StoreExiting",
      "tprShadow",
      "nmiWindowExiting",
      "movDrExiting",
      "unconditionalIoExiting",
      "ioBitmaps",
      "monitorTrapFlag",
      "msrBitmaps",
      "monitorExiting",
      "pauseExiting",
      "secondaryControls",
    ),
  ),
  secondaryControls: allowed(
    0,
    controlWord(
      "virtualizeApicAccesses",
      "apicRegisterVirtualization",
      "virtualInterruptDelivery",
      "ept",
      "descriptorTableExiting",
      "rdtscp",
      "vpid",
      "wbinvdExiting",
      "vmFunctions",
      "pml",
      "eptViolationVe",
      "modeBasedExecute",
      "unrestrictedGuest",
      "pauseLoopExiting",
      "rdrandExiting",
      "invpcid",
      "rdseedExiting",
    ),
  ),
  exitControls: allowed(
    default1.exit,
    controlWord(
      "saveDebugControls",
      "hostAddressSpaceSize",
      "acknowledgeInterrupt",
      "savePat",
      "exitLoadPat",
      "saveEfer",
      "exitLoadEfer",
      "savePreemptionTimer",
    ),
  ),
  entryControls: allowed(
    default1.entry,
    controlWord("loadDebugControls", "ia32eModeGuest", "entryLoadPat", "entryLoadEfer"),
  ),
} as const satisfies Record<string, Allowed>;

/** VM functions that there are: bits of the VM-function controls that may be 1 (IA32_VMX_VMFUNC). */
export const allowedFunctions = 1n << BigInt(eptpSwitching);

/** Nearest allowed word to the one wanted: `(want | must) & may`. */
export const adjust = (field: keyof typeof allowedControls, want: number): number =>
  ((want | allowedControls[field].must) & allowedControls[field].may) >>> 0;

/** CR0 and CR4 bits that are fixed in VMX operation: `must` 1, and 0 outside `may`. PE and PG are free with unrestricted guest. */
export const fixedCr0 = { must: 0x80000021n, may: 0xffffffffn } as const;
export const fixedCr4 = { must: 0x2000n, may: 0x333fbfn } as const;

/** Activity states a guest may be entered in: active, HLT and wait-for-SIPI. The processor does not enter shutdown. */
export const activityStates: readonly number[] = [0, 1, 3];
