import { cr4Allowed } from "../cpu/modes.ts";
import type { State } from "../cpu/state.ts";
import { type Allowed, activityStates, allowedControls, allowedFunctions, fixedCr0, fixedCr4 } from "./capabilities.ts";
import { preemptionTimerRate } from "./preemption-timer.ts";
import { vmcsBytes, vmcsRevision } from "./vmcs.ts";
import { encodingParts, vmcsFields } from "./vmcs-fields.ts";

/** What a VMX capability MSR tells (SDM Vol. 3, appendix A). */
interface CapabilityMsr {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  readonly value: (cpu: State) => bigint;
}

const bit = (...numbers: readonly number[]): bigint => numbers.reduce((mask, n) => mask | (1n << BigInt(n)), 0n);

const writeBack = 6n;
/** Bits 30:0 revision, 44:32 bytes of a region, 53:50 its memory type, 54 exits of INS and OUTS tell the instruction, 55 TRUE MSRs. */
const basic = BigInt(vmcsRevision) | (BigInt(vmcsBytes) << 32n) | (writeBack << 50n) | bit(54, 55);

/** Bits that are reserved and 1 for software that does not look at the TRUE MSRs ("default1", SDM Vol. 3, A.2). */
const default1 = { pin: 0x16, primary: 0x0401e172, exit: 0x00036dff, entry: 0x000011ff } as const;

/** Bits 31:0: which must be 1; bits 63:32: which may be. */
const controlMsr = ({ must, may }: Allowed, default1 = 0): bigint =>
  (BigInt(may >>> 0) << 32n) | BigInt((must | default1) >>> 0);

/** Rate of the preemption timer (4:0); an exit stores EFER.LMA in the entry controls (bit 5); activity states but the active one (8:6); CR3-target values (24:16). */
const miscellaneous =
  BigInt(preemptionTimerRate) |
  (4n << 16n) |
  bit(5, ...activityStates.filter((state) => state !== 0).map((state) => 5 + state));

/** Execute-only, walks of 4 levels, UC and WB tables, pages of 2 MiB and 1 GiB, INVEPT, accessed and dirty flags; INVVPID. */
const eptVpid = bit(0, 6, 8, 14, 16, 17, 20, 21, 25, 26, 32, 40, 41, 42, 43);

/** Bits 9:1: the highest index of any field. */
const highestIndex = Math.max(...Object.values(vmcsFields).map(({ encoding }) => encodingParts(encoding).index));

const row = (number: number, name: string, doc: string, value: (cpu: State) => bigint): CapabilityMsr => ({
  number,
  name: `IA32_VMX_${name}`,
  doc,
  value,
});

/** Read-only; software finds out from them how VMX operation is on this processor. */
export const capabilityMsrs: readonly CapabilityMsr[] = [
  row(0x480, "BASIC", "Revision and size of VMCS regions.", () => basic),
  row(0x481, "PINBASED_CTLS", "Allowed pin-based controls.", () =>
    controlMsr(allowedControls.pinControls, default1.pin),
  ),
  row(0x482, "PROCBASED_CTLS", "Allowed primary processor-based controls.", () =>
    controlMsr(allowedControls.primaryControls, default1.primary),
  ),
  row(0x483, "EXIT_CTLS", "Allowed VM-exit controls.", () => controlMsr(allowedControls.exitControls, default1.exit)),
  row(0x484, "ENTRY_CTLS", "Allowed VM-entry controls.", () =>
    controlMsr(allowedControls.entryControls, default1.entry),
  ),
  row(0x485, "MISC", "CR3-target values, activity states and others.", () => miscellaneous),
  row(0x486, "CR0_FIXED0", "Bits of CR0 that are 1 in VMX operation.", () => fixedCr0.must),
  row(0x487, "CR0_FIXED1", "Bits of CR0 that may be 1 in VMX operation.", () => fixedCr0.may),
  row(0x488, "CR4_FIXED0", "Bits of CR4 that are 1 in VMX operation.", () => fixedCr4.must),
  row(0x489, "CR4_FIXED1", "Bits of CR4 that may be 1 in VMX operation.", (cpu) => BigInt(cr4Allowed(cpu))),
  row(0x48a, "VMCS_ENUM", "Highest index of a VMCS field.", () => BigInt(highestIndex << 1)),
  row(0x48b, "PROCBASED_CTLS2", "Allowed secondary processor-based controls.", () =>
    controlMsr(allowedControls.secondaryControls),
  ),
  row(0x48c, "EPT_VPID_CAP", "What of EPT and VPID there is.", () => eptVpid),
  row(0x48d, "TRUE_PINBASED_CTLS", "Allowed pin-based controls, with the bits that need not be 1.", () =>
    controlMsr(allowedControls.pinControls),
  ),
  row(0x48e, "TRUE_PROCBASED_CTLS", "Allowed primary controls, with the bits that need not be 1.", () =>
    controlMsr(allowedControls.primaryControls),
  ),
  row(0x48f, "TRUE_EXIT_CTLS", "Allowed VM-exit controls, with the bits that need not be 1.", () =>
    controlMsr(allowedControls.exitControls),
  ),
  row(0x490, "TRUE_ENTRY_CTLS", "Allowed VM-entry controls, with the bits that need not be 1.", () =>
    controlMsr(allowedControls.entryControls),
  ),
  row(0x491, "VMFUNC", "VM functions that there are.", () => allowedFunctions),
];
